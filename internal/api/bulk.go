package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"akashi/internal/relying"
)

const (
	bulkPath    = "/v1/bulk-verifications"
	bulkOne     = bulkPath + "/{id}"
	bulkAnswers = bulkOne + "/answers"
	bulkTable   = bulkOne + "/answers.csv"

	maxBulk = 32 << 20 // bytes of a question about many credentials
)

// Bulk is a question about many credentials and how far it is.
type Bulk struct {
	ID         uuid.UUID  `json:"id"`
	Total      int        `json:"total" doc:"How many credentials were sent."`
	Done       int        `json:"done" doc:"How many are checked."`
	ReceivedAt time.Time  `json:"received_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty" doc:"When the last one was checked; absent until then."`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"When the answers are deleted, a day after they were finished."`
	Answers    string     `json:"answers" doc:"Where the answers are, those that are there already at any time."`
}

// BulkAnswer is what came of one credential.
type BulkAnswer struct {
	Line         int        `json:"line" doc:"From 1, in the order in which they were sent."`
	Ref          string     `json:"ref,omitempty" doc:"Your own reference."`
	Verdict      *string    `json:"verdict" doc:"As of POST /v1/verifications; null while it waits."`
	Untampered   *string    `json:"untampered,omitempty" enum:"yes,no,unknown"`
	Issuer       *string    `json:"issuer,omitempty" enum:"yes,no,unknown"`
	Status       *string    `json:"status,omitempty" enum:"yes,no,unknown"`
	StatusSince  *time.Time `json:"status_since,omitempty"`
	CredentialID *string    `json:"credential_id,omitempty" doc:"DN, when the signature holds."`
	CheckedAt    *time.Time `json:"checked_at,omitempty"`
}

type bulkQuestion struct {
	ContentType string `header:"Content-Type"`
	RequestKey  string `header:"Idempotency-Key" minLength:"1" maxLength:"100" required:"true" doc:"Yours for this question, so that it can be sent again without being asked twice."`
	RawBody     []byte `contentType:"text/csv"`
}

type bulkAccepted struct {
	Location string `header:"Location"`
	Body     Bulk
}

type bulkState struct {
	RetryAfter string `header:"Retry-After"`
	Body       Bulk
}

type bulkRef struct {
	ID uuid.UUID `path:"id"`
}

type bulkPageOf struct {
	ID    uuid.UUID `path:"id"`
	After int       `query:"after" minimum:"0" doc:"The last line that you have."`
	Limit int       `query:"limit" minimum:"1" maximum:"1000" default:"500"`
}

type bulkPage struct {
	Body struct {
		Question Bulk         `json:"question"`
		Answers  []BulkAnswer `json:"answers" doc:"In the order of lines."`
		Next     *int         `json:"next,omitempty" doc:"The after of the next page; absent on the last one."`
	}
}

type bulkCSV struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// bulkOperation is what all operations of registered verifiers share.
func (s *service) forKnown(o huma.Operation) huma.Operation {
	o.Security = []map[string][]string{{bearer: {}}}
	o.Middlewares = huma.Middlewares{s.known}
	o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusTooManyRequests)
	o.Tags = []string{"registered verifiers"}
	return o
}

func (s *service) bulkOperations(all huma.API) {
	ask := s.forKnown(huma.Operation{OperationID: "askMany", Method: http.MethodPost, Path: bulkPath, Summary: "Have many credentials checked",
		Description: "Takes up to 10,000 credentials, as JSON or as CSV with the columns credential and, if you like, ref, and answers at once with where the answers will be. " +
			"What is sent is kept sealed until it is checked and is then deleted; the answers are deleted a day later. Three questions may be open at a time.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: maxBulk, BodyReadTimeout: time.Minute,
		Errors: []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
	})
	huma.Register(all, ask, s.askMany)
	// Added afterwards, since huma reads and checks every body that it knows to be JSON; ours is read by relying, whose words
	// name the credential that is wrong and repeat nothing.
	all.OpenAPI().Paths[bulkPath].Post.RequestBody.Content = bulkBody()
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "manyState", Method: http.MethodGet, Path: bulkOne, Summary: "How far a question is",
		Errors: []int{http.StatusNotFound}}), s.manyState)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "manyAnswers", Method: http.MethodGet, Path: bulkAnswers, Summary: "Answers, page by page",
		Errors: []int{http.StatusNotFound}}), s.manyAnswers)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "manyTable", Method: http.MethodGet, Path: bulkTable, Summary: "All answers as CSV",
		Description: "UTF-8 with a byte order mark, lines in the order in which they were sent. Lines that wait have an empty verdict.",
		Errors:      []int{http.StatusNotFound},
		Responses:   map[string]*huma.Response{"200": {Description: "The table", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}}}}}), s.manyTable)
	huma.Register(all, s.forKnown(huma.Operation{OperationID: "dropMany", Method: http.MethodDelete, Path: bulkOne, Summary: "Delete a question and its answers",
		Description: "A question that is not finished ends.", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound}}), s.dropMany)
}

func bulkBody() map[string]*huma.MediaType {
	text := func(doc string, max int) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: doc, MaxLength: &max}
	}
	one := &huma.Schema{Type: huma.TypeObject, Required: []string{"credential"}, AdditionalProperties: false, Properties: map[string]*huma.Schema{
		"credential": text("What the QR code holds, as in POST /v1/verifications.", relying.MaxCredential),
		"ref":        text("Your own reference: one line that does not begin as a formula. Name nobody in it.", relying.MaxRef)}}
	most := relying.MaxLines
	list := &huma.Schema{Type: huma.TypeObject, Required: []string{"credentials"}, AdditionalProperties: false, Properties: map[string]*huma.Schema{
		"credentials": {Type: huma.TypeArray, Items: one, MaxItems: &most}}}
	return map[string]*huma.MediaType{
		"application/json": {Schema: list}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString, Description: "UTF-8; the first line names the columns."}}}
}

func (s *service) askMany(ctx context.Context, q *bulkQuestion) (*bulkAccepted, error) {
	read := relying.ReadJSON
	switch kind, _, err := mime.ParseMediaType(q.ContentType); {
	case err == nil && kind == "text/csv":
		read = relying.ReadCSV
	case err != nil || kind != "application/json":
		return nil, huma.Error415UnsupportedMediaType("Send application/json or text/csv.")
	}
	lines, err := read(q.RawBody)
	if err != nil {
		return nil, s.refused(ctx, "reading a question", err)
	}
	c, err := s.Relying.Receive(ctx, clientOf(ctx), q.RequestKey, lines)
	if err != nil {
		return nil, s.refused(ctx, "taking a question", err)
	}
	return &bulkAccepted{Location: bulkPath + "/" + c.ID.String(), Body: bulk(c)}, nil
}

func bulk(c *relying.Check) Bulk {
	b := Bulk{ID: c.ID, Total: c.Total, Done: c.Done, ReceivedAt: c.ReceivedAt.UTC().Truncate(time.Microsecond), FinishedAt: c.FinishedAt, Answers: bulkPath + "/" + c.ID.String() + "/answers"}
	if at := c.ExpiresAt(); !at.IsZero() {
		b.ExpiresAt = &at
	}
	return b
}

func (s *service) manyState(ctx context.Context, q *bulkRef) (*bulkState, error) {
	c, err := s.Relying.Find(ctx, clientOf(ctx), q.ID)
	if err != nil {
		return nil, s.refused(ctx, "reading a question", err)
	}
	a := &bulkState{Body: bulk(c)}
	if c.FinishedAt == nil {
		a.RetryAfter = "1"
	}
	return a, nil
}

func (s *service) manyAnswers(ctx context.Context, q *bulkPageOf) (*bulkPage, error) {
	c, answers, err := s.Relying.Answers(ctx, clientOf(ctx), q.ID, q.After, q.Limit)
	if err != nil {
		return nil, s.refused(ctx, "reading answers", err)
	}
	p := &bulkPage{}
	p.Body.Question, p.Body.Answers = bulk(c), make([]BulkAnswer, 0, len(answers))
	for _, a := range answers {
		p.Body.Answers = append(p.Body.Answers, BulkAnswer(a))
	}
	if n := len(answers); n > 0 && answers[n-1].Line < c.Total {
		p.Body.Next = &answers[n-1].Line
	}
	return p, nil
}

var bulkColumns = []string{"line", "ref", "verdict", "untampered", "issuer", "status", "status_since", "credential_id", "checked_at"}

// manyTable writes the whole table: ten thousand lines are a megabyte.
func (s *service) manyTable(ctx context.Context, q *bulkRef) (*bulkCSV, error) {
	out := bytes.NewBufferString("\xef\xbb\xbf")
	w := csv.NewWriter(out)
	if err := w.Write(bulkColumns); err != nil {
		return nil, s.failed(ctx, "writing answers", err)
	}
	for after := 0; ; {
		_, answers, err := s.Relying.Answers(ctx, clientOf(ctx), q.ID, after, relying.MaxPage)
		if err != nil {
			return nil, s.refused(ctx, "reading answers", err)
		}
		for _, a := range answers {
			if err := w.Write(bulkRow(a)); err != nil {
				return nil, s.failed(ctx, "writing answers", err)
			}
			after = a.Line
		}
		if len(answers) < relying.MaxPage {
			break
		}
	}
	if w.Flush(); w.Error() != nil {
		return nil, s.failed(ctx, "writing answers", w.Error())
	}
	return &bulkCSV{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="answers.csv"`, Body: out.Bytes()}, nil
}

func bulkRow(a relying.Answer) []string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	return []string{strconv.Itoa(a.Line), a.Ref, text(a.Verdict), text(a.Untampered), text(a.Issuer), text(a.Status), at(a.StatusSince), text(a.CredentialID), at(a.CheckedAt)}
}

func (s *service) dropMany(ctx context.Context, q *bulkRef) (*struct{}, error) {
	if err := s.Relying.Delete(ctx, clientOf(ctx), q.ID); err != nil {
		return nil, s.refused(ctx, "deleting a question", err)
	}
	return nil, nil
}
