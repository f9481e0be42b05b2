package demo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/credential"
	"akashi/internal/demo"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/pg/pgtest"
)

// home is an empty directory that the user postgres can pass through, which those of testing are not.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(pgtest.Scratch(), "akashi-demo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, cfg demo.Config) *demo.Demo {
	t.Helper()
	cfg.Volatile = true
	cfg.Took = func(step string, d time.Duration) { t.Logf("%-30s %s", step, d.Round(time.Millisecond)) }
	d, err := demo.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func stop(t *testing.T, d *demo.Demo) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// answer is what an address answers, without following redirects.
func answer(t *testing.T, method, address string, form url.Values, headers ...string) (status int, location, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(raw)
}

// One demonstration is walked through: every address is healthy, the start page leads to each role, the clock moves on
// and stays moved over a restart, outside systems fail and work again, and a reset begins anew.
func TestDemonstration(t *testing.T) {
	dir := home(t)
	d := start(t, demo.Config{DataDir: dir})
	t.Run("health", func(t *testing.T) { health(t, d) })
	t.Run("second in the same directory", func(t *testing.T) {
		if _, err := demo.Start(t.Context(), demo.Config{DataDir: dir}); !errors.Is(err, fault.Conflict) {
			t.Errorf("got %v, want conflict", err)
		}
	})
	t.Run("start page", func(t *testing.T) { startPage(t, d) })
	t.Run("roles", func(t *testing.T) { roles(t, d) })
	t.Run("clock", func(t *testing.T) { moveClock(t, d) })
	t.Run("faults", func(t *testing.T) { faults(t, d) })
	moved := d.Clock.Offset()
	stop(t, d)
	if _, err := http.Get(d.URL(demo.StartPage)); err == nil {
		t.Error("the start page answers after the stop")
	}

	again := start(t, demo.Config{DataDir: dir})
	if again.Clock.Offset() != moved {
		t.Errorf("after a restart the clock is %v ahead, want %v", again.Clock.Offset(), moved)
	}
	stop(t, again)
	if _, err := demo.Start(t.Context(), demo.Config{DataDir: dir, At: demo.FirstDay()}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--reset") {
		t.Errorf("going back: %v, want invalid with the remedy", err)
	}
	fresh := start(t, demo.Config{DataDir: dir, Reset: true, At: time.Date(2027, 1, 15, 13, 0, 0, 0, clock.JST)})
	defer stop(t, fresh)
	if now := fresh.Clock.Now(); now.Format("2006-01-02 15") != "2027-01-15 13" {
		t.Errorf("after a reset with a date it is %v", now)
	}
}

func health(t *testing.T, d *demo.Demo) {
	for _, address := range d.Addresses() {
		if status, _, body := answer(t, "GET", "http://"+address+"/healthz", nil); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", address, status, body)
		}
	}
}

func startPage(t *testing.T, d *demo.Demo) {
	for path, want := range map[string]string{"/": "見本 花子", "/en/": "What comes next", "/easy/": "<ruby>", "/accessibility": "", "/start.css": "demo-roles"} {
		if status, _, body := answer(t, "GET", d.URL(demo.StartPage)+path, nil); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, with %q: %v", path, status, want, strings.Contains(body, want))
		}
	}
	if status, _, _ := answer(t, "GET", d.URL(demo.StartPage)+"/nothing", nil); status != http.StatusNotFound {
		t.Errorf("an unknown page: %d, want 404", status)
	}
}

func roles(t *testing.T, d *demo.Demo) {
	for _, c := range []struct{ who, prefix, want string }{
		{"nurse", "", d.URL(demo.CitizenPortal) + "/login?to=" + url.QueryEscape("/procedures/kangoshi.mhlw/registration")},
		{"nurse", "/en", d.URL(demo.CitizenPortal) + "/en/login?to=" + url.QueryEscape("/procedures/kangoshi.mhlw/registration")},
		{"reviewer", "", d.URL(demo.OfficePortal) + "/login"},
		{"approver", "/easy", d.URL(demo.OfficePortal) + "/easy/login"},
		{"employer", "", d.URL(demo.PublicPortal) + "/"},
		{"mirai", "", d.URL(demo.CitizenPortal) + "/login"},
	} {
		status, location, _ := answer(t, "POST", d.URL(demo.StartPage)+c.prefix+"/be", url.Values{"who": {c.who}})
		if status != http.StatusSeeOther || location != c.want {
			t.Errorf("being %s: %d to %s, want %s", c.who, status, location, c.want)
		}
	}
	for _, who := range []string{"", "nobody", "minister"} {
		if status, _, _ := answer(t, "POST", d.URL(demo.StartPage)+"/be", url.Values{"who": {who}}); status != http.StatusUnprocessableEntity {
			t.Errorf("being %q: %d, want 422", who, status)
		}
	}
	status, _, _ := answer(t, "POST", d.URL(demo.StartPage)+"/be", url.Values{"who": {"nurse"}}, "Sec-Fetch-Site", "cross-site", "Origin", "http://evil.example")
	if status != http.StatusForbidden {
		t.Errorf("from another site: %d, want 403", status)
	}
}

func moveClock(t *testing.T, d *demo.Demo) {
	before := d.Clock.Now()
	post := func(form url.Values, headers ...string) int {
		status, _, _ := answer(t, "POST", d.URL(demo.StartPage)+"/clock", form, headers...)
		return status
	}
	if status := post(url.Values{"days": {"10"}}); status != http.StatusSeeOther {
		t.Fatalf("advancing: %d, want 303", status)
	}
	if moved := d.Clock.Now().Sub(before); moved < 10*24*time.Hour || moved > 10*24*time.Hour+time.Minute {
		t.Errorf("the clock moved by %v, want ten days", moved)
	}
	if status := post(url.Values{"day": {"2026-12-24"}}); status != http.StatusSeeOther || d.Clock.Now().Format(time.DateOnly) != "2026-12-24" {
		t.Errorf("setting a day: %d, and it is %v", status, d.Clock.Now())
	}
	for name, form := range map[string]url.Values{"back": {"day": {"2026-12-01"}}, "no day": {"day": {"soon"}}, "too far": {"days": {"100000"}}, "back by days": {"days": {"-3"}}} {
		if status := post(form); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", name, status)
		}
	}
	if status := post(url.Values{"days": {"1"}}, "Sec-Fetch-Site", "cross-site", "Origin", "http://evil.example"); status != http.StatusForbidden {
		t.Errorf("from another site: %d, want 403", status)
	}
}

func faults(t *testing.T, d *demo.Demo) {
	for _, id := range []string{"resident", "family", "payment", "timestamp", "login"} {
		for _, off := range []string{"yes", "no"} {
			status, _, _ := answer(t, "POST", d.URL(demo.StartPage)+"/faults", url.Values{"system": {id}, "off": {off}})
			if status != http.StatusSeeOther {
				t.Errorf("switching %s: %d, want 303", id, status)
			}
			_, _, body := answer(t, "GET", d.URL(demo.StartPage)+"/en/", nil)
			if failing := strings.Contains(body, "Failing"); failing != (off == "yes") {
				t.Errorf("%s switched off=%s: the page says failing: %v", id, off, failing)
			}
		}
	}
	if err := d.SetFault("weather", true); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown system: %v, want invalid", err)
	}
}

// The seed is what the stages need: staff who may, passers who are found, entries to link; a second start adds nothing.
func TestSeed(t *testing.T) {
	dir := home(t)
	var before [6]int
	for range 2 {
		d := start(t, demo.Config{DataDir: dir})
		var now [6]int
		db, err := d.Open(t.Context(), pg.RoleWorker)
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range []string{`select count(*) from staff`, `select count(*) from staff_role where until is null`,
			`select count(*) from signing_key`, `select count(*) from definition`, `select count(distinct registrar_id) from register`,
			`select count(*) from rollout_act where state = 'approved'`} {
			if err := db.Pool.QueryRow(t.Context(), q).Scan(&now[i]); err != nil {
				t.Fatal(err)
			}
		}
		if now[0] != 30 || now[1] != 30 || now[2] != len(credential.Purposes)*now[4] || now[3] < 3 || now[5] != 1 {
			t.Errorf("%v staff, roles, keys, definitions, registrars and acts, want 30, 30, a key for each registrar and purpose and one act", now)
		}
		if before != [6]int{} && now != before {
			t.Errorf("the second start changed %v to %v", before, now)
		}
		before = now
		count(t, db, "mhlw", "passer", 8)
		count(t, db, "pref-41", "passer", 1)
		count(t, db, "mhlw", "entry", 1)
		count(t, db, "sssc", "entry", 2)
		count(t, db, "pref-01", "entry", 1)
		stop(t, d)
	}
}

func count(t *testing.T, db *pg.DB, registrar, table string, want int) {
	t.Helper()
	err := db.InRegistrar(t.Context(), registrar, func(tx *pg.Tx) error {
		var n int
		if err := tx.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n); err != nil {
			return err
		}
		if n != want {
			t.Errorf("%s has %d lines in %s, want %d", registrar, n, table, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A directory whose definitions were others is not made to fit: the start says how to begin anew.
func TestDataOfAnotherVersion(t *testing.T) {
	dir := home(t)
	d := start(t, demo.Config{DataDir: dir})
	db, err := d.Open(t.Context(), pgserver.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Pool.Exec(t.Context(), `update definition set sha256 = 'another' where id = 'kangoshi'`)
	stop(t, d)
	if err != nil {
		t.Fatal(err)
	}
	_, err = demo.Start(t.Context(), demo.Config{DataDir: dir, Volatile: true})
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "kangoshi") || !strings.Contains(err.Error(), "--reset") {
		t.Errorf("got %v, want the definition and --reset", err)
	}
}

// Another program has one of the ports: the start says so and what to do, and leaves no database server behind.
func TestPortInUse(t *testing.T) {
	base, taken := takeOne(t)
	dir := home(t)
	_, err := demo.Start(t.Context(), demo.Config{DataDir: dir, BasePort: base, Volatile: true})
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--base-port") || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v, want the port and --base-port", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres", "pgdata", "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database server was not stopped: %v", err)
	}
}

// takeOne binds the fourth of eleven ports, below those that the kernel hands out by itself, so that no other connection of
// the machine has one of them.
func takeOne(t *testing.T) (base int, taken net.Listener) {
	t.Helper()
	for range 50 {
		base = 20000 + rand.N(1100)*11
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.4:%d", base+3))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Errorf("giving the port back: %v", err)
			}
		})
		return base, l
	}
	t.Fatal("found no free port")
	return 0, nil
}

func TestForeignDirectoryIsLeftAlone(t *testing.T) {
	dir := home(t)
	precious := filepath.Join(dir, "keys")
	if err := os.Mkdir(precious, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, reset := range []bool{false, true} {
		if _, err := demo.Start(t.Context(), demo.Config{DataDir: dir, Reset: reset}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("reset %v: %v, want invalid", reset, err)
		}
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("what was there: %v", err)
	}
}
