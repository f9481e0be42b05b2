package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// goldenID is the credential's id in expected outputs, and goldenNow the time at which everything is made and checked.
const goldenID = "KGMH-7F3K9-2QX8T-D"

func goldenNow() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST) }

// exits is what scripts rely on: the exit code of each verdict.
func exits() map[verification.Verdict]int {
	return map[verification.Verdict]int{verification.Valid: 0,
		verification.Suspended: 1, verification.Revoked: 1, verification.Replaced: 1, verification.Expired: 1, verification.Tampered: 1, verification.UnknownIssuer: 1,
		verification.RunOut: 2, verification.CannotTell: 2, verification.Unreadable: 2}
}

// asked is one call of the command, and the verdict that it must come to.
type asked struct {
	name string
	cmd  VerifyCmd
	want verification.Verdict

	before func() // brings about what the call finds; nil: nothing
}

// printed runs the calls and compares what each printed and said with the expected output. Verdict and exit code are expected by
// the test itself, so that writing the file anew cannot change them.
func printed(t *testing.T, file string, all []asked, tidy *strings.Replacer) {
	t.Helper()
	var b strings.Builder
	for _, a := range all {
		if a.before != nil {
			a.before()
		}
		var out, said bytes.Buffer
		code := complain(&said, a.cmd.Run(t.Context(), &Globals{Out: &out}))
		if code != exits()[a.want] || !strings.HasPrefix(out.String(), "{\n  \"verdict\": \""+string(a.want)+"\",\n") {
			t.Errorf("%s, %s: exit code %d, want %s\n%s%s", file, a.name, code, a.want, out.String(), said.String())
		}
		fmt.Fprintf(&b, "== %s: exit code %d\n%s%s", a.name, code, tidy.Replace(out.String()), said.String())
	}
	path := filepath.Join("testdata", "verify", file+".txt")
	if os.Getenv("AKASHI_GOLDEN") == "write" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("what is printed differs from %s; look at the change and run make golden\n%s", path, b.String())
	}
}

// offline is a sample at a fixed time, with what a verifier has of it in files.
type offline struct {
	*sample
	dir string
}

func newOffline(t *testing.T, format string) *offline {
	t.Helper()
	c := &SampleCmd{Format: format, Qualification: "kangoshi"}
	s, err := c.sample(t.Context(), goldenNow())
	if err != nil {
		t.Fatal(err)
	}
	s.facts.CredentialID, s.facts.Labels[cose.CertificateID] = goldenID, goldenID
	if err := sampleForms()[format](s); err != nil {
		t.Fatal(err)
	}
	o := &offline{s, t.TempDir()}
	for _, f := range s.files {
		o.write(t, f.name, f.content)
	}
	for name, change := range map[string]func(*verification.PublishedKey){
		"of-others":  func(k *verification.PublishedKey) { k.Registers = []string{"JKSA"} },
		"distrusted": func(k *verification.PublishedKey) { at := goldenNow().Add(-time.Minute); k.DistrustedAt = &at },
	} {
		bent := slices.Clone(s.keys)
		for i := range bent {
			if bent[i].Purpose != "status" {
				change(&bent[i])
			}
		}
		raw, err := bent.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		o.write(t, name+".json", raw)
	}
	o.write(t, "unknown.json", []byte(`{"keys":[]}`))
	return o
}

func (o *offline) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask checks a file by keys and a list ("" for none), at a time after everything was made.
func (o *offline) ask(name, file, keys, list string, later time.Duration, want verification.Verdict) asked {
	at := func(name string) string { return filepath.Join(o.dir, name) }
	cmd := VerifyCmd{Credential: at(file), Trust: at(keys), Clock: clock.Fixed(goldenNow().Add(later))}
	if list != "" {
		cmd.Status = []string{at(list)}
	}
	return asked{name: name, cmd: cmd, want: want}
}

// inEveryCase are the cases of a form that has a place in a status list. A list has no state for what was replaced: it says
// revoked, and only the register knows more.
func (o *offline) inEveryCase(suffix, list string) []asked {
	const keys = "trust.jwks.json"
	genuine := "credential" + suffix
	return []asked{
		o.ask("valid", genuine, keys, list, 0, verification.Valid),
		o.ask("tampered", "tampered"+suffix, keys, list, 0, verification.Tampered),
		o.ask("unknown key", genuine, "unknown.json", list, 0, verification.CannotTell),
		o.ask("key of another register", genuine, "of-others.json", list, 0, verification.UnknownIssuer),
		o.ask("distrusted key", genuine, "distrusted.json", list, 0, verification.UnknownIssuer),
		o.ask("revoked", "revoked"+suffix, keys, list, 0, verification.Revoked),
		o.ask("suspended", "suspended"+suffix, keys, list, 0, verification.Suspended),
		o.ask("no list", genuine, keys, "", 0, verification.CannotTell),
		o.ask("list that has ended", genuine, keys, list, sampleTerm+time.Hour, verification.CannotTell),
	}
}

// ofWallets are those that credentials for wallets have besides.
func (o *offline) ofWallets(suffix, list string) []asked {
	return append(o.inEveryCase(suffix, list),
		o.ask("no such place in the list", "no-entry"+suffix, "trust.jwks.json", list, 0, verification.CannotTell),
		o.ask("expired", "expired"+suffix, "trust.jwks.json", list, 0, verification.Expired))
}

// TestVerifyGolden: what the command prints and says over each form without the service.
func TestVerifyGolden(t *testing.T) {
	t.Parallel()
	asIs := strings.NewReplacer()
	for format, suffix := range map[string]string{"sdjwt": ".sdjwt", "vc": ".vc.jwt"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			printed(t, format, newOffline(t, format).ofWallets(suffix, "status-list.jwt"), asIs)
		})
	}
	t.Run("mdoc", func(t *testing.T) {
		t.Parallel()
		printed(t, "mdoc", newOffline(t, "mdoc").ofWallets(".mdoc", "status-list.cwt"), asIs)
	})
	t.Run("pdf", func(t *testing.T) {
		t.Parallel()
		o := newOffline(t, "pdf")
		o.pdfs(t)
		printed(t, "pdf", append(o.inEveryCase(".pdf", "status-list.jwt"),
			o.ask("with something behind it", "appended.pdf", "trust.jwks.json", "status-list.jwt", 0, verification.Tampered),
			o.ask("certificate that has ended", "credential.pdf", "trust.jwks.json", "status-list.jwt", 20*365*24*time.Hour, verification.CannotTell)), asIs)
	})
	t.Run("qr", func(t *testing.T) {
		t.Parallel()
		o := newOffline(t, "qr")
		const keys = "trust.jwks.json"
		printed(t, "qr", []asked{
			o.ask("valid, as far as keys can tell", "credential.txt", keys, "status-list.jwt", 0, verification.CannotTell),
			o.ask("tampered", "tampered.txt", keys, "", 0, verification.Tampered),
			o.ask("unknown key", "credential.txt", "unknown.json", "", 0, verification.CannotTell),
			o.ask("key of another register", "credential.txt", "of-others.json", "", 0, verification.UnknownIssuer),
			o.ask("distrusted key", "credential.txt", "distrusted.json", "", 0, verification.UnknownIssuer),
			o.ask("no credential", "trust.jwks.json", keys, "", 0, verification.Unreadable),
		}, asIs)
	})
	t.Run("compact", func(t *testing.T) {
		t.Parallel()
		o := newOffline(t, "qr")
		o.compact(t)
		const keys, list = "trust.jwks.json", "status-list.jwt"
		printed(t, "compact", append(o.inEveryCase(".url", list),
			o.ask("on a screen", "screen.url", keys, "", 0, verification.Valid),
			o.ask("on a screen, run out", "screen.url", keys, "", 3*time.Minute, verification.RunOut),
			o.ask("from the future", "credential.url", keys, list, -time.Hour, verification.CannotTell)), asIs)
	})
}

// pdfs signs the certificate again for the other places of the list.
func (o *offline) pdfs(t *testing.T) {
	t.Helper()
	o.write(t, "credential.pdf", o.file("certificate.pdf"))
	key, chain, err := o.certified("sample-document-2", "document")
	if err != nil {
		t.Fatal(err)
	}
	o.write(t, "trust.jwks.json", o.file("trust.jwks.json"))
	for name, index := range map[string]int{"revoked.pdf": placeRevoked, "suspended.pdf": placeSuspended} {
		p, err := o.prepared(chain, index)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := raw(key)(p.ToSign)
		if err != nil {
			t.Fatal(err)
		}
		document, err := o.seal(p, signature)
		if err != nil {
			t.Fatal(err)
		}
		o.write(t, name, document)
	}
}

// compact writes compact codes at the places of the list, one with another name in it, and one for a screen.
func (o *offline) compact(t *testing.T) {
	t.Helper()
	for name, c := range map[string]cose.Compact{
		"credential.url": {Status: &cose.Place{List: 1, Index: placeValid}}, "revoked.url": {Status: &cose.Place{List: 1, Index: placeRevoked}},
		"suspended.url": {Status: &cose.Place{List: 1, Index: placeSuspended}}, "screen.url": {ExpiresAt: goldenNow().Add(2 * time.Minute)},
	} {
		c.KID, c.IssuedAt, c.Facts = o.issuer.KID, goldenNow(), map[string]string{}
		for _, label := range []string{cose.QualificationName, cose.HolderName, cose.RegistrationNumber, cose.CertificateID, cose.IssuerName} {
			c.Facts[label] = o.facts.Labels[label]
		}
		toSign, err := c.EncodeCompact()
		if err != nil {
			t.Fatal(err)
		}
		if c.Signature, err = raw(o.key)(toSign); err != nil {
			t.Fatal(err)
		}
		message, err := c.Message()
		if err != nil {
			t.Fatal(err)
		}
		o.address(t, name, message)
		if name == "credential.url" {
			o.address(t, "tampered.url", bytes.Replace(message, []byte(o.facts.Number), []byte("654321"), 1))
		}
	}
}

func (o *offline) address(t *testing.T, name string, message []byte) {
	t.Helper()
	url, err := cose.CompactURL(sampleSite+"/w/", message)
	if err != nil {
		t.Fatal(err)
	}
	o.write(t, name, []byte(url))
}

// TestVerifyServiceGolden: what the command prints when the service is asked over a QR code, in each state of the credential.
func TestVerifyServiceGolden(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	still := *w.Verifier.DB
	still.Clock = clock.Fixed(goldenNow().Add(time.Hour))
	h, err := api.New(api.Config{Origin: "http://127.0.0.1", Log: slog.New(slog.DiscardHandler), Verifier: &verification.Verifier{DB: &still, Catalogue: w.Catalogue},
		Receiver: w.Receiver, Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey(),
		Prove: func(context.Context, []byte, http.Header) (payment.Event, error) {
			return payment.Event{}, fault.New(fault.Unauthenticated, "", "checking a payment callback")
		}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	code, err := held[0].Credential.URL("https://nobody.invalid/w/")
	if err != nil {
		t.Fatal(err)
	}
	message, err := cose.ParseURL(code)
	if err != nil {
		t.Fatal(err)
	}
	set := func(change string, args ...any) {
		t.Helper()
		if err := w.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), `update credential set `+change, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	set(`status_at = $1`, goldenNow().Add(30*time.Minute))
	ask := func(name, text string, want verification.Verdict, before func()) asked {
		return asked{name, VerifyCmd{Credential: text, Service: server.URL, Clock: still.Clock}, want, before}
	}
	changed := func(from, to string) string {
		return cose.URL(sampleSite+"/w/", bytes.Replace(message, []byte(from), []byte(to), 1))
	}
	into := func(state verification.Verdict) asked {
		return ask(string(state), code, state, func() { set(`prior_state = 'valid', state = $1`, string(state)) })
	}
	down := func() { still.Pool.Close() }
	nobody := asked{"nobody answers", VerifyCmd{Credential: code, Service: "http://127.0.0.1:1", Clock: still.Clock}, verification.CannotTell, nil}
	printed(t, "service", []asked{
		ask("valid", code, verification.Valid, nil), ask("tampered", changed("見本", "見木"), verification.Tampered, nil),
		ask("unknown key", changed("mhlw-test", "mhlw-none"), verification.UnknownIssuer, nil),
		into(verification.Suspended), into(verification.Revoked), into(verification.Replaced),
		ask("expired", code, verification.Expired, func() { set(`prior_state = 'suspended', state = 'valid', valid_until = '2026-11-30'`) }),
		ask("the register does not answer", code, verification.CannotTell, down), nobody,
	}, strings.NewReplacer(held[0].Credential.PublicID, goldenID))
}
