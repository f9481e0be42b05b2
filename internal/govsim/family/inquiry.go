package family

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"akashi/internal/govsim/gate"

	"github.com/google/uuid"
)

// inquiry is a question with its answer, which is given out from readyAt on.
type inquiry struct {
	client  string
	answer  Answer
	readyAt time.Time
}

// at returns what the asker is told at the moment now.
func (q inquiry) at(now time.Time) gate.Reply {
	if now.Before(q.readyAt) {
		return gate.Reply{Status: http.StatusAccepted, Body: Answer{
			InquiryID: q.answer.InquiryID, RequestID: q.answer.RequestID, Status: "pending",
			PollAfterMS: max(q.readyAt.Sub(now).Milliseconds(), 1),
		}}
	}
	return gate.Reply{Status: http.StatusOK, Body: q.answer}
}

func (s *Server) inquire(c gate.Call) gate.Reply {
	q, err := gate.DecodeInquiry(c)
	if err != nil {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	asked, same := s.once.Do(c.Client.ID, q.RequestID, c.Body, func() inquiry { return s.receive(c.Client, q) })
	if !same {
		return gate.Refuse(http.StatusUnprocessableEntity, "request_id_reused", "the request id came before with another question")
	}
	return asked.at(s.clock.Now())
}

// receive looks the person up and keeps the answer until it is ready.
func (s *Server) receive(client gate.Client, q gate.Inquiry) inquiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := inquiry{client: client.ID, answer: Answer{InquiryID: uuid.NewString(), RequestID: q.RequestID, Status: "answered"}}
	asked.readyAt = s.clock.Now()
	if client.MayAskFor(q.BusinessID) {
		asked.readyAt = asked.readyAt.Add(s.lookUp(q.Particulars, &asked.answer))
	} else {
		asked.answer.Class = Refused
	}
	asked.answer.AnsweredAt = &asked.readyAt
	s.inquiries[asked.answer.InquiryID] = asked
	return asked
}

// lookUp fills the answer and returns how long it takes.
func (s *Server) lookUp(particulars gate.Particulars, a *Answer) time.Duration {
	var found []Person
	for _, p := range s.people {
		if p.isMeant(particulars) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		a.Class = None
		return 0
	case 1:
		p := found[0]
		a.Class = p.Class
		if p.Class == Errored {
			a.ErrorCode = p.ErrorCode
			return p.Delay
		}
		a.Record = recordOf(p)
		return p.Delay
	}
	a.Class, a.Candidates = Multiple, len(found)
	return found[0].Delay
}

// recordOf tells the present domicile only where it is determined; where the order is unknown, no entry says since when.
func recordOf(p Person) *Record {
	r := &Record{
		Name: p.Names[len(p.Names)-1].Name, BirthDate: p.BirthDate,
		Domiciles: slices.Clone(p.Domiciles), Names: slices.Clone(p.Names),
	}
	switch p.Class {
	case Determined:
		r.Domicile = &r.Domiciles[len(r.Domiciles)-1]
	case UnknownOrder:
		for i := range r.Domiciles {
			r.Domiciles[i].From = ""
		}
		slices.SortFunc(r.Domiciles, func(a, b Domicile) int { return cmp.Compare(a.Prefecture, b.Prefecture) })
	case UnknownBeforeRecords:
		r.KnownFrom = p.KnownFrom
	}
	return r
}

func (s *Server) read(c gate.Call) gate.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, ok := s.inquiries[c.PathValue("id")]
	if !ok || asked.client != c.Client.ID {
		return gate.Refuse(http.StatusNotFound, "not_found", "no such inquiry of this client")
	}
	return asked.at(s.clock.Now())
}
