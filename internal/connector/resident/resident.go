// Package resident asks the resident registry (住民基本台帳ネットワーク) about a person.
//
// Every inquiry names the statutory task for which it is made, and gets one of eight answers, each a type of its own, so
// that a caller's switch says what it does with each. Removal from the registry is not death, and an address that is
// withheld is not an empty one. The inquiry id and the request id are to be kept with the case: a repeated request id gives
// the first answer. The protocol is described in docs/protocols.md.
package resident

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
	Name       string // the whole name as the person is known, family name first
	BirthDate  calendar.Date
	Sex        person.Sex // empty: not asked
	Address    string     // empty: not asked
}

// Change is one line of the change information (変更情報).
type Change struct {
	On     calendar.Date
	Reason string // 転居, 転入, 死亡 …
	Before string // the value that it replaced; may be empty
}

// Record is what the registry tells of a person, characters exactly as received.
type Record struct {
	Name       string
	Kana       string
	FormerName string // 旧氏; empty when none is entered
	Address    string // empty in Withheld
	BirthDate  calendar.Date
	Sex        person.Sex
	Changes    []Change
}

// Answer is one of Alive, Deceased, RemovedAbroad, RemovedOther, Multiple, None, Withheld and Refused.
type Answer interface {
	// Class is the answer's name in the protocol, as a case keeps it.
	Class() string
}

type (
	// Alive: on the registry.
	Alive struct{ Record }
	// Deceased: removed because of death.
	Deceased struct{ Record }
	// RemovedAbroad: removed because the person left for abroad; not a sign of death.
	RemovedAbroad struct{ Record }
	// RemovedOther: removed ex officio, by loss of residence status or for another cause; not a sign of death.
	RemovedOther struct{ Record }
	// Multiple: so many people have these particulars.
	Multiple struct{ Candidates int }
	// None: nobody has these particulars.
	None struct{}
	// Withheld: found, but under support measures (支援措置); the record has no address and no changes.
	Withheld struct{ Record }
	// Refused: the task is not listed for us.
	Refused struct{}
)

// Class returns match_alive.
func (Alive) Class() string { return "match_alive" }

// Class returns match_deceased.
func (Deceased) Class() string { return "match_deceased" }

// Class returns match_removed_abroad.
func (RemovedAbroad) Class() string { return "match_removed_abroad" }

// Class returns match_removed_other.
func (RemovedOther) Class() string { return "match_removed_other" }

// Class returns multiple.
func (Multiple) Class() string { return "multiple" }

// Class returns none.
func (None) Class() string { return "none" }

// Class returns withheld.
func (Withheld) Class() string { return "withheld" }

// Class returns refused.
func (Refused) Class() string { return "refused" }

// RecordOf returns the record that an answer carries.
func RecordOf(a Answer) (Record, bool) {
	switch a := a.(type) {
	case Alive:
		return a.Record, true
	case Deceased:
		return a.Record, true
	case RemovedAbroad:
		return a.Record, true
	case RemovedOther:
		return a.Record, true
	case Withheld:
		return a.Record, true
	}
	return Record{}, false
}

// Result is an answer with what identifies it at the registry.
type Result struct {
	InquiryID  string
	RequestID  string
	AnsweredAt time.Time
	Answer     Answer
}

// Client asks one registry. It is safe for concurrent use.
type Client struct{ wire *wire.Client }

// New returns a client; see wire.Config.
func New(c wire.Config) (*Client, error) {
	w, err := wire.New(c)
	if err != nil {
		return nil, fmt.Errorf("configuring the resident registry: %w", err)
	}
	return &Client{wire: w}, nil
}

// Inquire asks. Repeating it with the same Inquiry is safe and gives the same Result. It fails with fault.Upstream when the
// registry does not answer or answers something unknown, and with fault.Invalid when the request id came before with
// another question.
func (c *Client) Inquire(ctx context.Context, q Inquiry) (Result, error) {
	body := map[string]any{
		"request_id": q.RequestID, "business_id": q.BusinessID, "purpose": q.Purpose,
		"particulars": map[string]string{
			"name": q.Name, "birth_date": q.BirthDate.String(), "sex": string(q.Sex), "address": q.Address,
		},
	}
	result, err := c.do(ctx, wire.Request{Method: http.MethodPost, Path: "/v1/inquiries", Body: body, Repeatable: true})
	if err != nil {
		return Result{}, fmt.Errorf("asking the resident registry: %w", err)
	}
	if result.RequestID != q.RequestID {
		return Result{}, fault.New(fault.Upstream, "", "asking the resident registry: the answer belongs to another request")
	}
	return result, nil
}

// Get reads the result of an earlier inquiry again. It fails with fault.NotFound or fault.Upstream.
func (c *Client) Get(ctx context.Context, inquiryID string) (Result, error) {
	path := "/v1/inquiries/" + url.PathEscape(inquiryID)
	result, err := c.do(ctx, wire.Request{Method: http.MethodGet, Path: path, Repeatable: true})
	if err != nil {
		return Result{}, fmt.Errorf("reading an inquiry of the resident registry: %w", err)
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
