package jws_test

import (
	"akashi/internal/format/formattest"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

var profile = jws.Profile{Type: "test+jwt", Max: 4096}

// Another implementation reads what we sign, and we read what it signs.
func TestAnotherImplementation(t *testing.T) {
	key := formattest.Key(t)
	ours := formattest.Must[string](t)(jws.Make(jws.Header{Type: "test+jwt", KID: "K"}, []byte(`{"name":"海事 太郎"}`), formattest.Signer(key)))
	parsed := formattest.Must[*jose.JSONWebSignature](t)(jose.ParseSignedCompact(ours, []jose.SignatureAlgorithm{jose.ES256}))
	if payload := formattest.Must[[]byte](t)(parsed.Verify(&key.PublicKey)); string(payload) != `{"name":"海事 太郎"}` || parsed.Signatures[0].Header.KeyID != "K" {
		t.Errorf("they read %s of %s", payload, parsed.Signatures[0].Header.KeyID)
	}
	signer := formattest.Must[jose.Signer](t)(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("test+jwt")))
	theirs := formattest.Must[*jose.JSONWebSignature](t)(signer.Sign([]byte(`{"a":1}`)))
	token := formattest.Must[*jws.Token](t)(jws.Parse(formattest.Must[string](t)(theirs.CompactSerialize()), profile))
	if err := token.Verify(&key.PublicKey); err != nil || token.Claims["a"] != json.Number("1") {
		t.Errorf("we read %v, %v", token.Claims, err)
	}
}

func TestParseRefuses(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	header := b64([]byte(`{"alg":"ES256","typ":"test+jwt"}`))
	build := func(header, payload string) string { return b64([]byte(header)) + "." + b64([]byte(payload)) + ".AA" }
	for _, c := range []struct {
		name, token string
		want        jws.Refusal
	}{
		{"four parts", "a.b.c.d", jws.Malformed},
		{"padding", header + "==.e30.AA", jws.Malformed},
		{"spare bits", header + ".e31.AA", jws.Malformed},
		{"line break", header + ".e3\n0.AA", jws.Malformed},
		{"the alphabet of MIME", header + ".e30.+/+/", jws.Malformed},
		{"header no object", build(`[]`, `{}`), jws.Malformed},
		{"not UTF-8", build(`{"alg":"ES256","typ":"test+jwt"}`, "{\"a\":\"\xff\"}"), jws.Malformed},
		{"two values", build(`{"alg":"ES256","typ":"test+jwt"}`, `{}{}`), jws.Malformed},
		{"alg in small letters", build(`{"alg":"es256","typ":"test+jwt"}`, `{}`), jws.WrongAlgorithm},
		{"alg of another case of the name", build(`{"Alg":"ES256","typ":"test+jwt"}`, `{}`), jws.WrongAlgorithm},
		{"alg None", build(`{"alg":"None","typ":"test+jwt"}`, `{}`), jws.WrongAlgorithm},
		{"another type", build(`{"alg":"ES256","typ":"JWT"}`, `{}`), jws.WrongType},
		{"kid no text", build(`{"alg":"ES256","typ":"test+jwt","kid":1}`, `{}`), jws.Malformed},
		{"address of keys", build(`{"alg":"ES256","typ":"test+jwt","jku":"https://evil.example"}`, `{}`), jws.UnknownHeader},
		{"crit", build(`{"alg":"ES256","typ":"test+jwt","crit":["exp"]}`, `{}`), jws.UnknownHeader},
		{"x5c empty", build(`{"alg":"ES256","typ":"test+jwt","x5c":[]}`, `{}`), jws.BadChain},
		{"x5c no certificate", build(`{"alg":"ES256","typ":"test+jwt","x5c":["AAAA"]}`, `{}`), jws.BadChain},
		{"too long", strings.Repeat("a", 4097), jws.TooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := jws.Parse(c.token, profile); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := jws.Parse(build(`{"alg":"ES256","typ":"application/Test+JWT"}`, `{}`), profile); err != nil {
		t.Errorf("the type in another case, with its prefix: %v", err)
	}
}

// The key and thumbprint are compared with go-jose.
func TestJWK(t *testing.T) {
	key := formattest.Key(t)
	ours := formattest.Must[map[string]any](t)(jws.JWK(&key.PublicKey))
	text := formattest.Must[[]byte](t)(json.Marshal(ours))
	var theirs jose.JSONWebKey
	if err := json.Unmarshal(text, &theirs); err != nil || !key.PublicKey.Equal(theirs.Key) {
		t.Errorf("they read %v, %v", theirs.Key, err)
	}
	print := formattest.Must[string](t)(jws.Thumbprint(&key.PublicKey))
	want := formattest.Must[[]byte](t)(theirs.Thumbprint(crypto.SHA256))
	if print != base64.RawURLEncoding.EncodeToString(want) {
		t.Errorf("thumbprint %s", print)
	}
	if back := formattest.Must[*ecdsa.PublicKey](t)(jws.ReadJWK(ours)); !back.Equal(&key.PublicKey) {
		t.Error("the key is not the same when read again")
	}
	change := func(name string, v any) map[string]any {
		out := map[string]any{"kty": ours["kty"], "crv": ours["crv"], "x": ours["x"], "y": ours["y"]}
		out[name] = v
		return out
	}
	for name, v := range map[string]any{"nothing": nil, "private": change("d", "AA"), "another curve": change("crv", "P-384"), "RSA": change("kty", "RSA"),
		"short": change("x", "AA"), "no point": change("y", ours["x"]), "number": change("x", 1)} {
		if _, err := jws.ReadJWK(v); !errors.Is(err, jws.WrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p384 := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	if _, err := jws.JWK(&p384.PublicKey); !errors.Is(err, jws.WrongKey) {
		t.Errorf("writing another curve: %v", err)
	}
}

func certificate(t testing.TB, name string, key *ecdsa.PrivateKey, parent *x509.Certificate, by *ecdsa.PrivateKey, usage x509.KeyUsage) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, KeyUsage: usage, BasicConstraintsValid: true,
		IsCA: usage&x509.KeyUsageCertSign != 0, NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	if parent == nil {
		parent = c
	}
	return formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by))))
}

func TestTrusted(t *testing.T) {
	rootKey, key := formattest.Key(t), formattest.Key(t)
	root := certificate(t, "root", rootKey, nil, rootKey, x509.KeyUsageCertSign)
	leaf := certificate(t, "issuer", key, root, rootKey, x509.KeyUsageDigitalSignature)
	other := certificate(t, "for encryption", key, root, rootKey, x509.KeyUsageKeyEncipherment)
	own := certificate(t, "itself", key, nil, key, x509.KeyUsageDigitalSignature)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	token := formattest.Must[string](t)(jws.Make(jws.Header{Type: "test+jwt", Chain: []*x509.Certificate{leaf}}, []byte(`{}`), formattest.Signer(key)))
	parsed := formattest.Must[*jws.Token](t)(jws.Parse(token, profile))
	if got, err := jws.Trusted(parsed.Header.Chain, roots, at); err != nil || got.Subject.CommonName != "issuer" {
		t.Errorf("read %v, %v", got, err)
	}
	for _, c := range []struct {
		name  string
		chain []*x509.Certificate
		roots *x509.CertPool
		at    time.Time
	}{
		{"no chain", nil, roots, at},
		{"no roots", []*x509.Certificate{leaf}, nil, at},
		{"its own authority", []*x509.Certificate{own}, roots, at},
		{"not for signatures", []*x509.Certificate{other}, roots, at},
		{"ended", []*x509.Certificate{leaf}, roots, at.AddDate(1, 0, 0)},
		{"another root in the chain", []*x509.Certificate{own, own}, roots, at},
	} {
		if _, err := jws.Trusted(c.chain, c.roots, c.at); !errors.Is(err, jws.BadChain) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What Append writes, encoding/json reads as the same value.
func TestAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, number := rapid.String().Draw(t, "text"), rapid.Int64().Draw(t, "number")
		v := map[string]any{text: []any{text, nil, true, map[string]any{"a": text}}, "n": number, "list": []string{text}, "f": 1.5}
		got, err := jws.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal(plain, &b)); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Errorf("%s is not %s", x, y)
		}
	})
	if _, err := jws.Append(nil, "\xff"); !errors.Is(err, fault.Internal) {
		t.Errorf("text that is not UTF-8: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	key := formattest.Key(f)
	f.Add(formattest.Must[string](f)(jws.Make(jws.Header{Type: "test+jwt", KID: "K"}, []byte(`{"a":[1]}`), formattest.Signer(key))))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := jws.Parse(text, profile)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("an unclassified error: %v", err)
			}
			return
		}
		again, err := jws.Assemble(token.ToSign, append(make([]byte, 64-min(64, len(token.Signature))), token.Signature[:min(64, len(token.Signature))]...))
		if err != nil || !strings.HasPrefix(again, string(token.ToSign)) {
			t.Errorf("%v", err)
		}
	})
}
