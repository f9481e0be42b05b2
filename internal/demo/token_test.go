//go:build pkcs11

package demo_test

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"akashi/internal/connector/signer/token"
	"akashi/internal/demo"
)

// TestTheStoryWithKeysOnAToken: the whole program signs on a token what it signs: the credential, its status list, and no private key
// lies in the directory of keys. The authority of the demonstration is not one of the registrars' keys and stays a file.
func TestTheStoryWithKeysOnAToken(t *testing.T) {
	dir := home(t)
	s := &story{start(t, demo.Config{DataDir: dir, Log: slog.New(slog.DiscardHandler), Token: softHSM(t)}), t}
	play(t, s)
	stop(t, s.Demo)
	for pattern, want := range map[string]bool{"*.pub": true, "*.pem": false} {
		found, err := filepath.Glob(filepath.Join(dir, "keys", pattern))
		if err != nil || (len(found) > 0) != want {
			t.Errorf("%d files %s, %v", len(found), pattern, err)
		}
	}
}

// softHSM makes a token by the maker's own program, and returns how it is opened.
func softHSM(t *testing.T) token.Config {
	t.Helper()
	const pin = "4711-himitsu"
	dir := home(t) // in memory where that is possible: five hundred keys are made, each in a file of its own
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
	return token.Config{Module: "/usr/lib/softhsm/libsofthsm2.so", Label: "registrars", PINFile: at}
}
