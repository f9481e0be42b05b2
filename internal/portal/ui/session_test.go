package ui_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5/pgconn"

	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
)

// visitor keeps the cookies of one browser.
type visitor struct {
	handler http.Handler
	cookies map[string]*http.Cookie
}

func (v *visitor) get(path string) *http.Response {
	r := httptest.NewRequest("GET", path, nil)
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		v.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w.Result()
}

// portal has a login, a page for those who are logged in, a notice and a log-out.
func portal(t *testing.T, cfg ui.Config) (*ui.Site, *visitor) {
	t.Helper()
	cfg.LoginPath = "/login"
	site := uitest.Site(t, cfg)
	mux := http.NewServeMux()
	handle := func(path string, f ui.HandlerFunc) { mux.Handle(path, site.Handler(f)) }
	handle("/enter", func(w http.ResponseWriter, r *http.Request) error {
		if err := site.Sessions.Login(r.Context(), "person-7", "髙橋 花子"); err != nil {
			return err
		}
		return site.Redirect(w, r, "/mine")
	})
	handle("/mine", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := site.Sessions.Subject(r.Context()); err != nil {
			return err
		}
		return site.Page(r, "layout.about").Render(w, templ.NopComponent)
	})
	handle("/note", func(w http.ResponseWriter, r *http.Request) error {
		if err := site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: "保存しました"}); err != nil {
			return err
		}
		return site.Redirect(w, r, "/mine")
	})
	handle("/leave", func(w http.ResponseWriter, r *http.Request) error {
		if err := site.Sessions.Logout(r.Context()); err != nil {
			return err
		}
		return site.Redirect(w, r, "/")
	})
	return site, &visitor{handler: site.Wrap(mux), cookies: map[string]*http.Cookie{}}
}

func TestLoginSessionAndLogout(t *testing.T) {
	db := pgtest.New(t).As(pg.RoleCitizen)
	_, v := portal(t, ui.Config{Store: ui.NewStore(db, ui.Citizen)})

	if r := v.get("/en/mine?tab=2"); r.StatusCode != 303 || r.Header.Get("Location") != "/en/login?to=%2Fmine%3Ftab%3D2" {
		t.Fatalf("a stranger got %d %s, want the login in English and back", r.StatusCode, r.Header.Get("Location"))
	}
	v.get("/note")
	before := v.cookies["akashi_citizen"].Value
	v.get("/enter")
	c := v.cookies["akashi_citizen"]
	if c.Value == before {
		t.Error("the token is the same before and after the login")
	}
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure || c.MaxAge != 0 {
		t.Errorf("the cookie is %+v", c)
	}
	if got := v.get("/_alive").StatusCode; got != 204 {
		t.Errorf("asked whether the session lives: %d", got)
	}
	first, second := bodyOf(t, v.get("/mine")), bodyOf(t, v.get("/mine"))
	if !strings.Contains(first, "保存しました") || strings.Contains(second, "保存しました") || !strings.Contains(first, "髙橋 花子 さん") {
		t.Error("the notice is not shown exactly once, or the name is missing")
	}
	stolen := &visitor{handler: v.handler, cookies: map[string]*http.Cookie{c.Name: c}}
	v.get("/leave")
	if r := stolen.get("/mine"); r.StatusCode != 303 || !strings.Contains(r.Header.Get("Location"), "expired=1") {
		t.Errorf("after the log-out the old cookie got %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	if got := stolen.get("/_alive").StatusCode; got != 401 {
		t.Errorf("asked whether the ended session lives: %d", got)
	}
}

func TestCookieIsBoundToTheHostOnHTTPS(t *testing.T) {
	db := pgtest.New(t).As(pg.RoleOffice)
	_, v := portal(t, ui.Config{Store: ui.NewStore(db, ui.Office), Audience: ui.Office, Origin: "https://console.example"})
	v.get("/enter")
	if c := v.cookies["__Host-akashi_office"]; c == nil || !c.Secure {
		t.Errorf("cookies are %v", v.cookies)
	}
}

func TestStore(t *testing.T) {
	ctx, d := context.Background(), pgtest.New(t)
	citizen, office := ui.NewStore(d.As(pg.RoleCitizen), ui.Citizen), ui.NewStore(d.As(pg.RoleOffice), ui.Office)
	soon := clock.System{}.Now().Add(time.Hour)
	commit := func(s *ui.Store, token, data string, at time.Time) {
		t.Helper()
		if err := s.CommitCtx(ctx, token, []byte(data), at); err != nil {
			t.Fatal(err)
		}
	}
	commit(citizen, "token", "one", soon)
	commit(citizen, "token", "two", soon)
	commit(citizen, "old", "x", soon.Add(-2*time.Hour))
	for token, want := range map[string]string{"token": "two", "old": "", "unknown": ""} {
		data, found, err := citizen.FindCtx(ctx, token)
		if err != nil || string(data) != want || found != (want != "") {
			t.Errorf("%s: %q, %v, %v; want %q", token, data, found, err, want)
		}
	}
	if _, found, err := office.FindCtx(ctx, "token"); err != nil || found {
		t.Errorf("the console finds a citizen's session: %v, %v", found, err)
	}
	var hashes, tokens int
	if err := d.Superuser().QueryRow(ctx, `select count(*) filter (where octet_length(token_hash) = 32), count(*) filter (where token_hash = 'token'::bytea) from session`).Scan(&hashes, &tokens); err != nil || hashes != 2 || tokens != 0 {
		t.Errorf("%d hashes, %d tokens in the clear, %v", hashes, tokens, err)
	}
	worker := ui.NewStore(d.As(pg.RoleWorker), ui.Citizen)
	if n, err := worker.Purge(ctx); err != nil || n != 1 {
		t.Errorf("purged %d, %v; want the one that ended", n, err)
	}
	if err := citizen.DeleteCtx(ctx, "token"); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := citizen.FindCtx(ctx, "token"); found {
		t.Error("a deleted session is found")
	}
}

// TestStoreMovesTheEnd: a session that is used ends half an hour after its last use, and never after its life; reading it
// again within a minute writes nothing.
func TestStoreMovesTheEnd(t *testing.T) {
	ctx, d := context.Background(), pgtest.New(t)
	s, now := ui.NewStore(d.As(pg.RoleCitizen), ui.Citizen), clock.System{}.Now()
	keep := func(token string, life time.Duration) {
		t.Helper()
		data := fmt.Sprintf(`{"d":%q,"t":{"a":"b"}}`, now.Add(life).Format(time.RFC3339Nano))
		if err := s.CommitCtx(ctx, token, []byte(data), now.Add(life)); err != nil {
			t.Fatal(err)
		}
	}
	// leftAfter finds the session when it has left to live, and returns what it has left afterwards, in minutes.
	leftAfter := func(token string, left time.Duration) (minutes float64) {
		t.Helper()
		hash := sha256.Sum256([]byte(token))
		if _, err := d.Superuser().Exec(ctx, `update session set expires_at = $2 where token_hash = $1`, hash[:], now.Add(left)); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.FindCtx(ctx, token); err != nil || !found {
			t.Fatalf("found %v, %v", found, err)
		}
		var until time.Time
		if err := d.Superuser().QueryRow(ctx, `select expires_at from session where token_hash = $1`, hash[:]).Scan(&until); err != nil {
			t.Fatal(err)
		}
		return math.Round(until.Sub(now).Minutes()*10) / 10
	}
	keep("long", 12*time.Hour)
	keep("short", 20*time.Minute)
	for _, c := range []struct {
		token string
		left  time.Duration
		want  float64
	}{{"long", 5 * time.Minute, 30}, {"long", 29*time.Minute + 30*time.Second, 29.5}, {"short", 10 * time.Minute, 20}, {"short", 20 * time.Minute, 20}} {
		if got := leftAfter(c.token, c.left); got != c.want {
			t.Errorf("%s with %s left: %.1f minutes left after its use, want %.1f", c.token, c.left, got, c.want)
		}
	}
}

// A portal's role cannot write the other portal's sessions, whatever it claims to be, and the public has none.
func TestPortalsCannotTouchEachOthersSessions(t *testing.T) {
	ctx, d := context.Background(), pgtest.New(t)
	err := ui.NewStore(d.As(pg.RoleCitizen), ui.Office).CommitCtx(ctx, "t", []byte("x"), clock.System{}.Now().Add(time.Hour))
	if code := sqlState(err); code != "42501" {
		t.Errorf("the citizen role wrote a console session: %v (%s), want insufficient_privilege", err, code)
	}
	_, _, err = ui.NewStore(d.As(pg.RolePublic), ui.Citizen).FindCtx(ctx, "t")
	if code := sqlState(err); code != "42501" {
		t.Errorf("the public role read a session: %v (%s), want insufficient_privilege", err, code)
	}
}

func sqlState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// The role of the public pages may not write sessions: the visitor must get an error page and not one that looks stored.
func TestASessionThatCannotBeStoredIsAnError(t *testing.T) {
	_, v := portal(t, ui.Config{Store: ui.NewStore(pgtest.New(t).As(pg.RolePublic), ui.Citizen)})
	r := v.get("/enter")
	if page := bodyOf(t, r); r.StatusCode != 500 || r.Header.Get("Location") != "" || len(r.Cookies()) != 0 || strings.Contains(page, "permission denied") {
		t.Errorf("answer is %d to %q: %s", r.StatusCode, r.Header.Get("Location"), page)
	}
}
