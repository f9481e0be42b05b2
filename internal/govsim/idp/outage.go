package idp

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Mode is a way in which an endpoint misbehaves.
type Mode string

// The modes.
const (
	Slow      Mode = "slow"       // answers after Outage.Delay
	Fail      Mode = "fail"       // answers 500 and does nothing
	FailAfter Mode = "fail_after" // does its work and then answers 500
)

// Outage makes an endpoint misbehave for some requests.
type Outage struct {
	Target string        `json:"target"` // one of Targets
	Mode   Mode          `json:"mode"`
	Times  int           `json:"times"` // requests; 0: until it is taken back
	Delay  time.Duration `json:"delay"` // for Slow, nanoseconds
}

// Targets are the endpoints that can misbehave.
func Targets() []string {
	return []string{"discovery", "auth", "token", "userinfo", "certs", "sign_start", "sign_result", "crl"}
}

// outages are those in force.
type outages struct {
	mu  sync.Mutex
	all map[string]Outage
}

func newOutages() *outages { return &outages{all: map[string]Outage{}} }

// set puts an outage in force, in place of an earlier one of the same endpoint.
func (o *outages) set(outage Outage) error {
	if !slices.Contains(Targets(), outage.Target) {
		return fmt.Errorf("no endpoint %q", outage.Target)
	}
	if outage.Mode != Slow && outage.Mode != Fail && outage.Mode != FailAfter || outage.Times < 0 || outage.Delay < 0 {
		return fmt.Errorf("no outage of mode %q, %d times, %v", outage.Mode, outage.Times, outage.Delay)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all[outage.Target] = outage
	return nil
}

// clear ends all outages.
func (o *outages) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.all)
}

// next returns the outage for one request to the endpoint and counts it.
func (o *outages) next(target string) (Outage, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	outage, found := o.all[target]
	if found && outage.Times > 0 {
		if outage.Times--; outage.Times == 0 {
			delete(o.all, target)
		} else {
			o.all[target] = outage
		}
	}
	return outage, found
}

// wrap makes the endpoint misbehave while an outage is in force.
func (o *outages) wrap(target string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outage, found := o.next(target)
		if !found {
			next.ServeHTTP(w, r)
			return
		}
		switch outage.Mode {
		case Slow:
			select {
			case <-time.After(outage.Delay):
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
			return
		case FailAfter:
			next.ServeHTTP(&discard{header: http.Header{}}, r)
		}
		http.Error(w, "simulated outage", http.StatusInternalServerError)
	})
}

// discard takes an answer that nobody gets.
type discard struct {
	header http.Header
	body   bytes.Buffer
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return d.body.Write(b) }
