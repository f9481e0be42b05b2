package signer_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/fault"
)

// TestCertificates: an authority of our own certifies every key for its purpose; OpenSSL finds the same chain and the
// request for a certificate good.
func TestCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	uses := []signer.Use{{"mhlw", "credential"}, {"mhlw", "status"}, {"mhlw", "document"}, {"mhlw", "mdoc"}, {"pref-41", "credential"}}
	for range 2 {
		if err := s.EnsureAll(uses); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := signer.OpenCA(dir, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("no authority: %v, want not_found", err)
	}
	if _, err := signer.InitCA(dir, "Test CA", clock.Fixed(day)); err != nil {
		t.Fatal(err)
	}
	if _, err := signer.InitCA(dir, "Test CA", clock.Fixed(day)); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second authority: %v, want conflict", err)
	}
	ca, err := signer.OpenCA(dir, "https://check.example/.well-known/akashi")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Certify(ca, func(registrar string) string { return "Registrar " + registrar }); err != nil {
		t.Fatal(err)
	}
	keys := open(t, dir).Public()
	if len(keys) != len(uses) {
		t.Fatalf("%d keys", len(keys))
	}
	work := t.TempDir()
	write := func(name string, block *pem.Block) string {
		path := filepath.Join(work, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := write("root", &pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw})
	for _, k := range keys {
		if len(k.Chain) != 2 || !k.Public.Equal(k.Chain[0].PublicKey) || k.Chain[0].Subject.CommonName != k.KID {
			t.Fatalf("%s has %d certificates", k.KID, len(k.Chain))
		}
		leaf := write("leaf", &pem.Block{Type: "CERTIFICATE", Bytes: k.Chain[0].Raw})
		if out, err := exec.Command("openssl", "verify", "-attime", "1796083200", "-CAfile", root, leaf).CombinedOutput(); err != nil {
			t.Errorf("openssl on %s: %v: %s", k.KID, err, out)
		}
		request, err := s.CSR(k.KID, "厚生労働省")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(work, "csr")
		if err := os.WriteFile(path, request, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("openssl", "req", "-verify", "-noout", "-in", path).CombinedOutput(); err != nil {
			t.Errorf("openssl on the request: %v: %s", err, out)
		}
	}
}

// TestInstallRefuses: certificates of another key, of another authority, or none.
func TestInstallRefuses(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	key, other := ensure(t, s, "mhlw", "document"), ensure(t, s, "mhlw", "mdoc")
	ca, err := signer.NewCA("one", day)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := signer.NewCA("two", day)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ca.Issue(key, "x", day)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ca.Issue(other, "x", day)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := ca.Issue(key, "x", day.AddDate(-3, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, chain := range map[string][]*x509.Certificate{
		"none": nil, "another key's": theirs, "another authority": {good[0], stranger.Certificate}, "ended": ended,
	} {
		if err := s.Install(key.KID, chain); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	if err := s.Install("mhlw-none", good); !errors.Is(err, fault.NotFound) {
		t.Errorf("no such key: %v, want not_found", err)
	}
	if err := s.Install(key.KID, good); err != nil {
		t.Error(err)
	}
	for _, k := range s.Public() {
		if want := map[bool]int{true: 2}[k.KID == key.KID]; len(k.Chain) != want {
			t.Errorf("%s has %d certificates, want %d", k.KID, len(k.Chain), want)
		}
	}
}

// TestPurposes: what is handed out for one purpose signs with no key of another.
func TestPurposes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	credential, status := ensure(t, s, "mhlw", "credential"), ensure(t, s, "mhlw", "status")
	sign := s.For("credential", "document")
	if _, err := sign(t.Context(), credential.KID, []byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := sign(t.Context(), status.KID, []byte("x")); !errors.Is(err, fault.Forbidden) {
		t.Errorf("with a key for lists: %v, want forbidden", err)
	}
	if _, err := sign(t.Context(), "mhlw-none", []byte("x")); !errors.Is(err, fault.NotFound) {
		t.Errorf("with no key: %v, want not_found", err)
	}
}
