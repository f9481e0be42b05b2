package public_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
	"akashi/internal/portal/public"
	"akashi/internal/review"
	"akashi/internal/server"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// site is a verification page over a world with one credential, behind the program's own server, with both logs.
type site struct {
	*casetest.World
	URL  string
	Code string // address in the QR code
	log  *lockedBuffer
	door *later
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(t testing.TB, rate public.Rate) *site {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	s := &site{World: w, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Verifier.Log = log
	mux := &later{}
	s.door = mux
	l, err := server.Listen(server.Config{Name: "public", Addr: "127.0.0.1:0", Handler: mux, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s.URL = l.URL()
	mux.Handler, err = public.New(public.Config{Origin: s.URL, APIOrigin: "https://api.example", Demo: true, Log: log, Verifier: w.Verifier, Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 || held[0].Credential == nil {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	if s.Code, err = held[0].Credential.URL(s.URL + "/w/"); err != nil {
		t.Fatal(err)
	}
	return s
}

// later is a handler that is known once the address is. When it is cut, every connection breaks as without a network.
type later struct {
	http.Handler
	cut atomic.Bool
}

func (l *later) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.cut.Load() {
		panic(http.ErrAbortHandler)
	}
	l.Handler.ServeHTTP(w, r)
}

func serve(t testing.TB, l *server.Server) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

var plenty = public.Rate{PerSecond: 1000, Burst: 1000}

// answer is one answer with its whole body.
type answer struct {
	*http.Response
	Body string
}

func do(t testing.TB, r *http.Request) answer {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(raw)}
}

func request(t testing.TB, method, url, contentType string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func (s *site) get(t testing.TB, path string) answer {
	t.Helper()
	return do(t, request(t, "GET", s.URL+path, "", nil))
}

func (s *site) post(t testing.TB, path, text string) answer {
	t.Helper()
	form := url.Values{"checkdata": {text}}.Encode()
	return do(t, request(t, "POST", s.URL+path, "application/x-www-form-urlencoded", strings.NewReader(form)))
}

func (s *site) number(t testing.TB, typed string) answer {
	t.Helper()
	form := url.Values{"number": {typed}}.Encode()
	return do(t, request(t, "POST", s.URL+"/w/number", "application/x-www-form-urlencoded", strings.NewReader(form)))
}

func (s *site) upload(t testing.TB, file []byte) answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("picture", "qr.png")
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return do(t, request(t, "POST", s.URL+"/w/file", form.FormDataContentType(), &body))
}

// picture draws a text as a QR code in a PNG.
func picture(t testing.TB, text string) []byte {
	t.Helper()
	rows, err := qr.Matrix(text, qr.Low)
	if err != nil {
		t.Fatal(err)
	}
	const module, margin = 5, 20
	side := len(rows)*module + 2*margin
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			i, j := (y-margin)/module, (x-margin)/module
			dark := y >= margin && x >= margin && i < len(rows) && j < len(rows) && rows[i][j]
			if !dark {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// changed returns the credential with one text in its bytes replaced by one of the same length.
func (s *site) changed(t testing.TB, from, to string) string {
	t.Helper()
	message, err := cose.ParseURL(s.Code)
	if err != nil || !bytes.Contains(message, []byte(from)) || len(from) != len(to) {
		t.Fatalf("changing %s to %s: %v", from, to, err)
	}
	return cose.URL(s.URL+"/w/", bytes.Replace(message, []byte(from), []byte(to), 1))
}

func (s *site) move(t testing.TB, state string) {
	t.Helper()
	err := s.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `update credential set prior_state = state, state = $1, status_at = $2`, state, tx.Now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// suspendUntil has the nurse suspended until a day.
func (s *site) suspendUntil(t testing.TB, last calendar.Date) {
	t.Helper()
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	s.MeasureUntil(t, e.RegisterID, e.ID, *e.PersonRef, review.MeasureSuspend, last)
}

func (s *site) measure(t testing.TB, kind string) {
	t.Helper()
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	id, err := s.Office.ProposeMeasure(t.Context(), s.Keeper, review.Measure{Register: e.RegisterID, EntryID: e.ID, Ref: *e.PersonRef, Kind: kind,
		Reason: "試験のための処分", Who: casetest.Card()})
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(t, id)
}

// has fails the test unless the answer has the status and every text, and none of those that begin with "!".
func (a answer) has(t testing.TB, name string, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: status %d, want %d", name, a.StatusCode, status)
	}
	for _, text := range texts {
		absent, negated := strings.CutPrefix(text, "!")
		if strings.Contains(a.Body, absent) == negated {
			t.Errorf("%s: the page has %q: %t", name, absent, !negated)
		}
	}
}
