package ui

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// Limiter lets each client act at a steady rate. It remembers a bounded number of clients: when it is full, the ones
// that have waited long enough to be new again are forgotten first, then any.
type Limiter struct {
	mu      sync.Mutex
	clients map[string]*rate.Limiter
	every   rate.Limit
	burst   int
	most    int
	clock   clock.Clock // the machine's: waiting is real time
}

// NewLimiter allows perSecond acts on average and burst at once to each of at most most clients.
func NewLimiter(perSecond float64, burst, most int) *Limiter {
	return &Limiter{clients: map[string]*rate.Limiter{}, every: rate.Limit(perSecond), burst: burst, most: most, clock: clock.System{}}
}

// Allow tells whether the client may act now.
func (l *Limiter) Allow(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.clients[client]
	if !ok {
		l.makeRoom()
		bucket = rate.NewLimiter(l.every, l.burst)
		l.clients[client] = bucket
	}
	return bucket.AllowN(l.clock.Now(), 1)
}

// makeRoom forgets clients until one more fits. A full bucket carries no memory worth keeping.
func (l *Limiter) makeRoom() {
	if len(l.clients) < l.most {
		return
	}
	now := l.clock.Now()
	for name, bucket := range l.clients {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.clients, name)
		}
	}
	for name := range l.clients {
		if len(l.clients) < l.most {
			return
		}
		delete(l.clients, name)
	}
}

// Limit answers 429 to a client that acts too fast.
func (s *Site) Limit(l *Limiter, next http.Handler) http.Handler {
	return s.drawn(func(w http.ResponseWriter, r *http.Request) error {
		if !l.Allow(s.ClientKey(r)) {
			return fault.New(fault.TooMany, "", "limiting the rate of requests")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// ClientKey names the network a request comes from.
func (s *Site) ClientKey(r *http.Request) string { return ClientKey(r, s.cfg.Proxies) }

// LoginLimiter bounds how fast one client network may begin visits to the login, each of which costs a session and a
// visitor of the login service: 5 a second with 100 at once, so that a mobile network that hides many people behind few
// addresses gets through. In a demonstration everybody comes from this machine.
func (s *Site) LoginLimiter() *Limiter {
	const perSecond, burst, most = 5, 100, 20_000
	if s.cfg.Demo {
		return NewLimiter(DemoRate*perSecond, DemoRate*burst, most)
	}
	return NewLimiter(perSecond, burst, most)
}

// DemoRate is how much faster the visitors of a demonstration may be, who all come from the same machine.
const DemoRate = 20

// ClientKey names the network a request comes from: the /24 of an IPv4 and the /56 of an IPv6 address, which is what
// one household or office has, and the single address of this machine's own. X-Forwarded-For counts only as far as the
// proxies wrote it.
func ClientKey(r *http.Request, proxies []netip.Prefix) string {
	addr := remoteAddr(r.RemoteAddr)
	hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0 && within(proxies, addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	bits := 24
	if !addr.IsValid() {
		return "unknown"
	}
	if addr.Is6() {
		bits = 56
	}
	if addr.IsLoopback() {
		bits = addr.BitLen()
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}

func remoteAddr(s string) netip.Addr {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

func within(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Len is how many clients the limiter remembers.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.clients)
}
