package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"testing"

	"akashi/internal/format/cms"
	"akashi/internal/format/formattest"
)

// attributed is a signature over the content with attributes, and the certificate of its maker.
func attributed(t testing.TB, serial int64) (*cms.Attributed, *x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(selfSigned(t, key, serial))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(content))
	signed, err := cms.ToSign(cms.TypeData(), digest[:], cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	a, err := cms.NewAttributed(cms.TypeData(), nil, signed, signECDSA(t, key, signed), []*x509.Certificate{cert})
	if err != nil {
		t.Fatal(err)
	}
	return a, cert, key
}

func signECDSA(t testing.TB, key *ecdsa.PrivateKey, b []byte) []byte {
	t.Helper()
	der, err := cms.RawECDSA(formattest.Sign(t, key, b))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func encoded(t testing.TB, a *cms.Attributed) []byte {
	t.Helper()
	der, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestAttributed(t *testing.T) {
	a, cert, _ := attributed(t, 3)
	a.Unsigned = []cms.Attribute{{Type: cms.TypeTimestamp(), Value: []byte{0x30, 0}}}
	der := encoded(t, a)
	got, err := cms.ParseAttributed(der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoded(t, got), der) || len(got.Unsigned) != 1 || got.Content != nil {
		t.Errorf("read %+v", got)
	}
	found, err := got.SignerCertificate()
	if err != nil || !found.Equal(cert) {
		t.Errorf("certificate: %v", err)
	}
	digest := sha256.Sum256([]byte(content))
	if err := got.Verify(digest[:], cert); err != nil {
		t.Error(err)
	}
}

// Neither form is read as the other.
func TestFormsApart(t *testing.T) {
	a, _, _ := attributed(t, 3)
	if _, err := cms.Parse(encoded(t, a)); !errors.Is(err, cms.ErrForm) {
		t.Errorf("attributes read as a card's signature: %v", err)
	}
	key, cert := signer(t, 4)
	if _, err := cms.ParseAttributed(build(t, key, cert)); !errors.Is(err, cms.ErrAttributes) {
		t.Errorf("a card's signature read as one with attributes: %v", err)
	}
}

func TestAttributedRefuses(t *testing.T) {
	a, cert, key := attributed(t, 5)
	_, other, _ := attributed(t, 5)
	digest := sha256.Sum256([]byte(content))
	wrong := sha256.Sum256(nil)
	der := encoded(t, a)
	for name, c := range map[string]struct {
		der  []byte
		want error
	}{
		"empty":             {nil, cms.ErrForm},
		"cut":               {der[:len(der)-1], cms.ErrForm},
		"more":              {append(bytes.Clone(der), 0), cms.ErrForm},
		"indefinite length": {append([]byte{0x30, 0x80}, der[4:]...), cms.ErrForm},
		"too large":         {make([]byte, cms.MaxSize+1), cms.ErrTooLarge},
		"SHA-1":             {bytes.Replace(der, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1}, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 9}, 1), cms.ErrAlgorithm},
		"ECDSA with SHA-1":  {replaceLast(der, []byte{0xce, 0x3d, 4, 3, 2}, []byte{0xce, 0x3d, 4, 3, 9}), cms.ErrAlgorithm},
	} {
		if _, err := cms.ParseAttributed(c.der); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		digest []byte
		cert   *x509.Certificate
		want   error
	}{
		"another digest":      {wrong[:], cert, cms.ErrDigest},
		"another certificate": {digest[:], other, cms.ErrSigningCertificate},
	} {
		if err := a.Verify(c.digest, c.cert); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	foreign := *a
	foreign.Signature = signECDSA(t, key, []byte("something else"))
	if err := foreign.Verify(digest[:], cert); !errors.Is(err, cms.ErrSignature) {
		t.Errorf("signature of something else: %v", err)
	}
	rsaKey, rsaCert := signer(t, 6)
	parsed, err := x509.ParseCertificate(rsaCert)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cms.NewAttributed(cms.TypeData(), nil, a.Signed, sign(t, rsaKey, content), []*x509.Certificate{parsed}); !errors.Is(err, cms.ErrAlgorithm) {
		t.Errorf("an RSA key: %v", err)
	}
	if _, err := cms.RawECDSA(make([]byte, 63)); !errors.Is(err, cms.ErrSignature) {
		t.Errorf("63 bytes: %v", err)
	}
	// A digest by another algorithm than the one that the signature names.
	mixed := *a
	mixed.Hash = crypto.SHA512
	if got, err := cms.ParseAttributed(encoded(t, &mixed)); !errors.Is(err, cms.ErrAlgorithm) {
		t.Errorf("mixed algorithms: %+v, %v", got, err)
	}
}

func FuzzParseAttributed(f *testing.F) {
	a, cert, _ := attributed(f, 5)
	f.Add(encoded(f, a))
	a.Unsigned = []cms.Attribute{{Type: cms.TypeTimestamp(), Value: []byte{0x30, 0}}}
	a.ContentType, a.Content = []int{1, 2, 840, 113549, 1, 9, 16, 1, 4}, []byte{1}
	f.Add(encoded(f, a))
	f.Fuzz(func(t *testing.T, der []byte) {
		a, err := cms.ParseAttributed(der)
		if err != nil {
			return
		}
		again, err := a.Encode()
		if err != nil {
			if errors.Is(err, cms.ErrTooLarge) {
				return
			}
			t.Fatal(err)
		}
		if _, err := cms.ParseAttributed(again); err != nil {
			t.Fatalf("%v: %x", err, again)
		}
		if wrong := sha256.Sum256(nil); a.Verify(wrong[:], cert) == nil {
			t.Fatal("a signature over nothing that was signed")
		}
	})
}
