package signer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/fault"
)

var day = time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)

func open(t testing.TB, dir string) *signer.Signer {
	t.Helper()
	s, err := signer.Open(signer.Config{Dir: dir, Clock: clock.Fixed(day)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ensure(t *testing.T, s *signer.Signer, registrar, purpose string) signer.Key {
	t.Helper()
	key, err := s.Ensure(registrar, purpose)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestEnsureKeepsItsKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	key := ensure(t, s, "pref-41", "credential")
	if !key.NotBefore.Equal(day) || !strings.HasPrefix(key.KID, "pref-41-") {
		t.Errorf("made %+v", key)
	}
	if again := ensure(t, s, "pref-41", "credential"); again.KID != key.KID {
		t.Errorf("asked twice: %s and %s", key.KID, again.KID)
	}
	if reopened := ensure(t, open(t, dir), "pref-41", "credential"); reopened.KID != key.KID || !reopened.Public.Equal(key.Public) {
		t.Errorf("after reopening: %s, want %s", reopened.KID, key.KID)
	}
	if other := ensure(t, s, "pref-41", "status-list"); other.KID == key.KID {
		t.Error("two purposes share a key")
	}
}

func TestOneKeyForManyCallers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	signers := []*signer.Signer{open(t, dir), open(t, dir)} // as two processes would have it
	kids := make([]string, 40)
	var wg sync.WaitGroup
	for i := range kids {
		wg.Go(func() {
			key, err := signers[i%2].Ensure("mhlw", "credential")
			if err != nil {
				t.Error(err)
			}
			kids[i] = key.KID
		})
	}
	wg.Wait()
	for _, kid := range kids {
		if kid != kids[0] {
			t.Fatalf("two keys were made: %s and %s", kids[0], kid)
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.pem")); err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".new-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSignVerifies(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	key := ensure(t, s, "sssc", "credential")
	message := []byte("証")
	signature, err := s.Sign(t.Context(), key.KID, message)
	if err != nil || len(signature) != 64 {
		t.Fatalf("%d bytes, %v", len(signature), err)
	}
	digest := sha256.Sum256(message)
	r, v := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key.Public, digest[:], r, v) {
		t.Fatal("the signature does not verify")
	}
	verifyWithOpenSSL(t, key.Public, message, r, v)
}

// verifyWithOpenSSL has an independent program check the signature.
func verifyWithOpenSSL(t *testing.T, public *ecdsa.PublicKey, message []byte, r, s *big.Int) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"key": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "signature": signature, "message": message,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "message")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v: %s", err, out)
	}
}

func TestSignRefuses(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	if _, err := s.Sign(t.Context(), "mhlw-000000000000", nil); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown key: %v, want not_found", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sign(ctx, ensure(t, s, "mhlw", "credential").KID, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
	for _, name := range []string{"", "MHLW", "../etc", "a.b", "-a", "看護師", strings.Repeat("a", 41)} {
		if _, err := s.Ensure(name, "credential"); !errors.Is(err, fault.Invalid) {
			t.Errorf("registrar %q: %v, want invalid", name, err)
		}
	}
}

func TestRotateKeepsTheOld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	c := &clock.Adjustable{}
	c.Set(day)
	s, err := signer.Open(signer.Config{Dir: dir, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, dir)
	old := ensure(t, s, "mhlw", "credential")
	fresh, err := s.Rotate("mhlw", "credential", day.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if now := ensure(t, s, "mhlw", "credential"); now.KID != old.KID {
		t.Errorf("before the new key's time signs %s", now.KID)
	}
	c.Set(day.Add(10 * time.Minute))
	if now := ensure(t, s, "mhlw", "credential"); now.KID != fresh.KID || fresh.KID == old.KID {
		t.Errorf("signs with %s after rotation from %s to %s", now.KID, old.KID, fresh.KID)
	}
	keys := s.Public()
	if len(keys) != 2 || keys[0].KID != old.KID || !keys[1].NotBefore.After(keys[0].NotBefore) {
		t.Errorf("published %+v", keys)
	}
	if _, err := s.Sign(t.Context(), old.KID, []byte("x")); err != nil {
		t.Errorf("with the old key: %v", err)
	}
	if _, err := other.Sign(t.Context(), fresh.KID, []byte("x")); err != nil {
		t.Errorf("a key that another process made: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range []struct {
		name, file, want string
		content          []byte
		dirMode, mode    os.FileMode
	}{
		{"open directory", "", "open to others", nil, 0o755, 0o600},
		{"open file", "mhlw.credential.1.pem", "open to others", rsaPEM, 0o700, 0o640},
		{"RSA key", "mhlw.credential.1.pem", "not on P-256", rsaPEM, 0o700, 0o600},
		{"no key", "mhlw.credential.1.pem", "not one PKCS#8 key", []byte("x"), 0o700, 0o600},
		{"two keys", "mhlw.credential.1.pem", "not one PKCS#8 key", append(rsaPEM, rsaPEM...), 0o700, 0o600},
		{"another name", "key.pem", "name is not", rsaPEM, 0o700, 0o600},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, c.file), c.content, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(dir, c.dirMode); err != nil {
				t.Fatal(err)
			}
			_, err := signer.Open(signer.Config{Dir: dir, Clock: clock.Fixed(day)})
			if !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNoKeyInPrint(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	ensure(t, s, "mhlw", "credential")
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, s); len(text) > 300 || !strings.HasPrefix(text, "signer(") {
			t.Errorf("%s prints %.100s", format, text)
		}
	}
}
