package tsp_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/format/cms"
	"akashi/internal/format/tsp"
)

var noon = time.Date(2026, 12, 1, 3, 0, 0, 123e6, time.UTC)

// usage is the value of extKeyUsage with timeStamping alone.
var usage = []byte{0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08}

type unit struct {
	ca, cert *x509.Certificate
	key      *ecdsa.PrivateKey
}

func newUnit(t testing.TB, change func(*x509.Certificate)) unit {
	t.Helper()
	make := func(c, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	keys := [2]*ecdsa.PrivateKey{}
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(9, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	ca := make(root, root, keys[0].Public(), keys[0])
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "TSA"}, NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 37}, Critical: true, Value: usage}}}
	if change != nil {
		change(leaf)
	}
	return unit{ca, make(leaf, ca, keys[1].Public(), keys[0]), keys[1]}
}

func (u unit) issue(t testing.TB, i tsp.Info) []byte {
	t.Helper()
	token, err := tsp.Issue(i, []*x509.Certificate{u.cert}, true, u.key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func info() tsp.Info {
	digest := sha256.Sum256([]byte("document"))
	return tsp.Info{Policy: []int{1, 2, 3}, Hash: crypto.SHA256, Imprint: digest[:], Serial: big.NewInt(77), Time: noon,
		Accuracy: 1500*time.Millisecond + 7*time.Microsecond, Ordering: true, Nonce: new(big.Int).Lsh(big.NewInt(5), 100)}
}

func TestRoundTrip(t *testing.T) {
	u := newUnit(t, nil)
	reply, err := tsp.Grant(u.issue(t, info()))
	if err != nil {
		t.Fatal(err)
	}
	token, err := tsp.ParseResponse(reply)
	if err != nil {
		t.Fatal(err)
	}
	got, want := token.Info, info()
	if !got.Time.Equal(want.Time) || got.Accuracy != want.Accuracy || !got.Ordering || got.Nonce.Cmp(want.Nonce) != 0 || got.Serial.Cmp(want.Serial) != 0 {
		t.Errorf("got %+v", got)
	}
	chain, err := token.Verify(want.Imprint, tsp.Trust{Anchors: []*x509.Certificate{u.ca}})
	if err != nil || len(chain) != 2 {
		t.Errorf("%v", err)
	}
}

func TestRequest(t *testing.T) {
	digest := sha256.Sum256(nil)
	for _, q := range []tsp.Request{
		{Hash: crypto.SHA256, Imprint: digest[:]},
		{Hash: crypto.SHA256, Imprint: digest[:], Policy: []int{1, 2, 3}, Nonce: big.NewInt(9), Certs: true},
	} {
		der, err := q.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := tsp.ParseRequest(der)
		if err != nil || got.Certs != q.Certs || !got.Policy.Equal(q.Policy) || (got.Nonce == nil) != (q.Nonce == nil) || !bytes.Equal(got.Imprint, q.Imprint) {
			t.Errorf("%v, %+v", err, got)
		}
		for _, broken := range [][]byte{nil, der[:len(der)-1], append(bytes.Clone(der), 0), bytes.Replace(der, []byte{2, 1, 1}, []byte{2, 1, 2}, 1)} {
			if _, err := tsp.ParseRequest(broken); !errors.Is(err, tsp.ErrForm) {
				t.Errorf("%x: %v", broken, err)
			}
		}
	}
	if _, err := (tsp.Request{Hash: crypto.SHA256, Imprint: digest[:31]}).Marshal(); !errors.Is(err, tsp.ErrForm) {
		t.Errorf("a short digest: %v", err)
	}
}

func TestFailures(t *testing.T) {
	for bit, passing := range map[tsp.FailureBit]bool{tsp.BadAlgorithm: false, tsp.BadDataFormat: false, tsp.TimeNotAvailable: true,
		tsp.UnacceptedPolicy: false, tsp.AddInfoNotAvailable: false, tsp.SystemFailure: true} {
		der, err := tsp.Refuse(bit)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tsp.ParseResponse(der)
		var f *tsp.Failure
		if !errors.As(err, &f) || f.Bit != bit || f.Status != tsp.Rejection || f.Passing() != passing || !errors.Is(err, tsp.ErrRefused) {
			t.Errorf("%d: %v", bit, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	good := newUnit(t, nil)
	other := newUnit(t, nil)
	imprint := info().Imprint
	for name, c := range map[string]struct {
		unit   unit
		change func(token []byte) []byte
		trust  tsp.Trust
		digest []byte
		want   error
	}{
		"another digest":       {unit: good, digest: make([]byte, 32), want: tsp.ErrImprint},
		"spoilt":               {unit: good, change: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, want: cms.ErrSignature},
		"another time":         {unit: good, change: func(b []byte) []byte { return bytes.Replace(b, []byte("20261201"), []byte("20261202"), 1) }, want: cms.ErrDigest},
		"another anchor":       {unit: good, trust: tsp.Trust{Anchors: []*x509.Certificate{other.ca}}, want: tsp.ErrCertificate},
		"no anchor":            {unit: good, trust: tsp.Trust{Anchors: []*x509.Certificate{}}, want: tsp.ErrCertificate},
		"later than it lives":  {unit: good, trust: tsp.Trust{Anchors: []*x509.Certificate{good.ca}, At: noon.AddDate(2, 0, 0)}, want: tsp.ErrCertificate},
		"purpose not critical": {unit: newUnit(t, func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false }), want: tsp.ErrCertificate},
		"no purpose":           {unit: newUnit(t, func(c *x509.Certificate) { c.ExtraExtensions = nil }), want: tsp.ErrCertificate},
		"two purposes": {unit: newUnit(t, func(c *x509.Certificate) {
			c.ExtraExtensions[0].Value = []byte{0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04}
		}), want: tsp.ErrCertificate},
		"for agreement of keys": {unit: newUnit(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), want: tsp.ErrCertificate},
	} {
		raw := c.unit.issue(t, info())
		if c.change != nil {
			raw = c.change(raw)
		}
		token, err := tsp.ParseToken(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.trust.Anchors == nil {
			c.trust.Anchors = []*x509.Certificate{c.unit.ca}
		}
		if c.digest == nil {
			c.digest = imprint
		}
		if _, err := token.Verify(c.digest, c.trust); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// OpenSSL as an authority answers our request, and its token is believed; ours is believed by OpenSSL (format/pades).
func TestOpenSSLAnswers(t *testing.T) {
	u := newUnit(t, nil)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	digest := sha256.Sum256([]byte("document"))
	q := tsp.Request{Hash: crypto.SHA256, Imprint: digest[:], Nonce: new(big.Int).Lsh(big.NewInt(7), 64), Certs: true}
	query, err := q.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(u.key)
	if err != nil {
		t.Fatal(err)
	}
	config := `[tsa]
default_tsa = unit
[unit]
serial = ` + path("serial") + `
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`
	for name, b := range map[string][]byte{"query": query, "config": []byte(config), "serial": []byte("1000\n"),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.cert.Raw}), "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})} {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("openssl", "ts", "-reply", "-queryfile", path("query"), "-config", path("config"), "-section", "unit", "-signer", path("cert.pem"),
		"-inkey", path("key.pem"), "-sha256", "-out", path("reply")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reply, err := os.ReadFile(path("reply"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := tsp.ParseResponse(reply)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Matches(q); err != nil {
		t.Error(err)
	}
	if _, err := token.Verify(digest[:], tsp.Trust{Anchors: []*x509.Certificate{u.ca}, At: noon}); err != nil {
		t.Error(err)
	}
	if i := token.Info; i.Accuracy != 1500*time.Millisecond+100*time.Microsecond || !i.Ordering || i.Serial.Int64() != 0x1001 && i.Serial.Int64() != 0x1000 {
		t.Errorf("read %+v", i)
	}
	text, err := exec.Command("openssl", "ts", "-query", "-in", path("query"), "-text").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "Certificate required: yes") || !strings.Contains(string(text), "sha256") {
		t.Errorf("OpenSSL reads our request: %v\n%s", err, text)
	}
}

func FuzzParse(f *testing.F) {
	u := newUnit(f, nil)
	token := u.issue(f, info())
	grant, err := tsp.Grant(token)
	if err != nil {
		f.Fatal(err)
	}
	refusal, err := tsp.Refuse(tsp.BadAlgorithm)
	if err != nil {
		f.Fatal(err)
	}
	query, err := (tsp.Request{Hash: crypto.SHA256, Imprint: info().Imprint, Nonce: big.NewInt(4), Certs: true}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{token, grant, refusal, query} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if q, err := tsp.ParseRequest(der); err == nil {
			again, err := q.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := tsp.ParseRequest(again); err != nil || !bytes.Equal(back.Imprint, q.Imprint) {
				t.Fatalf("%v, %+v", err, back)
			}
		}
		for _, parse := range []func([]byte) (*tsp.Token, error){tsp.ParseResponse, tsp.ParseToken} {
			if token, err := parse(der); err == nil {
				if _, err := token.Verify(token.Info.Imprint, tsp.Trust{Anchors: []*x509.Certificate{u.ca}}); err != nil && token.Info.Serial == nil {
					t.Fatal("a token without serial number")
				}
			}
		}
	})
}
