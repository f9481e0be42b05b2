package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/casetest"
	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/verification"
)

// keyroom is a data directory beside a database in which one credential was issued, with all that the commands have said.
type keyroom struct {
	*casetest.World
	data, database string
	said           strings.Builder
}

// keys runs a verb and expects an exit code; it returns what was printed and what was said beside it.
func (k *keyroom) keys(t *testing.T, want int, args ...string) (out, errOut string) {
	t.Helper()
	code, out, errOut := try(append([]string{"keys", "--data-dir=" + k.data, "--database=" + k.database}, args...)...)
	if code != want {
		t.Errorf("keys %v ends with %d, want %d: %s%s", args, code, want, out, errOut)
	}
	k.said.WriteString(out + errOut)
	return strings.TrimSpace(out), errOut
}

func (k *keyroom) dir() string { return filepath.Join(k.data, "keys") }

// TestKeysCommands: every verb, from the first key to the replacement of a key that was lost, beside a database with a credential.
func TestKeysCommands(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	k := &keyroom{World: w, data: filepath.Join(t.TempDir(), "data"), database: address(t, w.DB)}
	if _, err := w.DB.Superuser().Exec(t.Context(), `update signing_key set not_before = '2020-01-01 00:00Z'`); err != nil {
		t.Fatal(err) // the commands live in the machine's time, which may be before the world's
	}
	before := k.code(t)
	k.keys(t, exitOK, "init-ca", "--name=Test CA")
	first, _ := k.keys(t, exitOK, "rotate", "mhlw", "credential", "--after=0s")
	later, _ := k.keys(t, exitOK, "rotate", "mhlw", "status", "--after=24h")
	k.states(t, map[string]string{"mhlw-test": "retired", first: "signs", "mhlw-status-test": "signs", later: "announced"})
	k.mistakes(t)
	if list, _ := k.keys(t, exitOK, "list"); !strings.Contains(list, first+"  mhlw") || !strings.Contains(list, later) || strings.Count(list, "none") != 2 {
		t.Errorf("the list says %s", list)
	}
	k.certified(t, first)
	k.replaced(t, "mhlw-test", before)
	again, _ := k.keys(t, exitOK, "replace", "mhlw-test")
	if again != "" {
		t.Errorf("replaced twice: %s", again)
	}
	now := k.code(t)
	k.replaced(t, first, now) // the newest: its successor is made first
	k.trusted(t)
	k.secret(t)
}

// code is the credential's QR code as it is now.
func (k *keyroom) code(t *testing.T) string {
	t.Helper()
	held, err := k.Wallet.List(t.Context(), k.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	url, err := held[0].Credential.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// states compares what is published of keys.
func (k *keyroom) states(t *testing.T, want map[string]string) {
	t.Helper()
	set, err := k.Verifier.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now, found := clock.System{}.Now(), map[string]string{}
	for _, key := range set {
		state := "signs"
		switch {
		case key.DistrustedAt != nil:
			state = "distrusted"
		case key.RetiredAt != nil && !key.RetiredAt.After(now):
			state = "retired"
		case key.NotBefore.After(now):
			state = "announced"
		}
		found[key.KID] = state
	}
	for kid, state := range want {
		if found[kid] != state {
			t.Errorf("%s %s, want %s", kid, found[kid], state)
		}
	}
}

func (k *keyroom) mistakes(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		ends int
		says string
		args []string
	}{
		{exitUsage, "there is no registrar nobody", []string{"rotate", "nobody", "credential"}},
		{exitUsage, "there is no key x", []string{"csr", "x"}},
		{exitUsage, "was never published", []string{"replace", "x"}},
		{exitUsage, "has no certificate", []string{"trust-list"}},
		{exitUsage, "must be one of", []string{"rotate", "mhlw", "verifier"}},
		{exitUsage, "expected", []string{"install", "x"}},
	} {
		if _, errOut := k.keys(t, c.ends, c.args...); !strings.Contains(errOut, c.says) {
			t.Errorf("%v: %s, want %q", c.args, errOut, c.says)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	if code, _, errOut := try("keys", "list", "--data-dir="+nowhere); code != exitUsage || !strings.Contains(errOut, "there are no keys") || !strings.Contains(errOut, "--data-dir") {
		t.Errorf("a directory that is not there: %d %s", code, errOut)
	}
	if _, err := os.Stat(nowhere); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("asking for keys made a directory: %v", err)
	}
	if code, _, errOut := try("keys", "list", "--data-dir="+k.data, "--token-module=/usr/lib/softhsm/libsofthsm2.so", "--token-label=x"); code != exitUsage || !strings.Contains(errOut, "make build-pkcs11") {
		t.Errorf("a token without the build: %d %s", code, errOut)
	}
}

// certified asks for the certificate of a key, has it issued elsewhere, and installs and publishes it; another key's is refused.
func (k *keyroom) certified(t *testing.T, kid string) {
	t.Helper()
	out, _ := k.keys(t, exitOK, "csr", kid)
	block, _ := pem.Decode([]byte(out))
	if block == nil {
		t.Fatalf("no request: %s", out)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || request.CheckSignature() != nil || request.Subject.CommonName != kid {
		t.Fatalf("the request: %v", err)
	}
	ca, err := signer.OpenCA(k.dir(), "")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, public any) string {
		chain, err := ca.Issue(signer.Key{KID: kid, Registrar: "mhlw", Purpose: "credential", Public: public.(*ecdsa.PublicKey)}, "x", clock.System{}.Now())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, bytes.Join([][]byte{certificatePEM(chain[0]), certificatePEM(chain[1])}, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, errOut := k.keys(t, exitUsage, "install", kid, write("other.pem", k.SigningKey())); !strings.Contains(errOut, "of another key") {
		t.Errorf("another key's certificate: %s", errOut)
	}
	k.keys(t, exitOK, "install", kid, write("own.pem", request.PublicKey))
	set, err := k.Verifier.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range set {
		if key.KID == kid && len(key.Chain) != 2 {
			t.Errorf("%d certificates are published", len(key.Chain))
		}
	}
}

// replaced replaces a key: the credential is signed anew, its earlier code is nobody's, and the command says how far it was.
func (k *keyroom) replaced(t *testing.T, kid, before string) {
	t.Helper()
	if r := k.Verifier.CheckText(t.Context(), before); r.Verdict != verification.Valid {
		t.Errorf("before %s is replaced: %+v", kid, r)
	}
	if _, errOut := k.keys(t, exitOK, "replace", kid); !strings.Contains(errOut, "done=1 left=0 percent=100") {
		t.Errorf("replacing %s: %s", kid, errOut)
	}
	k.states(t, map[string]string{kid: "distrusted"})
	if r := k.Verifier.CheckText(t.Context(), before); r.Verdict != verification.UnknownIssuer {
		t.Errorf("the code from before: %+v", r)
	}
	if r := k.Verifier.CheckText(t.Context(), k.code(t)); r.Verdict != verification.Valid {
		t.Errorf("after %s is replaced: %+v", kid, r)
	}
}

// trusted writes the trust list, which is believed by the authority's certificate.
func (k *keyroom) trusted(t *testing.T) {
	t.Helper()
	s, err := signer.Open(signer.Config{Dir: k.dir(), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := signer.OpenCA(k.dir(), "")
	if err == nil {
		err = s.EnsureAll([]signer.Use{{Registrar: "platform", Purpose: "trust"}}) // as the worker does
	}
	if err == nil {
		err = s.Certify(ca, func(string) string { return "x" })
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trust.jwt")
	k.keys(t, exitOK, "trust-list", "--out="+path)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := verification.ReadTrustList(raw, []*x509.Certificate{ca.Certificate}, clock.System{}.Now().Add(time.Second))
	if err != nil || len(trust.Keys) < 6 {
		t.Fatalf("%+v, %v", trust, err)
	}
	if r, _ := trust.Check(k.code(t), clock.System{}.Now()); r.Untampered != verification.Yes || r.Issuer != verification.Yes {
		t.Errorf("by the trust list: %+v", r)
	}
	anchor := filepath.Join(t.TempDir(), "anchor.pem")
	if err := os.WriteFile(anchor, certificatePEM(ca.Certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := try("verify", "--trust="+path, "--trust-anchors="+anchor, k.code(t)); code != exitCannotTell || !strings.Contains(out, `"no_place_in_a_list"`) || !strings.Contains(errOut, "the signature holds") {
		t.Errorf("verify by the list: %d %s%s", code, out, errOut)
	}
	if code, _, errOut := try("verify", "--trust="+path, k.code(t)); code != exitCannotTell || !strings.Contains(errOut, "no anchor was named") {
		t.Errorf("verify without an anchor: %d %s", code, errOut)
	}
}

// secret sees that no private key is in any table, nor in anything that the commands said.
func (k *keyroom) secret(t *testing.T) {
	t.Helper()
	said := k.said.String()
	rows, err := k.DB.Superuser().Query(t.Context(), `select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 50 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		var all string
		if err := k.DB.Superuser().QueryRow(t.Context(), `select coalesce(string_agg(x::text, ' '), '') from `+table+` x`).Scan(&all); err != nil {
			t.Fatal(err)
		}
		said += all
	}
	files, err := filepath.Glob(filepath.Join(k.dir(), "*.pem"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d keys, %v", len(files), err)
	}
	for _, name := range append(files, filepath.Join(k.dir(), "ca", "ca.pem")) {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(raw)
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		d, err := parsed.(*ecdsa.PrivateKey).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{hex.EncodeToString(d), base64.StdEncoding.EncodeToString(d), base64.RawURLEncoding.EncodeToString(d), fmt.Sprint(d), strings.Split(string(raw), "\n")[1]} {
			if strings.Contains(said, form) {
				t.Errorf("the private key %s is in a table or in what was said", filepath.Base(name))
			}
		}
	}
	if !strings.Contains(said, hex.EncodeToString([]byte("見本"))) && !strings.Contains(said, "見本") {
		t.Error("the tables were not read")
	}
}
