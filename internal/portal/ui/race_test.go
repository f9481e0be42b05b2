package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
)

// slow is a portal with an act that begins in a session and ends when the test says.
type slow struct {
	*visitor
	begun, end chan struct{}
}

func newSlow(t *testing.T, act func(*ui.Site, *http.Request) error) *slow {
	t.Helper()
	site := uitest.Site(t, ui.Config{Store: ui.NewStore(pgtest.New(t).As(pg.RoleCitizen), ui.Citizen), LoginPath: "/login"})
	s := &slow{begun: make(chan struct{}), end: make(chan struct{})}
	mux := http.NewServeMux()
	handle := func(path string, f func(r *http.Request) error) {
		mux.Handle(path, site.Handler(func(w http.ResponseWriter, r *http.Request) error {
			if err := f(r); err != nil {
				return err
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		}))
	}
	handle("/enter", func(r *http.Request) error { return site.Sessions.Login(r.Context(), "person-7", "髙橋 花子") })
	handle("/leave", func(r *http.Request) error { return site.Sessions.Logout(r.Context()) })
	handle("/mine", func(r *http.Request) error { _, err := site.Sessions.Subject(r.Context()); return err })
	handle("/broken", func(*http.Request) error { return fault.New(fault.Conflict, "", "trying") })
	handle("/step-up", func(r *http.Request) error {
		was := site.Sessions.Deadline(r.Context())
		if err := site.Sessions.StepUp(r.Context()); err != nil || !site.Sessions.Deadline(r.Context()).Equal(was) {
			t.Errorf("a step-up (%v) moves the session's end", err)
		}
		return nil
	})
	handle("/slow", func(r *http.Request) error {
		s.begun <- struct{}{}
		<-s.end
		return act(site, r)
	})
	s.visitor = &visitor{handler: site.Wrap(mux), cookies: map[string]*http.Cookie{}}
	s.get("/enter")
	return s
}

// meanwhile runs f while the slow act is under way, and returns the act's answer.
func (s *slow) meanwhile(f func()) *http.Response {
	answer := make(chan *http.Response)
	same := &visitor{handler: s.handler, cookies: map[string]*http.Cookie{}}
	for name, c := range s.cookies {
		same.cookies[name] = c
	}
	go func() { answer <- same.get("/slow") }()
	<-s.begun
	f()
	s.end <- struct{}{}
	return <-answer
}

// A request that outlasts the logout of its session does not bring it back, whatever it wants to remember.
func TestLogoutIsFinal(t *testing.T) {
	for name, act := range map[string]func(*ui.Site, *http.Request) error{
		"keeps something": func(s *ui.Site, r *http.Request) error {
			return s.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: "保存しました"})
		},
		"renews the token": func(s *ui.Site, r *http.Request) error { return s.Sessions.StepUp(r.Context()) },
		"logs in again": func(s *ui.Site, r *http.Request) error {
			return s.Sessions.Login(r.Context(), "person-7", "髙橋 花子")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlow(t, act)
			before := s.cookies["akashi_citizen"]
			late := s.meanwhile(func() { s.get("/leave") })
			for _, c := range append(late.Cookies(), before) {
				stolen := &visitor{handler: s.handler, cookies: map[string]*http.Cookie{c.Name: c}}
				if got := stolen.get("/mine").StatusCode; got != http.StatusSeeOther {
					t.Errorf("with the cookie %s: %d, want the login", c.Value, got)
				}
			}
		})
	}
}

// A new token takes the place of the old one, also under a request that still runs with the old; the session's end stays.
func TestStepUpRenewsTheToken(t *testing.T) {
	s := newSlow(t, func(site *ui.Site, r *http.Request) error {
		return site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: "保存しました"})
	})
	before := s.cookies["akashi_citizen"]
	s.meanwhile(func() { s.get("/step-up") })
	if s.cookies["akashi_citizen"].Value == before.Value {
		t.Fatal("the token is the same after the step-up")
	}
	old := &visitor{handler: s.handler, cookies: map[string]*http.Cookie{before.Name: before}}
	if got := old.get("/mine").StatusCode; got != http.StatusSeeOther {
		t.Errorf("with the old token: %d, want the login", got)
	}
	if got := s.get("/mine").StatusCode; got != http.StatusNoContent {
		t.Errorf("with the new token: %d", got)
	}
}

// Whoever meets an error stays logged in, and sees it.
func TestErrorPagesKeepTheName(t *testing.T) {
	s := newSlow(t, nil)
	r := s.get("/broken")
	if page := bodyOf(t, r); r.StatusCode != http.StatusConflict || !strings.Contains(page, "髙橋 花子") {
		t.Errorf("the error page (%d) does not name who is logged in", r.StatusCode)
	}
}

func TestLoginLimit(t *testing.T) {
	site := uitest.Site(t, ui.Config{})
	h := site.Wrap(site.Limit(site.LoginLimiter(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	v := &visitor{handler: h, cookies: map[string]*http.Cookie{}}
	refused := 0
	for range 150 {
		if r := v.get("/login"); r.StatusCode == http.StatusTooManyRequests && r.Header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused < 30 || refused > 50 {
		t.Errorf("%d of 150 logins at once were refused, want about 50", refused)
	}
}
