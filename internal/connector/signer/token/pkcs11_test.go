//go:build pkcs11

package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"akashi/internal/fault"
)

// The module is loaded once in a process, so that the tests share one SoftHSM with a token for each.
const (
	module = "/usr/lib/softhsm/libsofthsm2.so"
	pin    = "4711-himitsu"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "softhsm")
	if err == nil {
		conf := filepath.Join(dir, "softhsm2.conf")
		err = errors.Join(os.Mkdir(filepath.Join(dir, "tokens"), 0o700),
			os.WriteFile(conf, []byte("directories.tokendir = "+filepath.Join(dir, "tokens")+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600),
			os.Setenv("SOFTHSM2_CONF", conf))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// softHSM makes a token with a label, by the maker's own program, and returns how it is opened.
func softHSM(t *testing.T, label string) Config {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", pin).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util (tools/install.sh test brings it): %v: %s", err, out)
	}
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(pin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Config{Module: module, Label: label, PINFile: path}
}

func opened(t *testing.T, c Config) *Token {
	t.Helper()
	token, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token
}

// holds sees that the token signs with the key.
func holds(t *testing.T, token *Token, id []byte, public *ecdsa.PublicKey) {
	t.Helper()
	digest := sha256.Sum256([]byte("証"))
	raw, err := token.Sign(t.Context(), id, digest[:])
	if err != nil || len(raw) != 64 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	if !ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		t.Error("the signature does not verify")
	}
}

func generated(t *testing.T, token *Token, name string) ([]byte, *ecdsa.PublicKey) {
	t.Helper()
	id, public, err := token.Generate(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return id, public
}

// TestSignaturesOfManyAtOnce: more callers than sessions, each with a signature of its own.
func TestSignaturesOfManyAtOnce(t *testing.T) {
	token := opened(t, softHSM(t, "many"))
	id, public := generated(t, token, "mhlw.credential.1")
	var all sync.WaitGroup
	for i := range 4 * sessions {
		all.Go(func() {
			digest := sha256.Sum256(fmt.Append(nil, i))
			raw, err := token.Sign(context.Background(), id, digest[:])
			if err != nil || !ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
	if _, err := token.Sign(t.Context(), []byte("no such id"), make([]byte, 32)); !errors.Is(err, fault.NotFound) {
		t.Errorf("no key: %v, want not_found", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range sessions {
		<-token.free
	}
	if _, err := token.Sign(ctx, id, make([]byte, 32)); !errors.Is(err, context.Canceled) {
		t.Errorf("no session is free: %v, want context.Canceled", err)
	}
	for range sessions {
		token.free <- session{}
	}
}

// TestAfterAReset: the token forgets sessions, or the login, and everything goes on with a new login, also for many at once.
func TestAfterAReset(t *testing.T) {
	token := opened(t, softHSM(t, "reset"))
	id, public := generated(t, token, "mhlw.credential.1")
	holds(t, token, id, public)
	for name, forget := range map[string]func() error{
		"sessions are closed": func() error { return token.ctx.CloseAllSessions(token.slot) },
		"logged out":          func() error { return token.ctx.Logout(token.login) },
	} {
		round := token.round
		if err := forget(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var all sync.WaitGroup
		for range 2 * sessions {
			all.Go(func() { holds(t, token, id, public) })
		}
		all.Wait()
		if token.round == round {
			t.Errorf("%s: there was no new login", name)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--delete-token", "--token", "reset").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := token.ctx.CloseAllSessions(token.slot); err != nil {
		t.Log(err) // the slot may be gone with the token
	}
	if _, err := token.Sign(t.Context(), id, make([]byte, 32)); !errors.Is(err, fault.Upstream) && !errors.Is(err, fault.NotFound) {
		t.Errorf("without the token: %v, want upstream or not_found", err)
	}
}

// TestOpenRefuses: each wrong setting for its own reason; a refused PIN is tried once, since tokens lock themselves, and stands in no
// error.
func TestOpenRefuses(t *testing.T) {
	good := softHSM(t, "refuses")
	with := func(change func(*Config)) Config {
		c := good
		change(&c)
		return c
	}
	file := func(content string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "pin")
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	for name, c := range map[string]struct {
		config Config
		kind   fault.Kind
		says   string
	}{
		"no module":      {with(func(c *Config) { c.Module = "" }), fault.Invalid, "without the path of its module"},
		"another module": {with(func(c *Config) { c.Module = "/nowhere.so" }), fault.Invalid, "loading the PKCS #11 module"},
		"another token":  {with(func(c *Config) { c.Label = "nobody" }), fault.Upstream, "there are 0"},
		"no file":        {with(func(c *Config) { c.PINFile = "" }), fault.Invalid, "without a file with its PIN"},
		"a missing file": {with(func(c *Config) { c.PINFile = "/nowhere" }), fault.Invalid, "looking for the PIN"},
		"open to others": {with(func(c *Config) { c.PINFile = file(pin, 0o640) }), fault.Invalid, "open to others"},
		"an empty file":  {with(func(c *Config) { c.PINFile = file(" \n", 0o600) }), fault.Invalid, "has none"},
		"another PIN":    {with(func(c *Config) { c.PINFile = file("wrong-8128", 0o600) }), fault.Upstream, "CKR_PIN_INCORRECT"},
	} {
		token, err := Open(c.config)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), pin) || strings.Contains(err.Error(), "8128") {
			t.Errorf("%s: %v, want %s and %q", name, err, c.kind, c.says)
		}
		if err == nil {
			_ = token.Close()
		}
	}
	token := opened(t, good)
	id, public := generated(t, token, "k")
	if err := errors.Join(os.WriteFile(good.PINFile, []byte("wrong-8128"), 0o600), token.ctx.CloseAllSessions(token.slot)); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"CKR_PIN_INCORRECT", "has refused this PIN before"} {
		if _, err := token.Sign(t.Context(), id, make([]byte, 32)); !errors.Is(err, fault.Upstream) || !strings.Contains(err.Error(), says) {
			t.Errorf("with a wrong PIN: %v, want %q", err, says)
		}
	}
	if err := os.WriteFile(good.PINFile, []byte(pin), 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, token, id, public)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, token); text != "token(refuses)" {
			t.Errorf("%s prints %q", format, text)
		}
	}
}

// TestCredentialDirectory: the PIN as systemd hands it over.
func TestCredentialDirectory(t *testing.T) {
	c := softHSM(t, "systemd")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pkcs11-pin"), []byte(pin), 0o400); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	c.PINFile = ""
	token := opened(t, c)
	id, public := generated(t, token, "k")
	holds(t, token, id, public)
}
