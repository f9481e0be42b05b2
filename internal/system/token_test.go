//go:build pkcs11

package system

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/connector/signer/token"
	"akashi/internal/fault"
)

// softHSM makes a token by the maker's own program, and returns how it is opened, and the PIN.
func softHSM(t *testing.T) (token.Config, string) {
	t.Helper()
	const pin = "4711-himitsu"
	dir := t.TempDir()
	conf, at := filepath.Join(dir, "softhsm2.conf"), filepath.Join(dir, "pin")
	err := errors.Join(os.Mkdir(filepath.Join(dir, "tokens"), 0o700), os.WriteFile(at, []byte(pin+"\n"), 0o600),
		os.WriteFile(conf, []byte("directories.tokendir = "+filepath.Join(dir, "tokens")+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	if out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "registrars", "--so-pin", "12345678", "--pin", pin).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util (tools/install.sh test brings it): %v: %s", err, out)
	}
	return token.Config{Module: "/usr/lib/softhsm/libsofthsm2.so", Label: "registrars", PINFile: at}, pin
}

// TestSignerWithAToken: keys, requests, certificates and rotation as with files; in the directory and in the log is neither a private
// half nor the PIN, and without the token nothing is signed.
func TestSignerWithAToken(t *testing.T) {
	config, pin := softHSM(t)
	data := t.TempDir()
	dir := keysDir(data)
	var now clock.Adjustable
	now.Set(time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST))
	open := func(at token.Config) (*signer.Signer, func()) {
		s, closed, err := openSigner(data, &now, at)
		if err != nil {
			t.Fatal(err)
		}
		return s, func() {
			if err := closed(); err != nil {
				t.Error(err)
			}
		}
	}
	without, _ := open(token.Config{})
	file, err := without.Ensure("mhlw", "status") // from before there was a token
	if err != nil {
		t.Fatal(err)
	}
	s, stop := open(config)
	if err := s.EnsureAll([]signer.Use{{Registrar: "mhlw", Purpose: "credential"}, {Registrar: "mhlw", Purpose: "status"}, {Registrar: "pref-13", Purpose: "credential"}}); err != nil {
		t.Fatal(err)
	}
	ca, err := signer.InitCA(dir, "Test CA", &now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Certify(ca, func(string) string { return "x" }); err != nil {
		t.Fatal(err)
	}
	key, _ := s.Current(signer.Use{Registrar: "mhlw", Purpose: "credential"})
	now.Set(now.Now().Add(time.Minute))
	next, err := s.Rotate("mhlw", "status", time.Time{})
	if err != nil || next.KID == file.KID {
		t.Fatalf("%+v, %v", next, err)
	}
	request, err := s.CSR(key.KID, "厚生労働省")
	if err != nil {
		t.Fatal(err)
	}
	verify := exec.CommandContext(t.Context(), "openssl", "req", "-verify", "-noout")
	verify.Stdin = bytes.NewReader(request)
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("openssl on the request: %v: %s", err, out)
	}
	stop()
	again, stop := open(config) // another process
	defer stop()
	for _, kid := range []string{key.KID, next.KID, file.KID} {
		if raw, err := again.Sign(t.Context(), kid, []byte("証")); err != nil || len(raw) != 64 {
			t.Errorf("%s: %d bytes, %v", kid, len(raw), err)
		}
	}
	if _, err := without.Sign(t.Context(), key.KID, []byte("x")); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "on a token") {
		t.Errorf("without the token: %v, want invalid", err)
	}
	if _, err := without.Sign(t.Context(), file.KID, []byte("x")); err != nil {
		t.Errorf("a key in a file: %v", err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "signer", s, "config", fmt.Sprint(config))
	if strings.Contains(log.String(), pin) {
		t.Error("the PIN is in the log")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	private := 0
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err == nil && bytes.Contains(raw, []byte("PRIVATE KEY")) {
			private++
		}
		if bytes.Contains(raw, []byte(pin)) {
			t.Errorf("%s has the PIN", name)
		}
	}
	if private != 1 {
		t.Errorf("%d private keys lie in the directory, want the one from before", private)
	}
}
