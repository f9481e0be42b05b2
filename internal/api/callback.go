package api

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"akashi/internal/fault"
	"akashi/internal/server"
)

// maxCallback bounds a callback's body, in bytes.
const maxCallback = 16 << 10

// callback takes what the payment provider reports. 204 says that the event is stored, or was already; on anything else
// the provider sends it again. What is wrong with a refused callback is told to our log and not to whoever sent it.
func (s *service) callback(w http.ResponseWriter, r *http.Request) {
	if !s.limiter.Allow("callback " + s.client(r)) {
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusTooManyRequests, "Callbacks come faster than allowed. Send it again later.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil {
		s.refuse(w, r, unread(err))
		return
	}
	event, err := s.Prove(r.Context(), body, r.Header)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if err := s.Receiver.Receive(r.Context(), event); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func unread(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.Wrap(fault.TooLarge, err, "reading a payment callback")
	}
	return fault.Wrap(fault.Invalid, err, "reading a payment callback")
}

// refuse answers a callback that was not stored.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := http.StatusInternalServerError, "The event could not be stored. Send it again later."
	log := s.Log.Warn
	switch fault.KindOf(err) {
	case fault.Unauthenticated:
		status, detail = http.StatusUnauthorized, "The callback is not signed by the payment provider, or its signature is too old."
	case fault.TooLarge:
		status, detail = http.StatusRequestEntityTooLarge, "A callback has at most 16 KiB."
	case fault.Invalid:
		status, detail = http.StatusBadRequest, "The body did not arrive whole."
	case fault.Upstream:
		status, detail = http.StatusServiceUnavailable, "The signature cannot be checked now. Send it again later."
		log = s.Log.Error
	default:
		log = s.Log.Error
	}
	log("a payment callback was refused", "status", status, "reference", server.Reference(r.Context()), "error", err)
	problem(w, status, detail)
}

// failed logs a fault of ours once and gives the client the words.
func (s *service) failed(ctx context.Context, doing string, err error) error {
	s.Log.Error("request failed", "portal", "api", "doing", doing, "reference", server.Reference(ctx), "error", err)
	return huma.Error500InternalServerError("This could not be done because of a fault on our side. Try again later.")
}
