package resident

import (
	"fmt"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/person"
)

// message is the answer as it travels.
type message struct {
	InquiryID  string    `json:"inquiry_id"`
	RequestID  string    `json:"request_id"`
	Class      string    `json:"class"`
	Candidates int       `json:"candidates"`
	Record     *record   `json:"record"`
	AnsweredAt time.Time `json:"answered_at"`
}

type record struct {
	Name            string `json:"name"`
	Kana            string `json:"name_kana"`
	FormerName      string `json:"former_name"`
	Address         string `json:"address"`
	AddressWithheld bool   `json:"address_withheld"`
	BirthDate       string `json:"birth_date"`
	Sex             string `json:"sex"`
	Changes         []struct {
		On     string `json:"on"`
		Reason string `json:"reason"`
		Before string `json:"before"`
	} `json:"changes"`
}

func (m message) result() (Result, error) {
	if m.InquiryID == "" || m.AnsweredAt.IsZero() {
		return Result{}, misunderstood("the answer has no id or time")
	}
	answer, err := m.answer()
	if err != nil {
		return Result{}, err
	}
	return Result{InquiryID: m.InquiryID, RequestID: m.RequestID, AnsweredAt: m.AnsweredAt, Answer: answer}, nil
}

func (m message) answer() (Answer, error) {
	switch m.Class {
	case Multiple{}.Class():
		return Multiple{Candidates: m.Candidates}, nil
	case None{}.Class():
		return None{}, nil
	case Refused{}.Class():
		return Refused{}, nil
	}
	r, err := m.Record.read()
	if err != nil {
		return nil, err
	}
	switch m.Class {
	case Alive{}.Class():
		return Alive{r}, nil
	case Deceased{}.Class():
		return Deceased{r}, nil
	case RemovedAbroad{}.Class():
		return RemovedAbroad{r}, nil
	case RemovedOther{}.Class():
		return RemovedOther{r}, nil
	case Withheld{}.Class():
		// Should the registry ever let an address slip through, it stops here.
		r.Address, r.Changes = "", nil
		return Withheld{r}, nil
	}
	return nil, misunderstood(fmt.Sprintf("the class %q is unknown", m.Class))
}

func (r *record) read() (Record, error) {
	if r == nil || r.Name == "" {
		return Record{}, misunderstood("the answer has no record")
	}
	birth, err := calendar.ParseISO(r.BirthDate)
	if err != nil {
		return Record{}, misunderstood("the record has no birth date")
	}
	out := Record{
		Name: r.Name, Kana: r.Kana, FormerName: r.FormerName, Address: r.Address, BirthDate: birth, Sex: person.Sex(r.Sex),
	}
	for _, c := range r.Changes {
		on, err := calendar.ParseISO(c.On)
		if err != nil {
			return Record{}, misunderstood("a change has no date")
		}
		out.Changes = append(out.Changes, Change{On: on, Reason: c.Reason, Before: c.Before})
	}
	return out, nil
}

func misunderstood(what string) error {
	return fault.New(fault.Upstream, "", "reading an answer: "+what)
}
