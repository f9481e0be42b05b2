package httpsig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"akashi/internal/fault"
)

var (
	created = time.Unix(1764547200, 0)
	message = Message{Method: "POST", TargetURI: "https://verifier.example/hooks?x=1", ContentType: "application/json", Body: []byte(`{"state":"revoked"}`)}
	meant   = Parameters{Created: created, KeyID: "key-1", Tag: "akashi-webhook"}
)

func signer(t testing.TB) (*ecdsa.PrivateKey, func([]byte) ([]byte, error)) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, func(digest []byte) ([]byte, error) {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, err
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	}
}

// The base of RFC 9421 §2.5: one line a component, no line feed at the end.
func TestBase(t *testing.T) {
	got := string(base(message, Digest(message.Body), meant.text()))
	want := `"@method": POST
"@target-uri": https://verifier.example/hooks?x=1
"content-type": application/json
"content-digest": ` + Digest(message.Body) + `
"@signature-params": ("@method" "@target-uri" "content-type" "content-digest");created=1764547200;keyid="key-1";alg="ecdsa-p256-sha256";tag="akashi-webhook"`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The example of RFC 9530 appendix B.1 (its content ends in a line feed).
func TestDigest(t *testing.T) {
	if got, want := Digest([]byte("{\"hello\": \"world\"}\n")), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	key, sign := signer(t)
	_, other := signer(t)
	good, err := Sign(message, meant, sign)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := Sign(message, meant, other)
	if err != nil {
		t.Fatal(err)
	}
	later, err := Sign(message, Parameters{Created: created.Add(time.Hour), KeyID: "key-1", Tag: "akashi-webhook"}, sign)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := message
	elsewhere.TargetURI = "https://other.example/hooks"
	changed := message
	changed.Body = []byte(`{"state":"valid"}`)
	with := func(f func(*Headers)) Headers { h := good; f(&h); return h }
	for _, c := range []struct {
		name    string
		message Message
		headers Headers
		tag     string
		want    string
	}{
		{"good", message, good, "akashi-webhook", ""},
		{"another body", changed, good, "akashi-webhook", ReasonDigest},
		{"another body with its digest", changed, with(func(h *Headers) { h.ContentDigest = Digest(changed.Body) }), "akashi-webhook", ReasonSignature},
		{"another address", elsewhere, good, "akashi-webhook", ReasonSignature},
		{"no digest", message, with(func(h *Headers) { h.ContentDigest = "" }), "akashi-webhook", ReasonDigest},
		{"the digest is not signed", message, with(func(h *Headers) { h.SignatureInput = strings.Replace(h.SignatureInput, ` "content-digest"`, "", 1) }), "akashi-webhook", ReasonInput},
		{"another algorithm", message, with(func(h *Headers) { h.SignatureInput = strings.Replace(h.SignatureInput, Algorithm, "hmac-sha256", 1) }), "akashi-webhook", ReasonInput},
		{"two signatures", message, with(func(h *Headers) { h.SignatureInput += ", sig2=()" }), "akashi-webhook", ReasonInput},
		{"a parameter more", message, with(func(h *Headers) { h.SignatureInput += `;expires=1` }), "akashi-webhook", ReasonInput},
		{"made for another application", message, good, "payment", ReasonTag},
		{"from the future", message, later, "akashi-webhook", ReasonTime},
		{"an unknown key", message, with(func(h *Headers) { h.SignatureInput = strings.Replace(h.SignatureInput, "key-1", "key-2", 1) }), "akashi-webhook", ReasonKey},
		{"signed by another", message, foreign, "akashi-webhook", ReasonSignature},
		{"no signature", message, with(func(h *Headers) { h.Signature = "" }), "akashi-webhook", ReasonSignature},
		{"a short signature", message, with(func(h *Headers) { h.Signature = "sig1=:AAAA:" }), "akashi-webhook", ReasonSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Verify(c.message, c.headers, Check{Tag: c.tag, Now: created.Add(time.Minute), Window: 5 * time.Minute, Key: func(id string) *ecdsa.PublicKey {
				if id != "key-1" {
					return nil
				}
				return &key.PublicKey
			}})
			if c.want == "" {
				if err != nil || p != meant {
					t.Fatalf("got %+v, error %v", p, err)
				}
				return
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Key != c.want || f.Kind != fault.Unauthenticated {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestSignRefusesWhatCannotBeWritten(t *testing.T) {
	_, sign := signer(t)
	for _, p := range []Parameters{{KeyID: `a"b`, Tag: "t"}, {KeyID: "a", Tag: ""}, {KeyID: "a", Tag: "t\n"}} {
		if _, err := Sign(message, p, sign); !errors.Is(err, fault.Internal) {
			t.Errorf("%+v: got %v, want internal", p, err)
		}
	}
	if _, err := Sign(message, meant, func([]byte) ([]byte, error) { return []byte("short"), nil }); !errors.Is(err, fault.Internal) {
		t.Errorf("got %v, want internal", err)
	}
}

func FuzzVerify(f *testing.F) {
	key, sign := signer(f)
	good, err := Sign(message, meant, sign)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.ContentDigest, good.SignatureInput, good.Signature, message.Body)
	f.Add("", "sig1=()", "sig1=::", []byte{})
	f.Fuzz(func(t *testing.T, digest, input, signature string, body []byte) {
		m := message
		m.Body = body
		_, err := Verify(m, Headers{digest, input, signature}, Check{Tag: meant.Tag, Now: created, Window: time.Minute, Key: func(string) *ecdsa.PublicKey { return &key.PublicKey }})
		if err == nil && (string(body) != string(message.Body) || !strings.Contains(input, "created=1764547200;")) {
			t.Errorf("a signature was believed that nobody made: %s %s", input, signature)
		}
	})
}
