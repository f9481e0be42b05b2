package identity_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/identity"
	"akashi/internal/fault"
)

// hanging is a way to a provider that takes connections and answers nothing.
type hanging struct{ asked atomic.Int32 }

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked.Add(1)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A provider that does not answer holds every login up for one timeout at most, however many come at once, and nobody for
// longer than they wait themselves.
func TestSlowProviderQueuesNobody(t *testing.T) {
	w := newWorld(t, nil)
	synctest.Test(t, func(t *testing.T) {
		way := &hanging{}
		cfg := w.configuration
		cfg.Transport, cfg.Clock, cfg.Timeout = way, clock.Fixed(w.clock.Now()), 10*time.Second
		c, err := identity.NewCitizen(cfg)
		if err != nil {
			t.Fatal(err)
		}
		begin, ends := time.Now(), make(chan error)
		for range 20 {
			go func() {
				_, _, err := c.AuthURL(t.Context(), identity.LoginRequest{RedirectURI: callbackURL})
				ends <- err
			}()
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.AuthURL(impatient, identity.LoginRequest{RedirectURI: callbackURL}); !errors.Is(err, fault.Upstream) || time.Since(begin) != time.Second {
			t.Errorf("who waits a second got %v after %v", err, time.Since(begin))
		}
		for range 20 {
			if err := <-ends; !errors.Is(err, fault.Upstream) {
				t.Errorf("a login: %v, want upstream", err)
			}
		}
		if took := time.Since(begin); took != 10*time.Second || way.asked.Load() != 1 {
			t.Errorf("20 logins took %v and %d questions, want one timeout and one question", took, way.asked.Load())
		}
	})
}
