package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
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
)

const content = `{"procedure":"registration","name":"佐賀　花子"}`

// signer is a key with a self-signed certificate.
func signer(t testing.TB, serial int64) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key, selfSigned(t, key, serial)
}

func selfSigned(t testing.TB, key crypto.Signer, serial int64) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "署名者", Country: []string{"JP"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func sign(t testing.TB, key *rsa.PrivateKey, content string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(content))
	s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func build(t testing.TB, key *rsa.PrivateKey, cert []byte) []byte {
	t.Helper()
	der, err := cms.Build(sign(t, key, content), cert)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestRoundTrip(t *testing.T) {
	key, cert := signer(t, 1<<40)
	d, err := cms.Verify([]byte(content), build(t, key, cert))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.Certificate, cert) || !bytes.Equal(d.Signature, sign(t, key, content)) || d.Serial.Int64() != 1<<40 {
		t.Errorf("read %+v", d)
	}
}

func TestBuildRefuses(t *testing.T) {
	key, cert := signer(t, 1)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		signature, cert []byte
		want            error
	}{
		"short signature":   {sign(t, key, content)[1:], cert, cms.ErrSignature},
		"no certificate":    {sign(t, key, content), nil, cms.ErrCertificate},
		"certificate, more": {sign(t, key, content), append(bytes.Clone(cert), 0), cms.ErrCertificate},
		"elliptic curve":    {sign(t, key, content), selfSigned(t, ec, 1), cms.ErrCertificate},
	} {
		if _, err := cms.Build(c.signature, c.cert); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	key, cert := signer(t, 7)
	_, otherCert := signer(t, 7)
	good := build(t, key, cert)
	stranger, err := cms.Build(sign(t, key, content), otherCert)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Clone(good)
	spoilt[len(spoilt)-1] ^= 1
	for name, c := range map[string]struct {
		content string
		der     []byte
		want    error
	}{
		"another content":       {content + "\n", good, cms.ErrSignature},
		"another's key":         {content, stranger, cms.ErrSignature},
		"spoilt signature":      {content, spoilt, cms.ErrSignature},
		"attributes as text":    {"1\x00", good, cms.ErrContent},
		"cut":                   {content, good[:len(good)-1], cms.ErrForm},
		"more":                  {content, append(bytes.Clone(good), 0), cms.ErrForm},
		"empty":                 {content, nil, cms.ErrForm},
		"too large":             {content, make([]byte, cms.MaxSize+1), cms.ErrTooLarge},
		"other serial":          {content, replaceLast(good, []byte{2, 1, 7}, []byte{2, 1, 8}), cms.ErrSigner},
		"other issuer":          {content, replaceLast(good, []byte("署名者"), []byte("著名者")), cms.ErrSigner},
		"version 3":             {content, bytes.Replace(good, []byte{2, 1, 1, 0x31}, []byte{2, 1, 3, 0x31}, 1), cms.ErrForm},
		"SHA-512":               {content, bytes.ReplaceAll(good, []byte{0x65, 3, 4, 2, 1}, []byte{0x65, 3, 4, 2, 3}), cms.ErrForm},
		"RSA with SHA-512":      {content, replaceLast(good, []byte{0xf7, 13, 1, 1, 11}, []byte{0xf7, 13, 1, 1, 13}), cms.ErrForm},
		"envelopedData":         {content, bytes.Replace(good, []byte{0xf7, 13, 1, 7, 2}, []byte{0xf7, 13, 1, 7, 3}, 1), cms.ErrForm},
		"indefinite length":     {content, append([]byte{0x30, 0x80}, good[4:]...), cms.ErrForm},
		"content of other kind": {content, bytes.Replace(good, []byte{0xf7, 13, 1, 7, 1}, []byte{0xf7, 13, 1, 7, 2}, 1), cms.ErrForm},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cms.Verify([]byte(c.content), c.der); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// replaceLast replaces the last occurrence of old.
func replaceLast(b, old, new []byte) []byte {
	at := bytes.LastIndex(b, old)
	return append(append(bytes.Clone(b[:at]), new...), b[at+len(old):]...)
}

// OpenSSL accepts what Build writes, refuses it over other content, and what OpenSSL writes with signed attributes is
// refused here.
func TestOpenSSL(t *testing.T) {
	key, cert := signer(t, 99)
	dir := t.TempDir()
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, b := range map[string][]byte{
		"content": []byte(content), "other": []byte(content + " "), "sig.der": build(t, key, cert),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	} {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(content string) (string, error) {
		out, err := exec.Command("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", path("sig.der"),
			"-content", path(content), "-CAfile", path("cert.pem"), "-purpose", "any", "-out", path("out")).CombinedOutput()
		return string(out), err
	}
	if out, err := verify("content"); err != nil || !strings.Contains(out, "successful") {
		t.Errorf("OpenSSL refuses it: %v\n%s", err, out)
	}
	if out, err := verify("other"); err == nil || !strings.Contains(out, "verification failure") {
		t.Errorf("OpenSSL accepts other content: %v\n%s", err, out)
	}
	for flag, want := range map[string]error{"-noattr": nil, "-nosmimecap": cms.ErrForm} {
		out, err := exec.Command("openssl", "cms", "-sign", "-binary", "-md", "sha256", flag, "-outform", "DER", "-in", path("content"),
			"-signer", path("cert.pem"), "-inkey", path("key.pem"), "-out", path("theirs.der")).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		theirs, err := os.ReadFile(path("theirs.der"))
		if err != nil {
			t.Fatal(err)
		}
		// OpenSSL names the algorithm rsaEncryption where we name RSA with SHA-256 (RFC 5754 §3.2 allows both).
		theirs = replaceLast(theirs, []byte{0xf7, 13, 1, 1, 1}, []byte{0xf7, 13, 1, 1, 11})
		if _, err := cms.Verify([]byte(content), theirs); !errors.Is(err, want) {
			t.Errorf("OpenSSL's own with %s: %v, want %v", flag, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	key, cert := signer(f, 5)
	f.Add(build(f, key, cert))
	f.Fuzz(func(t *testing.T, der []byte) {
		d, err := cms.Parse(der)
		if err != nil {
			return
		}
		again, err := cms.Build(d.Signature, d.Certificate)
		if err != nil {
			if !errors.Is(err, cms.ErrSignature) { // a signature of another length is found out by Verify
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(again, der) {
			t.Errorf("another encoding of the same: %x", der)
		}
	})
}
