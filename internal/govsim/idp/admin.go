package idp

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"akashi/internal/govsim/ca"
)

// errNotHere is what the methods for the other provider's things answer.
var errNotHere = errors.New("this provider has no such thing")

// PutOnReader puts a card on the reader; the empty id takes the present one away.
func (s *Server) PutOnReader(card string) error {
	if s.cards == nil {
		return errNotHere
	}
	return s.cards.put(card)
}

// Revoke puts a certificate of a card on its revocation list.
func (s *Server) Revoke(card string, kind ca.Kind) error {
	if s.cards == nil || s.cards.card(card) == nil {
		return fmt.Errorf("revoking a certificate of card %q: %w", card, errNotHere)
	}
	if kind != ca.Signing && kind != ca.Authentication {
		return fmt.Errorf("revoking a certificate of card %q: no kind %q", card, kind)
	}
	credential, err := s.cards.card(card).credential(s.cards.ca, kind)
	if err != nil {
		return err
	}
	return s.cards.ca.Revoke(kind, credential.Certificate)
}

// Unlock forgets the wrong tries of a card, or at the staff's provider of a user.
func (s *Server) Unlock(who string) error {
	if s.staff != nil {
		return s.staff.unlock(who)
	}
	card := s.cards.card(who)
	if card == nil {
		return fmt.Errorf("unlocking card %q: %w", who, errNotHere)
	}
	card.unlock()
	return nil
}

// SetOutage makes an endpoint misbehave; ClearOutages ends all of it.
func (s *Server) SetOutage(o Outage) error { return s.outages.set(o) }

// ClearOutages makes every endpoint behave.
func (s *Server) ClearOutages() { s.outages.clear() }

// admin is the same as an API:
//
//	PUT    /admin/reader             {"card": "<id>"}
//	GET    /admin/reader             → {"card": "<id>"}
//	POST   /admin/revoke             {"card": "<id>", "kind": "signing" | "authentication"}
//	POST   /admin/unlock             {"who": "<card or username>"}
//	PUT    /admin/outage             Outage
//	DELETE /admin/outage
//
// Every request carries the configured token as Authorization: Bearer.
func (s *Server) admin(token string) http.Handler {
	mux := http.NewServeMux()
	order(mux, "PUT /admin/reader", func(in struct{ Card string }) error { return s.PutOnReader(in.Card) })
	order(mux, "POST /admin/unlock", func(in struct{ Who string }) error { return s.Unlock(in.Who) })
	order(mux, "PUT /admin/outage", s.SetOutage)
	order(mux, "POST /admin/revoke", func(in struct {
		Card string
		Kind ca.Kind
	}) error {
		return s.Revoke(in.Card, in.Kind)
	})
	mux.HandleFunc("DELETE /admin/outage", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearOutages()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /admin/reader", func(w http.ResponseWriter, _ *http.Request) {
		if s.cards == nil {
			http.NotFound(w, nil)
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"card": s.cards.reader()})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			http.Error(w, "the simulator's token is missing", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// order lays out one order that takes JSON and answers nothing.
func order[T any](mux *http.ServeMux, pattern string, do func(T) error) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		var in T
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			http.Error(w, "the order cannot be read", http.StatusBadRequest)
			return
		}
		if err := do(in); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
