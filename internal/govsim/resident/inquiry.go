package resident

import (
	"net/http"
	"slices"

	"akashi/internal/govsim/gate"

	"github.com/google/uuid"
)

func (s *Server) inquire(c gate.Call) gate.Reply {
	q, err := gate.DecodeInquiry(c)
	if err != nil {
		return gate.Refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	answer, same := s.once.Do(c.Client.ID, q.RequestID, c.Body, func() Answer { return s.answer(c.Client, q) })
	if !same {
		return gate.Refuse(http.StatusUnprocessableEntity, "request_id_reused", "the request id came before with another question")
	}
	return gate.Reply{Status: http.StatusOK, Body: answer}
}

// answer looks the person up and keeps the answer.
func (s *Server) answer(client gate.Client, q gate.Inquiry) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Answer{InquiryID: uuid.NewString(), RequestID: q.RequestID, AnsweredAt: s.clock.Now()}
	if client.MayAskFor(q.BusinessID) {
		s.lookUp(q.Particulars, &a)
	} else {
		a.Class = Refused
	}
	s.answers[a.InquiryID] = kept{client: client.ID, answer: a}
	return a
}

func (s *Server) lookUp(particulars gate.Particulars, a *Answer) {
	var found []Person
	for _, p := range s.people {
		if p.isMeant(particulars) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		a.Class = None
	case 1:
		a.Class, a.Record = classOf(found[0]), recordOf(found[0])
	default:
		// Who the candidates are is not told: the asking body has no right to people whom it did not mean.
		a.Class, a.Candidates = Multiple, len(found)
	}
}

// classOf puts protection before everything else: that a protected person has moved or died is not told either.
func classOf(p Person) Class {
	if p.Protected {
		return Withheld
	}
	switch p.State {
	case Deceased:
		return MatchDeceased
	case RemovedAbroad:
		return MatchRemovedAbroad
	case RemovedOther:
		return MatchRemovedOther
	}
	return MatchAlive
}

func recordOf(p Person) *Record {
	r := &Record{
		Name: p.Name, Kana: p.Kana, FormerName: p.FormerName, Address: p.Address,
		BirthDate: p.BirthDate, Sex: p.Sex, Changes: append([]Change{}, slices.Clone(p.Changes)...),
	}
	if p.Protected {
		// A change of address would give away where the person lived.
		r.Address, r.AddressWithheld, r.Changes = "", true, []Change{}
	}
	return r
}

func (s *Server) read(c gate.Call) gate.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.answers[c.PathValue("id")]
	if !ok || k.client != c.Client.ID {
		return gate.Refuse(http.StatusNotFound, "not_found", "no such inquiry of this client")
	}
	return gate.Reply{Status: http.StatusOK, Body: k.answer}
}
