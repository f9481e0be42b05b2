package story

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/browser"
	"akashi/internal/demo"
	"akashi/internal/govsim/world"
	"akashi/internal/pg/pgtest"
)

// house is the one demonstration that all walks share.
type house struct {
	*demo.Demo
	shots string // directory for pictures; empty: none are kept

	mu     sync.Mutex
	titles map[string]string // what a title names, by language and title
	log    bytes.Buffer      // of all parts and simulators, at the level that tells most
	codes  []string          // what QR codes said
}

// Write keeps what is logged.
func (h *house) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

// discreet sees that no log has what was scanned, nor anything else of the people or of what they typed in secret: neither that of
// the parts and simulators, nor that of PostgreSQL.
func (h *house) discreet(t *testing.T, dir string) {
	t.Helper()
	of, err := os.ReadFile(filepath.Join(dir, "postgres", "postgresql.log"))
	if err != nil {
		t.Errorf("reading PostgreSQL's log: %v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if lines := strings.Count(h.log.String(), "msg=request"); lines < 100 || len(of) == 0 {
		t.Errorf("the logs have %d lines of requests and %d bytes of PostgreSQL", lines, len(of))
	}
	secrets := []string{"見本", "花子", "佐賀", "マリア", "玲子", "MIHON", "090-1234-5678", "09012345678", "2003-04-12", world.Password, "checkdata"}
	for _, code := range h.codes {
		_, message, _ := strings.Cut(code, "c=")
		secrets = append(secrets, message[len(message)/3:len(message)/3+24])
	}
	for _, secret := range secrets {
		for name, log := range map[string]string{"the program": h.log.String(), "PostgreSQL": string(of)} {
			if at := strings.Index(log, secret); at >= 0 {
				t.Errorf("the log of %s has %q: %.300s", name, secret, log[max(0, at-150):])
			}
		}
	}
}

// open starts a demonstration that ends with the test.
func open(t *testing.T) *house {
	t.Helper()
	dir, err := os.MkdirTemp(pgtest.Scratch(), "akashi-story-") // that of the test is closed to the database's user
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
	h := &house{shots: os.Getenv("AKASHI_SHOTS"), titles: map[string]string{}}
	log := slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if h.Demo, err = demo.Start(t.Context(), demo.Config{DataDir: dir, Volatile: true, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Stop(ctx); err != nil {
			t.Errorf("stopping: %v", err)
		}
		h.discreet(t, dir)
	})
	return h
}

// work waits until every job that is due has been done.
func (h *house) work(t *testing.T) {
	t.Helper()
	if _, err := h.System.Worker().Drain(t.Context()); err != nil {
		t.Fatalf("waiting for the jobs: %v", err)
	}
}

// visitor is one person at a browser of their own.
type visitor struct {
	*browser.Tab
	t     *testing.T
	house *house
	lang  string // ja, en, easy
	walk  string // names the folder of the pictures
	seen  int
}

// visit opens a browser for somebody who reads a language.
func (h *house) visit(t *testing.T, walk, lang string, options ...browser.Option) *visitor {
	t.Helper()
	return &visitor{Tab: browser.New(t, options...), t: t, house: h, lang: lang, walk: walk}
}

// at is an address of a portal in the visitor's language.
func (v *visitor) at(p demo.Place, path string) string {
	if v.lang != "ja" {
		path = "/" + v.lang + path
	}
	return v.house.URL(p) + path
}

// goes opens an address of a portal in the visitor's language, and expects it to answer 200.
func (v *visitor) goes(p demo.Place, path string) {
	v.t.Helper()
	if status := v.Open(v.at(p, path)); status != 200 {
		v.t.Fatalf("%s answered %d: %s", path, status, v.Text("main"))
	}
}

// be presses the button of the start page that makes the visitor somebody.
func (v *visitor) be(who string) {
	v.t.Helper()
	v.goes(demo.StartPage, "/")
	v.Click(`main form:has(input[name="who"][value="` + who + `"]) button`)
}

// lands waits until the visitor has come back to an address with a part: the answer of the card's service leads through two
// sites, and whoever goes on before it is there breaks it off.
func (v *visitor) lands(part string) {
	v.t.Helper()
	deadline := time.After(browser.Patience)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !strings.Contains(v.Path(), part) {
		select {
		case <-look.C:
		case <-deadline:
			v.t.Fatalf("the visitor is at %s and not at %s", v.URL(), part)
		}
	}
}
