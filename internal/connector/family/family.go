// Package family asks for a person's domicile (本籍) and name history in the family register (戸籍関係情報).
//
// The answer may be that the present domicile cannot be determined, in two ways that nobody can foresee; the case then
// needs a document from the applicant and is not refused (デジタル庁, 2024-12-10). Each answer is a type of its own. An answer may
// also be Pending: ask again with Get after the time it names. The protocol is described in docs/protocols.md.
package family

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/connector/wire"
	"akashi/internal/fault"
	"akashi/internal/person"
)

// Inquiry is a question. RequestID is the caller's, the same for every repetition of the same question.
type Inquiry struct {
	RequestID  string
	BusinessID string // the statutory task (事務ID); unlisted ones are refused
	Purpose    string
	Name       string // the whole name, present or former
	BirthDate  calendar.Date
	Sex        person.Sex // empty: not asked
}

// Domicile is one entry of the domicile's history.
type Domicile struct {
	Prefecture string        // two digits of JIS X 0401
	Name       string        // 佐賀県
	From       calendar.Date // zero where it cannot be told
}

// NameEntry is one entry of the name's history.
type NameEntry struct {
	Name   string
	From   calendar.Date // zero where it cannot be told
	Reason string        // 出生, 婚姻, 離婚 …
}

// Record is what the register tells, characters exactly as received.
type Record struct {
	Name      string
	BirthDate calendar.Date
	Domiciles []Domicile  // in no order that means anything when the answer is UnknownOrder
	Names     []NameEntry // oldest first
}

// Answer is one of Determined, UnknownOrder, UnknownBeforeRecords, None, Multiple, Errored, Refused and Pending.
type Answer interface {
	// Class is the answer's name in the protocol, as a case keeps it.
	Class() string
}

type (
	// Determined: the present domicile is certain.
	Determined struct {
		Record
		Domicile Domicile
	}
	// UnknownOrder: the order of the history's entries cannot be told.
	UnknownOrder struct{ Record }
	// UnknownBeforeRecords: what was before the computerisation of the register, on KnownFrom, cannot be seen.
	UnknownBeforeRecords struct {
		Record
		KnownFrom calendar.Date
	}
	// None: no register has such a person; foreign nationals have none.
	None struct{}
	// Multiple: so many people have these particulars.
	Multiple struct{ Candidates int }
	// Errored: the register could not answer this question, for the reason of its code; asking the same again is no use.
	Errored struct{ Code string }
	// Refused: the task is not listed for us.
	Refused struct{}
	// Pending: not answered yet.
	Pending struct{ After time.Duration }
)

// Class returns determined.
func (Determined) Class() string { return "determined" }

// Class returns partly_unknown_order.
func (UnknownOrder) Class() string { return "partly_unknown_order" }

// Class returns partly_unknown_before_computerisation.
func (UnknownBeforeRecords) Class() string { return "partly_unknown_before_computerisation" }

// Class returns none.
func (None) Class() string { return "none" }

// Class returns multiple.
func (Multiple) Class() string { return "multiple" }

// Class returns error.
func (Errored) Class() string { return "error" }

// Class returns refused.
func (Refused) Class() string { return "refused" }

// Class returns pending.
func (Pending) Class() string { return "pending" }

// RecordOf returns the record that an answer carries.
func RecordOf(a Answer) (Record, bool) {
	switch a := a.(type) {
	case Determined:
		return a.Record, true
	case UnknownOrder:
		return a.Record, true
	case UnknownBeforeRecords:
		return a.Record, true
	}
	return Record{}, false
}

// Result is an answer with what identifies it at the register. AnsweredAt is zero while the answer is Pending.
type Result struct {
	InquiryID  string
	RequestID  string
	AnsweredAt time.Time
	Answer     Answer
}

// Client asks one register. It is safe for concurrent use.
type Client struct{ wire *wire.Client }

// New returns a client; see wire.Config.
func New(c wire.Config) (*Client, error) {
	w, err := wire.New(c)
	if err != nil {
		return nil, fmt.Errorf("configuring the family register: %w", err)
	}
	return &Client{wire: w}, nil
}

// Inquire asks. Repeating it with the same Inquiry is safe and never makes a second inquiry. It fails with fault.Upstream
// when the register does not answer or answers something unknown, and with fault.Invalid when the request id came before
// with another question.
func (c *Client) Inquire(ctx context.Context, q Inquiry) (Result, error) {
	body := map[string]any{
		"request_id": q.RequestID, "business_id": q.BusinessID, "purpose": q.Purpose,
		"particulars": map[string]string{"name": q.Name, "birth_date": q.BirthDate.String(), "sex": string(q.Sex)},
	}
	result, err := c.do(ctx, wire.Request{Method: http.MethodPost, Path: "/v1/inquiries", Body: body, Repeatable: true})
	if err != nil {
		return Result{}, fmt.Errorf("asking the family register: %w", err)
	}
	if result.RequestID != q.RequestID {
		return Result{}, fault.New(fault.Upstream, "", "asking the family register: the answer belongs to another request")
	}
	return result, nil
}

// Get reads the present state of an earlier inquiry. It fails with fault.NotFound or fault.Upstream.
func (c *Client) Get(ctx context.Context, inquiryID string) (Result, error) {
	path := "/v1/inquiries/" + url.PathEscape(inquiryID)
	result, err := c.do(ctx, wire.Request{Method: http.MethodGet, Path: path, Repeatable: true})
	if err != nil {
		return Result{}, fmt.Errorf("reading an inquiry of the family register: %w", err)
	}
	return result, nil
}

func (c *Client) do(ctx context.Context, r wire.Request) (Result, error) {
	var m message
	if _, err := c.wire.Do(ctx, r, &m); err != nil {
		return Result{}, err
	}
	return m.result()
}
