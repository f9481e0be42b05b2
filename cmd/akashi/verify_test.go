package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/programtest"
	"akashi/internal/verification"
)

// checker is the built program beside a running API with one credential.
type checker struct {
	*casetest.World
	binary, service, dir string
	code                 string
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	h, err := api.New(api.Config{Origin: "http://127.0.0.1", Log: slog.New(slog.DiscardHandler), Verifier: w.Verifier, Receiver: w.Receiver, Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey(),
		Prove: func(context.Context, []byte, http.Header) (payment.Event, error) {
			return payment.Event{}, fault.New(fault.Unauthenticated, "", "checking a payment callback")
		}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := &checker{World: w, service: server.URL, dir: t.TempDir()}
	c.binary = programtest.File(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	if c.code, err = held[0].Credential.URL("https://nobody.invalid/w/"); err != nil {
		t.Fatal(err)
	}
	return c
}

// file writes a file and returns its path.
func (c *checker) file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs the program and returns its exit code, the printed result, and what it said.
func (c *checker) run(t *testing.T, stdin string, args ...string) (int, verification.Result, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.binary, append([]string{"verify"}, args...)...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	cmd.Env = append(os.Environ(), "AKASHI_SERVICE="+c.service)
	code := 0
	var failed *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &failed):
		code = failed.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	var r verification.Result
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("no JSON: %s", out.String())
		}
	}
	return code, r, errOut.String()
}

func qrPicture(t *testing.T, text string) []byte {
	t.Helper()
	rows, err := qr.Matrix(text, qr.Low)
	if err != nil {
		t.Fatal(err)
	}
	const module, margin = 5, 4
	img := image.NewGray(image.Rect(0, 0, (len(rows)+2*margin)*module, (len(rows)+2*margin)*module))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			i, j := y/module-margin, x/module-margin
			if i < 0 || j < 0 || i >= len(rows) || j >= len(rows) || !rows[i][j] {
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

// spoilt is the credential with another name and the same signature.
func spoilt(t *testing.T, code string) string {
	t.Helper()
	message, err := cose.ParseURL(code)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(bytes.Replace(message, []byte("見本"), []byte("見木"), 1))
}

func TestVerifyCommand(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	picture := c.file(t, "qr.png", qrPicture(t, c.code))
	keys := c.keys(t)
	noKeys := c.file(t, "empty.json", []byte(`{"keys":[]}`))
	elsewhere, asked := redirecting(t)
	for _, k := range []struct {
		name    string
		stdin   string
		args    []string
		code    int
		verdict verification.Verdict
		said    string
	}{
		{"address", "", []string{c.code}, 0, verification.Valid, ""},
		{"picture", "", []string{picture}, 0, verification.Valid, ""},
		{"file with text", "", []string{c.file(t, "code.txt", []byte(c.code+"\n"))}, 0, verification.Valid, ""},
		{"standard input", c.code, []string{"-"}, 0, verification.Valid, ""},
		{"picture on standard input", string(qrPicture(t, c.code)), []string{"-"}, 0, verification.Valid, ""},
		{"tampered", spoilt(t, c.code), []string{"-"}, 1, verification.Tampered, ""},
		{"unknown issuer", c.code, []string{"--keys", c.othersKeys(t), "-"}, 1, verification.UnknownIssuer, ""},
		{"no credential", "こんにちは", []string{"-"}, 2, verification.Unreadable, ""},
		{"empty input", " \n", []string{"-"}, 2, verification.Unreadable, "nothing to verify"},
		{"no such file", "", []string{filepath.Join(c.dir, "none.png")}, 2, verification.Unreadable, "reading the credential"},
		{"picture without a code", "", []string{c.file(t, "white.png", casetest.PNG)}, 2, verification.Unreadable, "looking for a QR code"},
		{"nobody answers", c.code, []string{"--service=http://127.0.0.1:1", "-"}, 2, verification.CannotTell, "asking the service"},
		{"not an API", c.code, []string{"--service=" + elsewhere, "-"}, 2, verification.CannotTell, "307"},
		{"unencrypted", c.code, []string{"--service=http://192.0.2.1", "-"}, 2, "", "must be reached by https"},
		{"no address", c.code, []string{"--service=here", "-"}, 2, "", "not the address of one"},
		{"no argument", "", nil, 2, "", "expected"},
		{"offline", c.code, []string{"--keys", keys, "-"}, 2, verification.CannotTell, "the signature holds"},
		{"offline, tampered", spoilt(t, c.code), []string{"--keys", keys, "-"}, 1, verification.Tampered, ""},
		{"offline, key not there", c.code, []string{"--keys", noKeys, "-"}, 2, verification.CannotTell, "download them again"},
		{"offline, no keys", c.code, []string{"--keys", picture, "-"}, 2, "", "reading a key set"},
	} {
		code, r, said := c.run(t, k.stdin, k.args...)
		if code != k.code || r.Verdict != k.verdict || !strings.Contains(said, k.said) || (k.said == "") != (said == "") {
			t.Errorf("%s: exit %d, verdict %q, said %q; want %d, %q, %q", k.name, code, r.Verdict, said, k.code, k.verdict, k.said)
		}
		if strings.Contains(said, "花子") || strings.Contains(said, "0oR") {
			t.Errorf("%s: the message repeats the credential: %s", k.name, said)
		}
	}
	if asked.Load() != 0 {
		t.Error("the credential was sent on to where the service pointed")
	}
	c.revoked(t)
}

// revoked sees that the answer follows the register, and that a register that does not answer is no answer.
func (c *checker) revoked(t *testing.T) {
	t.Helper()
	if err := c.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `update credential set prior_state = state, state = 'revoked', status_at = $1`, tx.Now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if code, r, _ := c.run(t, "", c.code); code != 1 || r.Verdict != verification.Revoked || r.Facts[cose.HolderName] != "見本　花子" {
		t.Errorf("revoked: exit %d, %+v", code, r)
	}
	c.Verifier.DB.Pool.Close()
	if code, r, _ := c.run(t, "", c.code); code != 2 || r.Verdict != verification.CannotTell {
		t.Errorf("no register: exit %d, %+v", code, r)
	}
}

// keys downloads the published keys.
func (c *checker) keys(t *testing.T) string {
	t.Helper()
	set, err := c.Verifier.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := set.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	return c.file(t, "jwks.json", raw)
}

// othersKeys has the same key, published for another register.
func (c *checker) othersKeys(t *testing.T) string {
	t.Helper()
	set, err := c.Verifier.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range set {
		set[i].Registers = []string{"JKSA"}
	}
	raw, err := set.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	return c.file(t, "others.json", raw)
}

// redirecting is a service that sends its callers elsewhere, and the count of those who went.
func redirecting(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	var went atomic.Int32
	mux := http.NewServeMux()
	mux.Handle("/v1/verifications", http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect))
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { went.Add(1) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, &went
}

// A PDF is checked by the service, and by downloaded keys.
func TestVerifyDocument(t *testing.T) {
	t.Parallel()
	c := newChecker(t)
	genuine := c.Document(t, nil)
	document := c.file(t, "genuine.pdf", genuine)
	changed := c.file(t, "changed.pdf", bytes.Replace(genuine, []byte("595 842"), []byte("595 843"), 1))
	keys := c.keys(t)
	for name, want := range map[string]struct {
		args    []string
		code    int
		verdict verification.Verdict
		said    string
	}{
		"genuine": {[]string{"--service", c.service, document}, 0, verification.Valid, ""},
		"changed": {[]string{"--service", c.service, changed}, 1, verification.Tampered, ""},
		// The machine's date decides whether the certificate is valid, so no more is asked for than that no verdict is made up.
		"offline":          {[]string{"--keys", keys, document}, 2, verification.CannotTell, ""},
		"offline, changed": {[]string{"--keys", keys, changed}, 1, verification.Tampered, ""},
	} {
		code, r, said := c.run(t, "", want.args...)
		if code != want.code || r.Verdict != want.verdict || !strings.Contains(said, want.said) {
			t.Errorf("%s: code %d, %+v, %s", name, code, r, said)
		}
	}
}
