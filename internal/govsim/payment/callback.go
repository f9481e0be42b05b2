package payment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"akashi/internal/fault"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// SignatureHeader carries a detached JWS (RFC 7515 appendix F) over the callback's body. Its protected header has alg
// (ES256), kid, typ (payment-event+jws), iat (seconds since 1970 at which this delivery was signed) and jti (the event's id).
const SignatureHeader = "Payment-Signature"

const maxRetryWait = time.Minute

// Event is the body of a callback. Sequence counts an order's events from 1; a later event has the larger number, whatever
// the order of arrival.
type Event struct {
	ID         string    `json:"event_id"`
	Type       string    `json:"type"` // payment.started, .paid, .declined, .cancelled, .refunded
	OrderID    string    `json:"order_id"`
	Reference  string    `json:"reference"`
	Sequence   int       `json:"sequence"`
	Status     Status    `json:"status"` // of the order after the event
	Amount     int64     `json:"amount"` // of the order, in yen
	Refunded   int64     `json:"refunded"`
	Method     string    `json:"method,omitempty"`
	OccurredAt time.Time `json:"occurred_at"`
}

// newEvent describes the order as it is now. The caller holds the lock.
func (s *Server) newEvent(o *Order, kind string) Event {
	o.sequence++
	return Event{
		ID: "evt_" + uuid.NewString(), Type: kind, OrderID: o.ID, Reference: o.Reference, Sequence: o.sequence,
		Status: o.Status, Amount: o.Amount, Refunded: o.Refunded, Method: o.Method, OccurredAt: s.config.Clock.Now(),
	}
}

// delivery is one callback and how long to wait before it is first sent.
type delivery struct {
	event Event
	after time.Duration
}

// plan is a series of callbacks, each sent when the one before it is acknowledged or given up.
type plan []delivery

// send starts the deliveries of a plan, unless the server is closed. The caller holds the lock.
func (s *Server) send(o *Order, p plan) {
	if s.running.Err() != nil {
		return
	}
	to := o.CallbackURL
	s.sending.Go(func() {
		for _, d := range p {
			if !s.pause(d.after) || !s.deliver(to, d.event) {
				return
			}
		}
	})
}

// pause reports false when the server was closed meanwhile.
func (s *Server) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.running.Err() == nil
	case <-s.running.Done():
		return false
	}
}

// deliver sends an event until it is acknowledged with 2xx or has been sent often enough. It reports false when the server
// was closed meanwhile.
func (s *Server) deliver(to string, e Event) bool {
	wait := s.config.RetryWait
	for range s.config.RetryMax {
		if s.post(to, e) == nil {
			return true
		}
		if !s.pause(wait) {
			return false
		}
		wait = min(2*wait, maxRetryWait)
	}
	return true
}

// post sends an event once, signed anew, so that a repetition is not taken for an old message.
func (s *Server) post(to string, e Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding an event")
	}
	signature, err := s.sign(body, e.ID)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(s.running, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "preparing a callback")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(SignatureHeader, signature)
	response, err := s.client.Do(request)
	if err != nil {
		return fault.Wrap(fault.Upstream, err, "sending a callback")
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)); err != nil {
		return fault.Wrap(fault.Upstream, err, "reading a callback's acknowledgement")
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fault.New(fault.Upstream, "", fmt.Sprintf("sending a callback: answered %d", response.StatusCode))
	}
	return nil
}

func (s *Server) sign(body []byte, eventID string) (string, error) {
	options := (&jose.SignerOptions{}).WithType("payment-event+jws").
		WithHeader("iat", s.config.Clock.Now().Unix()).WithHeader("jti", eventID)
	key := jose.SigningKey{Algorithm: jose.ES256, Key: s.signingKey}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "signing a callback")
	}
	object, err := signer.Sign(body)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "signing a callback")
	}
	text, err := object.DetachedCompactSerialize()
	return text, fault.Wrap(fault.Internal, err, "signing a callback")
}

// keys publishes the key that signs callbacks (RFC 7517).
func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "max-age=300")
	// A caller that has gone away is no concern of the simulator's.
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: s.config.Key.Public(), KeyID: s.config.KeyID, Algorithm: string(jose.ES256), Use: "sig"},
	}})
}
