package ca_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
)

func hanako() ca.Card {
	return ca.Card{
		ID: "hanako", Name: "佐賀　花子", BirthDate: "2003-04-05", Sex: jpki.Female, Address: "佐賀県佐賀市城内一丁目１番５９号",
		Prefecture: "Saga-ken", City: "Saga-shi", PIN: "1234", Password: "ABC123",
	}
}

// bench is a CA, a signer's credential and a verifier that trusts the CA, all at one moment.
type bench struct {
	*ca.CA
	clock *clock.Adjustable
	ctx   context.Context
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c := &clock.Adjustable{}
	c.Set(time.Date(2026, 11, 21, 10, 0, 0, 0, clock.JST))
	authority, err := ca.New(ca.Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{authority, c, t.Context()}
}

func (b *bench) verifier() *jpki.Verifier {
	return &jpki.Verifier{
		Anchors: []*x509.Certificate{b.Anchor(ca.Signing)}, Now: b.clock.Now,
		CRLs: func(_ context.Context, p jpki.Point) ([]byte, error) { return b.CRL(ca.Signing, p) },
	}
}

func (b *bench) issue(t *testing.T, card ca.Card, changes ...func(*ca.Template)) ca.Credential {
	t.Helper()
	c, err := b.IssueSigning(card, changes...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sign(t *testing.T, c ca.Credential, content string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(content))
	signature, err := rsa.SignPKCS1v15(nil, c.Key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

const content = `{"procedure":"registration"}`

func TestSoundSignature(t *testing.T) {
	b := newBench(t)
	c := b.issue(t, hanako())
	s, err := b.verifier().Verify(b.ctx, []byte(content), sign(t, c, content), c.Certificate, b.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "佐賀　花子" || s.BirthDate != "2003-04-05" || s.BirthRaw != "420030405" || s.Sex != jpki.Female ||
		s.Address != "佐賀県佐賀市城内一丁目１番５９号" || s.NameAlt != "00000" {
		t.Errorf("read %+v", s)
	}
	if want := time.Date(2031, 4, 5, 23, 59, 59, 0, clock.JST); !s.NotAfter.Equal(want) {
		t.Errorf("valid until %v, want the end of the fifth birthday %v", s.NotAfter, want)
	}
	if err := s.SamePerson(jpki.Particulars{Name: "佐賀 花子", BirthDate: "2003-04-05", Sex: jpki.Female}); err != nil {
		t.Error(err)
	}
}

// Each broken variant is refused with its own reason.
func TestVariants(t *testing.T) {
	b := newBench(t)
	for name, variant := range ca.Variants() {
		t.Run(name, func(t *testing.T) {
			card := hanako()
			card.Variant = name
			c := b.issue(t, card)
			_, err := b.verifier().Verify(b.ctx, []byte(content), sign(t, c, content), c.Certificate, b.clock.Now())
			wantReason(t, err, variant.Reason)
		})
	}
	if _, err := b.IssueSigning(ca.Card{BirthDate: "2000-01-01", Variant: "none-such"}); err == nil {
		t.Error("an unknown variant is issued")
	}
}

// wantReason sees that err is a refusal for the reason, with its kind and its message.
func wantReason(t *testing.T, err error, want jpki.Reason) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != want.Kind() || f.Key != "signature.refused."+string(want) {
		t.Errorf("fault %+v does not fit %v", f, want)
	}
	if !strings.Contains(err.Error(), string(want)) {
		t.Errorf("%q does not name %q", err, want)
	}
}

func TestSignatureRefused(t *testing.T) {
	b := newBench(t)
	c := b.issue(t, hanako())
	good := sign(t, c, content)
	digest := sha256.Sum256([]byte(content))
	bare, err := rsa.SignPKCS1v15(nil, c.Key, 0, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	pss, err := rsa.SignPSS(rand.Reader, c.Key, crypto.SHA256, digest[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	otherKey := sign(t, b.issue(t, hanako()), content)
	for name, tc := range map[string]struct {
		content   string
		signature []byte
		want      jpki.Reason
	}{
		"another content":   {content + " ", good, jpki.BadSignature},
		"another key":       {content, otherKey, jpki.BadSignature},
		"cut":               {content, good[1:], jpki.BadSignature},
		"empty":             {content, nil, jpki.BadSignature},
		"PSS":               {content, pss, jpki.BadSignature},
		"digest without ID": {content, bare, jpki.BareDigest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.verifier().Verify(b.ctx, []byte(tc.content), tc.signature, c.Certificate, b.clock.Now())
			wantReason(t, err, tc.want)
		})
	}
}

func TestIssuerRefused(t *testing.T) {
	b, other := newBench(t), newBench(t)
	c := b.issue(t, hanako())
	signature := sign(t, c, content)
	verify := func(at time.Time, anchors ...*x509.Certificate) error {
		v := b.verifier()
		v.Anchors = anchors
		_, err := v.Verify(b.ctx, []byte(content), signature, c.Certificate, at)
		return err
	}
	now := b.clock.Now()
	wantReason(t, verify(now), jpki.UnknownIssuer)
	wantReason(t, verify(now, other.Anchor(ca.Signing)), jpki.UnknownIssuer)
	wantReason(t, verify(now, b.Anchor(ca.Authentication)), jpki.UnknownIssuer)
	wantReason(t, verify(now.AddDate(8, 0, 0), b.Anchor(ca.Signing)), jpki.AnchorNotValid)
	wantReason(t, verify(now.AddDate(6, 0, 0), b.Anchor(ca.Signing)), jpki.Expired)
	wantReason(t, verify(now.AddDate(0, -2, 0), b.Anchor(ca.Signing)), jpki.NotYetValid)
	if err := verify(now, other.Anchor(ca.Signing), b.Anchor(ca.Signing)); err != nil {
		t.Errorf("of two generations the right one is not found: %v", err)
	}

	notCA := selfSigned(t, b.Anchor(ca.Signing), func(x *x509.Certificate) { x.IsCA = false })
	wantReason(t, verify(now, notCA), jpki.AnchorNotCA)
	noCertSign := selfSigned(t, b.Anchor(ca.Signing), func(x *x509.Certificate) { x.KeyUsage = x509.KeyUsageCRLSign })
	wantReason(t, verify(now, noCertSign), jpki.AnchorNotCA)
	sameName := selfSigned(t, b.Anchor(ca.Signing), func(*x509.Certificate) {})
	wantReason(t, verify(now, sameName), jpki.ForgedCertificate)

	card := b.issueAuthentication(t)
	_, err := b.verifier().Verify(b.ctx, []byte(content), sign(t, card, content), card.Certificate, now)
	wantReason(t, err, jpki.WrongPolicy)
	_, err = b.verifier().Verify(b.ctx, []byte(content), signature, []byte("no certificate"), now)
	wantReason(t, err, jpki.MalformedCertificate)
	_, err = b.verifier().Verify(b.ctx, []byte(content), signature, ecCertificate(t), now)
	wantReason(t, err, jpki.WrongAlgorithm)
}

func (b *bench) issueAuthentication(t *testing.T) ca.Credential {
	t.Helper()
	c, err := b.IssueAuthentication(hanako())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// selfSigned is a certificate with the names and identifiers of like, but another key.
func selfSigned(t *testing.T, like *x509.Certificate, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: like.RawSubject, SubjectKeyId: like.SubjectKeyId, NotBefore: like.NotBefore,
		NotAfter: like.NotAfter, KeyUsage: like.KeyUsage, BasicConstraintsValid: true, IsCA: true,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func ecCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestRevocation(t *testing.T) {
	b := newBench(t)
	c, neighbour := b.issue(t, hanako()), b.issue(t, hanako())
	signature, signed := sign(t, c, content), b.clock.Now()
	b.clock.Advance(time.Hour)
	if err := b.Revoke(ca.Signing, c.Certificate); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Second)
	verify := func(at time.Time) error {
		_, err := b.verifier().Verify(b.ctx, []byte(content), signature, c.Certificate, at)
		return err
	}
	wantReason(t, verify(b.clock.Now()), jpki.Revoked)
	if err := verify(signed); err != nil {
		t.Errorf("signed before the revocation: %v", err)
	}
	if !b.Revoked(ca.Signing, c.Certificate) || b.Revoked(ca.Signing, neighbour.Certificate) {
		t.Error("the list names the wrong certificate")
	}
	if _, err := b.verifier().Verify(b.ctx, []byte(content), sign(t, neighbour, content), neighbour.Certificate, b.clock.Now()); err != nil {
		t.Errorf("another certificate of the same list: %v", err)
	}
}

func TestListRefused(t *testing.T) {
	b, other := newBench(t), newBench(t)
	c := b.issue(t, hanako())
	elsewhere := hanako()
	elsewhere.City = "Karatsu-shi"
	far, err := ca.PointOf(b.issue(t, elsewhere).Certificate)
	if err != nil {
		t.Fatal(err)
	}
	other.issue(t, hanako())
	signature := sign(t, c, content)
	broken := func(change func(*x509.RevocationList)) func(context.Context, jpki.Point) ([]byte, error) {
		return func(_ context.Context, p jpki.Point) ([]byte, error) { return b.CRL(ca.Signing, p, change) }
	}
	now := b.clock.Now()
	for name, tc := range map[string]struct {
		list func(context.Context, jpki.Point) ([]byte, error)
		want jpki.Reason
	}{
		"server down":   {func(context.Context, jpki.Point) ([]byte, error) { return nil, errors.New("no route") }, jpki.CRLUnavailable},
		"no list":       {func(context.Context, jpki.Point) ([]byte, error) { return []byte("<html>"), nil }, jpki.CRLMalformed},
		"other point":   {func(context.Context, jpki.Point) ([]byte, error) { return b.CRL(ca.Signing, far) }, jpki.CRLOtherPoint},
		"other key":     {func(_ context.Context, p jpki.Point) ([]byte, error) { return other.CRL(ca.Signing, p) }, jpki.CRLForged},
		"past":          {broken(func(l *x509.RevocationList) { l.NextUpdate = now.Add(-time.Hour); l.ThisUpdate = now.AddDate(0, 0, -1) }), jpki.CRLStale},
		"future":        {broken(func(l *x509.RevocationList) { l.ThisUpdate = now.Add(time.Hour) }), jpki.CRLStale},
		"without scope": {broken(func(l *x509.RevocationList) { l.ExtraExtensions = nil }), jpki.CRLOtherPoint},
		"delta": {broken(func(l *x509.RevocationList) {
			l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}})
		}), jpki.CRLMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.verifier()
			v.CRLs = tc.list
			_, err := v.Verify(b.ctx, []byte(content), signature, c.Certificate, now)
			wantReason(t, err, tc.want)
		})
	}
}

func TestListOverHTTP(t *testing.T) {
	b := newBench(t)
	point, err := ca.PointOf(b.issue(t, hanako()).Certificate)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	for path, want := range map[string]int{
		"/crl/signing?point=" + base64.RawURLEncoding.EncodeToString(point.Raw): http.StatusOK,
		"/crl/signing?point=AAAA":  http.StatusNotFound,
		"/crl/signing?point=%25":   http.StatusNotFound,
		"/crl/none-such?point=AAA": http.StatusNotFound,
	} {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestKeysOutliveARestart(t *testing.T) {
	cfg := ca.Config{Clock: clock.System{}, Dir: t.TempDir()}
	first, err := ca.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ca.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Anchor(ca.Signing).Equal(second.Anchor(ca.Signing)) {
		t.Error("the restarted authority is another one")
	}
	path := filepath.Join(cfg.Dir, "signing-ca.pem")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.New(cfg); err == nil {
		t.Error("a spoilt key file is accepted")
	}
}

// OpenSSL reads the certificate as the profile has it, and follows its chain.
func TestOpenSSLAgrees(t *testing.T) {
	b := newBench(t)
	c := b.issue(t, hanako())
	dir := t.TempDir()
	anchor, leaf := filepath.Join(dir, "anchor.pem"), filepath.Join(dir, "leaf.pem")
	for path, der := range map[string][]byte{anchor: b.Anchor(ca.Signing).Raw, leaf: c.Certificate} {
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := openssl(t, "x509", "-in", leaf, "-noout", "-text", "-nameopt", "RFC2253,utf8")
	for _, want := range []string{
		"Issuer: OU=Japan Agency for Local Authority Information Systems (simulation),OU=JPKI for digital signature,O=JPKI (simulation),C=JP",
		"L=Saga-shi,L=Saga-ken,C=JP", "X509v3 Key Usage: critical", "Digital Signature, Non Repudiation",
		"Policy: 1.2.392.200149.8.5.1.1.20", "othername: 1.2.392.200149.8.5.5.4::420030405", "othername: 1.2.392.200149.8.5.5.2::00000",
		"DirName:C = JP, O = JPKI (simulation), OU = JPKI for digital signature, OU = CRL Distribution Points, OU = Saga-ken, CN = Saga-shi",
		"Public-Key: (2048 bit)", "sha256WithRSAEncryption",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("OpenSSL does not show %q in\n%s", want, text)
		}
	}
	at := b.clock.Now().Unix()
	openssl(t, "verify", "-attime", big.NewInt(at).String(), "-CAfile", anchor, leaf)
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func FuzzParse(f *testing.F) {
	c := clock.Fixed(time.Date(2026, 11, 21, 10, 0, 0, 0, clock.JST))
	authority, err := ca.New(ca.Config{Clock: c})
	if err != nil {
		f.Fatal(err)
	}
	for _, variant := range []string{"", "no-particulars", "is-ca"} {
		card := hanako()
		card.Variant = variant
		credential, err := authority.IssueSigning(card)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(credential.Certificate)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := jpki.Parse(der)
		var refusal *jpki.Refusal
		switch {
		case err != nil && !errors.As(err, &refusal):
			t.Errorf("%v is no refusal", err)
		case err == nil && (s.Name == "" || len(s.NameAlt) == 0 || s.Serial == ""):
			t.Errorf("read %+v", s)
		}
	})
}
