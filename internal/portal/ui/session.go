package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"akashi/internal/fault"
)

// Limits of a session: how long without a request, and in all.
const (
	SessionIdle = 30 * time.Minute
	SessionLife = 12 * time.Hour
	// sessionWarning is how long before the end the browser warns.
	sessionWarning = 5 * time.Minute
)

// SessionStore keeps sessions by token. Sessions in this package's Store are rows of PostgreSQL.
type SessionStore interface {
	scs.CtxStore
}

// Sessions is the session manager of one portal. Values are read and written with the methods of scs
// (GetString, Put, Remove, Destroy) under the request's context.
type Sessions struct {
	*scs.SessionManager
	site *Site
}

func newSessions(s *Site) *Sessions {
	m := scs.New()
	m.Codec, m.Store, m.Lifetime = codec{}, s.cfg.Store, SessionLife // the store ends sessions that nobody uses
	m.Cookie.Name = s.CookieName()
	m.Cookie.Secure, m.Cookie.HttpOnly, m.Cookie.SameSite, m.Cookie.Persist = s.secure, true, http.SameSiteLaxMode, false
	return &Sessions{SessionManager: m, site: s}
}

// CookieName is the name of the session cookie, one per portal, bound to the host where https allows it.
func (s *Site) CookieName() string {
	name := "akashi_" + string(s.cfg.Audience)
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// wrap loads the session and stores it before the first byte of the answer, so that a session that cannot be stored
// becomes an error page and not a page that pretends.
func (m *Sessions) wrap(next http.Handler) http.Handler {
	return m.site.drawn(func(w http.ResponseWriter, r *http.Request) error {
		token := ""
		if c, err := r.Cookie(m.Cookie.Name); err == nil {
			token = c.Value
		}
		ctx, err := m.Load(r.Context(), token)
		if err != nil {
			return fmt.Errorf("loading the session: %w", err)
		}
		ctx = context.WithValue(ctx, originKey{}, &origin{token: m.Token(ctx)})
		sw := &sessionWriter{ResponseWriter: w, ctx: ctx, sessions: m}
		next.ServeHTTP(sw, r.WithContext(ctx))
		return sw.commit()
	})
}

// origin is under which token the session of a request lies in the store, "" when it is new. It travels in the context down
// to the store, which then changes that row and makes no other: a request that outlasts the logout does not bring the
// session back.
type origin struct{ token string }

type originKey struct{}

// originOf returns how the session of a request lies in the store; nil outside of a request with a session.
func originOf(ctx context.Context) *origin {
	s, _ := ctx.Value(originKey{}).(*origin)
	return s
}

// errSessionEnded says that a session ended while a request in it ran.
var errSessionEnded = errors.New("the session has ended meanwhile")

// sessionWriter commits the session when the answer begins. After a commit that failed it swallows the handler's
// answer, and wrap answers the error.
type sessionWriter struct {
	http.ResponseWriter
	ctx      context.Context
	sessions *Sessions
	done     bool
	err      error
}

func (w *sessionWriter) commit() error {
	if w.done {
		return w.err
	}
	w.done = true
	switch m := w.sessions; m.Status(w.ctx) {
	case scs.Modified:
		was := originOf(w.ctx).token
		token, expiry, err := m.Commit(w.ctx)
		if errors.Is(err, errSessionEnded) && was == m.Token(w.ctx) {
			break // logged out meanwhile: what this request wanted to remember is forgotten, and the cookie is not ours to set
		}
		if errors.Is(err, errSessionEnded) {
			w.err = fault.Wrap(fault.Unauthenticated, err, "renewing a session")
			return w.err
		}
		if err != nil {
			w.err = fmt.Errorf("storing the session: %w", err)
			return w.err
		}
		m.WriteSessionCookie(w.ctx, w.ResponseWriter, token, expiry)
	case scs.Destroyed:
		m.WriteSessionCookie(w.ctx, w.ResponseWriter, "", time.Time{})
	}
	w.Header().Set("Cache-Control", "no-store")
	return nil
}

func (w *sessionWriter) WriteHeader(status int) {
	if w.commit() == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *sessionWriter) Write(b []byte) (int, error) {
	if err := w.commit(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *sessionWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Keys of what this package keeps in a session; portals choose keys without the leading underscore.
const (
	keySubject = "_subject"
	keyName    = "_name"
	keyOffice  = "_office"
	keyFlash   = "_flash"
)

// Login ties the session to a subject (person or account id) under a new token, so that a token known before the login
// is worth nothing after it. Name is shown in the header.
func (m *Sessions) Login(ctx context.Context, subject, name string) error {
	if err := m.renew(ctx); err != nil {
		return err
	}
	m.Put(ctx, keySubject, subject)
	m.Put(ctx, keyName, name)
	return nil
}

// renew gives the session another token. The row keeps lying under the old one until the answer begins, so that the change
// of tokens is one statement, which finds nothing if the session has ended meanwhile.
func (m *Sessions) renew(ctx context.Context) error {
	if err := m.RenewToken(context.WithValue(ctx, renewingKey{}, true)); err != nil {
		return fmt.Errorf("renewing the session token: %w", err)
	}
	return nil
}

// renewingKey marks the context in which scs renews a token: the store deletes nothing then.
type renewingKey struct{}

// StepUp gives a session that has gained rights a new token: one that was known before is worth nothing after it. Its end
// stays where it was.
func (m *Sessions) StepUp(ctx context.Context) error {
	end := m.Deadline(ctx)
	if err := m.renew(ctx); err != nil {
		return err
	}
	m.SetDeadline(ctx, end)
	return nil
}

// Logout ends the session.
func (m *Sessions) Logout(ctx context.Context) error {
	if err := m.Destroy(ctx); err != nil {
		return fmt.Errorf("ending the session: %w", err)
	}
	if s := originOf(ctx); s != nil {
		s.token = "" // what is kept from here on is another session
	}
	return nil
}

// Subject returns who is logged in, or fault.Unauthenticated, which Handler turns into a redirect to the login.
func (m *Sessions) Subject(ctx context.Context) (string, error) {
	if id := m.GetString(ctx, keySubject); id != "" {
		return id, nil
	}
	return "", fault.New(fault.Unauthenticated, "", "reading who is logged in")
}

// UserName is the name shown in the header, "" when nobody is logged in.
func (m *Sessions) UserName(ctx context.Context) string { return m.GetString(ctx, keyName) }

// OfficeName is the body for which a member of staff works now; SetOfficeName sets it.
func (m *Sessions) OfficeName(ctx context.Context) string { return m.GetString(ctx, keyOffice) }

// SetOfficeName remembers the body that the header shows.
func (m *Sessions) SetOfficeName(ctx context.Context, name string) { m.Put(ctx, keyOffice, name) }

// expired tells whether the request came with a session that is no more.
func (m *Sessions) expired(r *http.Request) bool {
	c, err := r.Cookie(m.Cookie.Name)
	return err == nil && c.Value != ""
}

// Flash keeps a notice for the next page that this visitor sees.
func (m *Sessions) Flash(ctx context.Context, n Notice) error {
	raw, err := json.Marshal(append(m.takeFlashes(ctx), n))
	if err != nil {
		return fmt.Errorf("keeping a notice: %w", err)
	}
	m.Put(ctx, keyFlash, raw)
	return nil
}

// takeFlashes returns and forgets the kept notices.
func (m *Sessions) takeFlashes(ctx context.Context) []Notice {
	raw := m.PopBytes(ctx, keyFlash)
	if len(raw) == 0 {
		return nil
	}
	var kept []Notice
	if err := json.Unmarshal(raw, &kept); err != nil {
		m.site.cfg.Log.Error("reading kept notices", "error", err) // written by an older version: the page matters more
		return nil
	}
	return kept
}
