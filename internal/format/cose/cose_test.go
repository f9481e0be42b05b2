package cose_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/format/cose"

	"github.com/fxamacker/cbor/v2"
	gocose "github.com/veraison/go-cose"
	"pgregory.net/rapid"
)

func facts() map[string]string {
	return map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: "海事\u3000太郎", cose.HolderBirthDate: "1998-04-01",
		cose.RegistrationNumber: "第1234567号", cose.IssueDate: "2026-12-01", cose.IssuingBody: "厚生労働省",
	}
}

// sign makes a message with our own encoder and a signature of the given key.
func sign(t testing.TB, key crypto.Signer, alg cose.Algorithm) []byte {
	t.Helper()
	protected := formattest.Must[[]byte](t)(cose.EncodeProtected(alg))
	payload := formattest.Must[[]byte](t)(cose.EncodePayload(facts()))
	tbs := formattest.Must[[]byte](t)(cose.ToBeSigned(protected, payload))
	var signature []byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		signature = formattest.Sign(t, key, tbs)
	case *rsa.PrivateKey:
		digest := sha256.Sum256(tbs)
		signature = formattest.Must[[]byte](t)(rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32}))
	}
	return formattest.Must[[]byte](t)(cose.Assemble(protected, "P-000001", payload, signature))
}

func TestOurMessageInAnotherImplementation(t *testing.T) {
	key := formattest.Key(t)
	rsaKey := formattest.Must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	for _, c := range []struct {
		name   string
		key    crypto.Signer
		alg    cose.Algorithm
		theirs gocose.Algorithm
	}{{"ES256", key, cose.ES256, gocose.AlgorithmES256}, {"PS256", rsaKey, cose.PS256, gocose.AlgorithmPS256}} {
		t.Run(c.name, func(t *testing.T) {
			message := sign(t, c.key, c.alg)
			var theirs gocose.Sign1Message
			if err := theirs.UnmarshalCBOR(message); err != nil {
				t.Fatal(err)
			}
			verifier := formattest.Must[gocose.Verifier](t)(gocose.NewVerifier(c.theirs, c.key.Public()))
			if err := theirs.Verify(nil, verifier); err != nil {
				t.Fatal(err)
			}
			ours := formattest.Must[*cose.Sign1](t)(cose.Decode(message))
			if err := cose.Verify(c.key.Public(), ours); err != nil {
				t.Fatal(err)
			}
			if ours.KID != "P-000001" || ours.Algorithm != c.alg {
				t.Errorf("read kid %q and algorithm %d", ours.KID, ours.Algorithm)
			}
		})
	}
}

func TestTheirMessageInOurs(t *testing.T) {
	key := formattest.Key(t)
	payload := formattest.Must[[]byte](t)(cose.EncodePayload(facts()))
	theirs := gocose.NewSign1Message()
	theirs.Headers.Protected.SetAlgorithm(gocose.AlgorithmES256)
	theirs.Headers.Unprotected[gocose.HeaderLabelKeyID] = []byte("P-000001")
	theirs.Payload = payload
	signer := formattest.Must[gocose.Signer](t)(gocose.NewSigner(gocose.AlgorithmES256, key))
	if err := theirs.Sign(rand.Reader, nil, signer); err != nil {
		t.Fatal(err)
	}
	message := formattest.Must[[]byte](t)(theirs.MarshalCBOR())
	ours := formattest.Must[*cose.Sign1](t)(cose.Decode(message))
	if err := cose.Verify(&key.PublicKey, ours); err != nil {
		t.Fatal(err)
	}
	if got := formattest.Must[map[string]string](t)(cose.DecodePayload(ours.Payload)); got[cose.HolderName] != "海事\u3000太郎" {
		t.Errorf("read %v", got)
	}
}

// The worked example of RFC 9052 appendix C.2.1 is untouched by our profile's limits only in its Sig_structure, which
// fixes the context string, the empty external data and the order.
func TestToBeSignedVector(t *testing.T) {
	want := "846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e"
	protected := formattest.Must[[]byte](t)(cose.EncodeProtected(cose.ES256))
	got := formattest.Must[[]byte](t)(cose.ToBeSigned(protected, []byte("This is the content.")))
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	key, other := formattest.Key(t), formattest.Key(t)
	p384 := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	rsaKey := formattest.Must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	good := formattest.Must[*cose.Sign1](t)(cose.Decode(sign(t, key, cose.ES256)))
	ps := formattest.Must[*cose.Sign1](t)(cose.Decode(sign(t, rsaKey, cose.PS256)))
	with := func(change func(*cose.Sign1)) *cose.Sign1 {
		s := *good
		change(&s)
		return &s
	}
	changed := formattest.Must[[]byte](t)(cose.EncodePayload(map[string]string{cose.HolderName: "別人"}))
	for _, c := range []struct {
		name string
		pub  crypto.PublicKey
		s    *cose.Sign1
		want cose.Refusal
	}{
		{"another key", &other.PublicKey, good, cose.BadSignature},
		{"another payload", &key.PublicKey, with(func(s *cose.Sign1) { s.Payload = changed }), cose.BadSignature},
		{"short signature", &key.PublicKey, with(func(s *cose.Sign1) { s.Signature = s.Signature[:63] }), cose.BadSignature},
		{"zero signature", &key.PublicKey, with(func(s *cose.Sign1) { s.Signature = make([]byte, 64) }), cose.BadSignature},
		{"another curve", &p384.PublicKey, good, cose.WrongKey},
		{"RSA key for ES256", &rsaKey.PublicKey, good, cose.WrongKey},
		{"EC key for PS256", &key.PublicKey, ps, cose.WrongKey},
		{"no key", nil, good, cose.WrongKey},
		{"algorithm swapped", &rsaKey.PublicKey, with(func(s *cose.Sign1) { s.Algorithm = cose.PS256 }), cose.BadSignature},
		{"unknown algorithm", &key.PublicKey, with(func(s *cose.Sign1) { s.Algorithm = -8 }), cose.WrongAlgorithm},
		{"PS256 cut", &rsaKey.PublicKey, &cose.Sign1{Protected: ps.Protected, Algorithm: cose.PS256, Payload: ps.Payload, Signature: ps.Signature[1:]}, cose.BadSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := cose.Verify(c.pub, c.s); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
		})
	}
}

// raw encodes parts that our own encoder would refuse.
func raw(t testing.TB, tag uint64, parts ...any) []byte {
	t.Helper()
	return formattest.Must[[]byte](t)(formattest.Must[cbor.EncMode](t)(cbor.CoreDetEncOptions().EncMode()).Marshal(cbor.Tag{Number: tag, Content: parts}))
}

func TestDecodeRefuses(t *testing.T) {
	good := sign(t, formattest.Key(t), cose.ES256)
	protected := formattest.Must[[]byte](t)(cose.EncodeProtected(cose.ES256))
	payload := formattest.Must[[]byte](t)(cose.EncodePayload(facts()))
	kid, sig := map[int]any{4: []byte("k")}, make([]byte, 64)
	unhex := func(s string) []byte { return formattest.Must[[]byte](t)(hex.DecodeString(s)) }
	for _, c := range []struct {
		name    string
		message []byte
		want    cose.Refusal
	}{
		{"empty", nil, cose.Malformed},
		{"trailing byte", append(bytes.Clone(good), 0), cose.Malformed},
		{"cut", good[:len(good)-1], cose.Malformed},
		{"untagged", good[1:], cose.Malformed},
		{"tag in two bytes", append([]byte{0xd8, 18}, good[1:]...), cose.Malformed},
		{"tag 98", raw(t, 98, protected, kid, payload, sig), cose.NotSign1},
		{"tag 1 around bytes", unhex("c1423030"), cose.Malformed},
		{"three parts", raw(t, 18, protected, kid, payload), cose.Malformed},
		{"five parts", raw(t, 18, protected, kid, payload, sig, sig), cose.Malformed},
		{"indefinite array", append([]byte{0xd2, 0x9f}, append(bytes.Clone(good[2:]), 0xff)...), cose.Malformed},
		{"payload null", raw(t, 18, protected, kid, nil, sig), cose.Malformed},
		{"bytes as an array", raw(t, 18, protected, kid, payload, []int{1, 2}), cose.Malformed},
		{"no signature", raw(t, 18, protected, kid, payload, []byte{}), cose.NotSign1},
		{"no key id", raw(t, 18, protected, map[int]any{}, payload, sig), cose.NotSign1},
		{"key id as text", raw(t, 18, protected, map[int]any{4: "k"}, payload, sig), cose.Malformed},
		{"key id with a space", raw(t, 18, protected, map[int]any{4: []byte("a b")}, payload, sig), cose.NotSign1},
		{"key id too long", raw(t, 18, protected, map[int]any{4: make([]byte, 65)}, payload, sig), cose.NotSign1},
		{"another unprotected label", raw(t, 18, protected, map[int]any{4: []byte("k"), 33: []byte("x")}, payload, sig), cose.UnknownHeader},
		{"algorithm unprotected", raw(t, 18, []byte{}, map[int]any{1: -7}, payload, sig), cose.Malformed},
		{"crit", raw(t, 18, unhex("a20126022a"), kid, payload, sig), cose.UnknownHeader},
		{"no algorithm", raw(t, 18, unhex("a0"), kid, payload, sig), cose.WrongAlgorithm},
		{"algorithm none", raw(t, 18, unhex("a10100"), kid, payload, sig), cose.WrongAlgorithm},
		{"algorithm EdDSA", raw(t, 18, unhex("a10127"), kid, payload, sig), cose.WrongAlgorithm},
		{"algorithm twice", raw(t, 18, unhex("a201260126"), kid, payload, sig), cose.Malformed},
		{"algorithm in long form", raw(t, 18, unhex("a1013806"), kid, payload, sig), cose.Malformed},
		{"payload not a map", raw(t, 18, protected, kid, []byte{0x01}, sig), cose.Malformed},
		{"payload empty", raw(t, 18, protected, kid, []byte{0xa0}, sig), cose.BadPayload},
		{"label twice", raw(t, 18, protected, kid, unhex("a262434e616162434e6162"), sig), cose.Malformed},
		{"labels unsorted", raw(t, 18, protected, kid, unhex("a262554e616162434e6162"), sig), cose.Malformed},
		{"label of three letters", raw(t, 18, protected, kid, unhex("a163434e4e6161"), sig), cose.BadPayload},
		{"value a number", raw(t, 18, protected, kid, unhex("a162434e01"), sig), cose.Malformed},
		{"value empty", raw(t, 18, protected, kid, unhex("a162434e60"), sig), cose.BadPayload},
		{"value with a line break", raw(t, 18, protected, kid, unhex("a162434e610a"), sig), cose.BadPayload},
		{"value not UTF-8", raw(t, 18, protected, kid, unhex("a162434e61ff"), sig), cose.Malformed},
		{"too long", make([]byte, cose.MaxBytes+1), cose.TooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := cose.Decode(c.message); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	key := formattest.Key(t)
	good := sign(t, key, cose.ES256)
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			s, err := cose.Decode(bad)
			// The key id is not signed; a flipped bit there names another key.
			if err == nil && s.KID == "P-000001" && cose.Verify(&key.PublicKey, s) == nil {
				t.Fatalf("bit %d of byte %d flipped: still valid", bit, i)
			}
		}
	}
}

func TestPayloadRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(rapid.StringMatching(`[A-Z]{2}`), rapid.StringMatching(`[ -~ぁ-ん一-龠𠮷]{1,20}`), 1, 12).Draw(t, "facts")
		b, err := cose.EncodePayload(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cose.DecodePayload(b)
		if err != nil || len(got) != len(want) {
			t.Fatalf("got %v, %v", got, err)
		}
		for label, text := range want {
			if got[label] != text {
				t.Fatalf("%s is %q, want %q", label, got[label], text)
			}
		}
	})
}

func TestParseURL(t *testing.T) {
	message := []byte{0xfb, 0xff, 0xbe, 0x01}
	std, padded := base64.RawStdEncoding.EncodeToString(message), base64.StdEncoding.EncodeToString(message)
	for _, s := range []string{
		cose.URL("https://127.0.0.3:8402/w/", message),
		cose.URL("https://127.0.0.3:8402/w/?lang=ja", message),
		cose.FragmentURL("https://127.0.0.3:8402/w/", message),
		"https://dqcvs.nqs.go.jp/w/?c=" + std, "https://dqcvs.nqs.go.jp/w/?c=" + padded,
		"https://dqcvs.nqs.go.jp/w/?c=" + strings.ReplaceAll(strings.ReplaceAll(padded, "+", "%2B"), "=", "%3D"),
		"https://127.0.0.3/w/?a=b&c=" + std + "#top", "c=" + std, std, padded, " " + padded[:3] + "\r\n" + padded[3:] + "\n",
		base64.URLEncoding.EncodeToString(message),
	} {
		if got, err := cose.ParseURL(s); err != nil || !bytes.Equal(got, message) {
			t.Errorf("%q: got %x, %v", s, got, err)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		want cose.Refusal
	}{
		{"", cose.NotBase64},
		{"https://127.0.0.3/w/", cose.NotBase64},
		{"https://127.0.0.3/w/?d=AAAA", cose.NotBase64},
		{"https://127.0.0.3/w/?c=", cose.NotBase64},
		{"https://127.0.0.3/w/?c=%zz", cose.NotBase64},
		{"https://127.0.0.3/w/?c=AAAA&c=AAAA", cose.TwoMessages},
		{"https://127.0.0.3/w/?c=AAAA#c=BBBB", cose.TwoMessages},
		{"https://127.0.0.3/w/#c=AAAA&c=", cose.TwoMessages},
		{"AAA=A", cose.NotBase64},
		{"AA=", cose.NotBase64},
		{"AB", cose.NotBase64}, // the last four bits are not zero: a second spelling of one message
		{"こんにちは", cose.NotBase64},
		{strings.Repeat("A", 4*cose.MaxBytes+1), cose.TooLong},
		{strings.Repeat("A", 2*cose.MaxBytes), cose.TooLong},
	} {
		if _, err := cose.ParseURL(c.text); !errors.Is(err, c.want) {
			t.Errorf("%.40q: got %v, want %s", c.text, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sign(f, formattest.Key(f), cose.ES256))
	f.Add([]byte{0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x41, 0xa0, 0x40})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := cose.Decode(b)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("not classified: %v", err)
			}
			return
		}
		again, err := cose.Assemble(s.Protected, s.KID, s.Payload, s.Signature)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("two encodings of one message: %x and %x (%v)", b, again, err)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	f.Add("https://127.0.0.3:8402/w/?c=-_8")
	f.Add("c=++//==")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := cose.ParseURL(s)
		if err != nil {
			return
		}
		if again, err := cose.ParseURL(cose.URL("https://127.0.0.3/w/", b)); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q does not come back: %v", s, err)
		}
	})
}
