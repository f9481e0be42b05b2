package family

import (
	"fmt"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

// maxWait bounds how long the register may ask us to wait before the next question.
const maxWait = 24 * time.Hour

// message is the answer as it travels.
type message struct {
	InquiryID   string     `json:"inquiry_id"`
	RequestID   string     `json:"request_id"`
	Status      string     `json:"status"`
	PollAfterMS int64      `json:"poll_after_ms"`
	Class       string     `json:"class"`
	Candidates  int        `json:"candidates"`
	Record      *record    `json:"record"`
	ErrorCode   string     `json:"error_code"`
	AnsweredAt  *time.Time `json:"answered_at"`
}

type domicile struct {
	Prefecture string `json:"prefecture"`
	Name       string `json:"name"`
	From       string `json:"from"`
}

type record struct {
	Name      string     `json:"name"`
	BirthDate string     `json:"birth_date"`
	Domicile  *domicile  `json:"domicile"`
	Domiciles []domicile `json:"domiciles"`
	Names     []struct {
		Name   string `json:"name"`
		From   string `json:"from"`
		Reason string `json:"reason"`
	} `json:"names"`
	KnownFrom string `json:"known_from"`
}

func (m message) result() (Result, error) {
	if m.InquiryID == "" {
		return Result{}, misunderstood("the answer has no id")
	}
	result := Result{InquiryID: m.InquiryID, RequestID: m.RequestID}
	if m.Status == "pending" {
		after := time.Duration(min(m.PollAfterMS, maxWait.Milliseconds())) * time.Millisecond
		result.Answer = Pending{After: max(after, 0)}
		return result, nil
	}
	if m.Status != "answered" || m.AnsweredAt == nil {
		return Result{}, misunderstood(fmt.Sprintf("the status is %q", m.Status))
	}
	answer, err := m.answer()
	if err != nil {
		return Result{}, err
	}
	result.AnsweredAt, result.Answer = *m.AnsweredAt, answer
	return result, nil
}

func (m message) answer() (Answer, error) {
	switch m.Class {
	case None{}.Class():
		return None{}, nil
	case Multiple{}.Class():
		return Multiple{Candidates: m.Candidates}, nil
	case Errored{}.Class():
		return Errored{Code: m.ErrorCode}, nil
	case Refused{}.Class():
		return Refused{}, nil
	case Determined{}.Class(), UnknownOrder{}.Class(), UnknownBeforeRecords{}.Class():
		return m.withRecord()
	}
	return nil, misunderstood(fmt.Sprintf("the class %q is unknown", m.Class))
}

func (m message) withRecord() (Answer, error) {
	r, err := m.Record.read()
	if err != nil {
		return nil, err
	}
	switch m.Class {
	case UnknownOrder{}.Class():
		return UnknownOrder{r}, nil
	case UnknownBeforeRecords{}.Class():
		from, err := optionalDate(m.Record.KnownFrom)
		return UnknownBeforeRecords{Record: r, KnownFrom: from}, err
	}
	if m.Record.Domicile == nil {
		return nil, misunderstood("the domicile is called determined and is missing")
	}
	present, err := m.Record.Domicile.read()
	return Determined{Record: r, Domicile: present}, err
}

func (r *record) read() (Record, error) {
	if r == nil || r.Name == "" {
		return Record{}, misunderstood("the answer has no record")
	}
	birth, err := calendar.ParseISO(r.BirthDate)
	if err != nil {
		return Record{}, misunderstood("the record has no birth date")
	}
	out := Record{Name: r.Name, BirthDate: birth}
	for _, d := range r.Domiciles {
		entry, err := d.read()
		if err != nil {
			return Record{}, err
		}
		out.Domiciles = append(out.Domiciles, entry)
	}
	for _, n := range r.Names {
		from, err := optionalDate(n.From)
		if err != nil {
			return Record{}, err
		}
		out.Names = append(out.Names, NameEntry{Name: n.Name, From: from, Reason: n.Reason})
	}
	return out, nil
}

func (d domicile) read() (Domicile, error) {
	if len(d.Prefecture) != 2 || d.Name == "" {
		return Domicile{}, misunderstood(fmt.Sprintf("a domicile has the prefecture %q", d.Prefecture))
	}
	from, err := optionalDate(d.From)
	return Domicile{Prefecture: d.Prefecture, Name: d.Name, From: from}, err
}

func optionalDate(s string) (calendar.Date, error) {
	if s == "" {
		return calendar.Date{}, nil
	}
	d, err := calendar.ParseISO(s)
	if err != nil {
		return calendar.Date{}, misunderstood(fmt.Sprintf("%q is no date", s))
	}
	return d, nil
}

func misunderstood(what string) error {
	return fault.New(fault.Upstream, "", "reading an answer: "+what)
}
