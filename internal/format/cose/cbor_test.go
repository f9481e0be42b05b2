package cose

import (
	"bytes"
	"maps"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// againstLibrary holds the cursor against the library: it takes nothing that the library refuses, reads the same, and takes
// whatever of the profiles the library takes.
func againstLibrary(t *testing.T, b []byte) {
	t.Helper()
	for _, unprotected := range []bool{true, false} {
		env, kid, ok := readEnvelope(b, unprotected)
		theirs, err := decodeEnvelope(b)
		profile := err == nil && (unprotected && len(theirs.Unprotected) == 1 && theirs.Unprotected[labelKeyID] != nil || !unprotected && len(theirs.Unprotected) == 0)
		if ok != profile {
			t.Fatalf("envelope %x: the cursor says %t, the library %v %v", b, ok, theirs, err)
		}
		if ok && (!bytes.Equal(env.Protected, theirs.Protected) || !bytes.Equal(env.Payload, theirs.Payload) || !bytes.Equal(env.Signature, theirs.Signature) ||
			unprotected && !bytes.Equal(kid, theirs.Unprotected[labelKeyID])) {
			t.Fatalf("envelope %x is read as %v, by the library as %v", b, env, theirs)
		}
	}
	facts, ok := readFacts(b)
	var theirs map[string]string
	err := decode(b, &theirs)
	short := err == nil && theirs != nil
	for label := range theirs {
		short = short && len(label) == labelBytes
	}
	if ok != short || ok && !maps.Equal(facts, theirs) {
		t.Fatalf("facts %x: the cursor reads %v (%t), the library %v %v", b, facts, ok, theirs, err)
	}
	if c := readCompact(b); c != nil && c.check() == nil {
		env, err := decodeEnvelope(b)
		slow := &Compact{Protected: env.Protected, Payload: env.Payload, Signature: env.Signature}
		if err == nil {
			slow.KID, err = decodeCompactHeader(env.Protected)
		}
		if err == nil {
			err = slow.decodePayload()
		}
		if err != nil || slow.KID != c.KID || !maps.Equal(slow.Facts, c.Facts) || !slow.IssuedAt.Equal(c.IssuedAt) || !slow.ExpiresAt.Equal(c.ExpiresAt) ||
			(slow.Status == nil) != (c.Status == nil) || slow.Status != nil && *slow.Status != *c.Status {
			t.Fatalf("compact %x is read as %+v, by the library as %+v, %v", b, c, slow, err)
		}
	}
}

func FuzzAgainstLibrary(f *testing.F) {
	facts := map[string]string{"CN": "看護師", "DN": "KGMH-7K2M-9QX4-RT3"}
	payload := appendFacts(nil, facts)
	f.Add(payload)
	f.Add([]byte{0xa1, 0x62, 'C', 'N', 0x78, 0x01, 'a'}) // a length that takes a byte too many
	f.Add([]byte{0xa2, 0x62, 'D', 'N', 0x61, 'a', 0x62, 'C', 'N', 0x61, 'a'})
	f.Add([]byte{0xa2, 0x62, 'C', 'N', 0x61, 'a', 0x62, 'C', 'N', 0x61, 'a'})
	f.Add([]byte{0xf6})
	protected, err := EncodeProtected(ES256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendEnvelope(nil, protected, "k", payload, []byte{1}))
	c := &Compact{KID: "k", Facts: facts, Status: &Place{List: 1, Index: 5}, IssuedAt: cursorDay, ExpiresAt: cursorDay.AddDate(0, 0, 1)}
	if _, err := c.EncodeCompact(); err != nil {
		f.Fatal(err)
	}
	f.Add(appendEnvelope(nil, c.Protected, "", c.Payload, make([]byte, 64)))
	f.Fuzz(againstLibrary)
}

var cursorDay = (&cursor{rest: []byte{0x1a, 0x60, 0, 0, 0}}).time()

// TestWrittenAsTheLibraryWrites: what is written by hand are the library's bytes.
func TestWrittenAsTheLibraryWrites(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		same(t, appendHead(nil, majorUnsigned, n), n)
		c := cursor{rest: appendHead(nil, majorUnsigned, n)}
		if got := c.head(majorUnsigned); got != n || !c.ended() {
			t.Errorf("%d comes back as %d", n, got)
		}
	}
	facts := map[string]string{"UN": "髙橋　花子", "CN": "看護師", "DN": "KGMH-7K2M-9QX4-RT3", "ID": string(make([]byte, 300))}
	same(t, appendFacts(nil, facts), facts)
	for _, alg := range []Algorithm{ES256, PS256} {
		b, err := EncodeProtected(alg)
		if err != nil {
			t.Fatal(err)
		}
		same(t, b, map[int64]int64{labelAlgorithm: int64(alg)})
	}
	toSign, err := ToBeSigned([]byte{1}, make([]byte, 700))
	if err != nil {
		t.Fatal(err)
	}
	same(t, toSign, []any{"Signature1", []byte{1}, []byte{}, make([]byte, 700)})
	same(t, appendEnvelope(nil, []byte{1}, "kid", []byte{2}, []byte{3}), cbor.Tag{Number: tagSign1, Content: []any{[]byte{1}, map[int64][]byte{labelKeyID: []byte("kid")}, []byte{2}, []byte{3}}})
	c := &Compact{KID: "kid", Facts: facts, Status: &Place{List: 3, Index: 70000}, IssuedAt: cursorDay, ExpiresAt: cursorDay.AddDate(1, 0, 0)}
	same(t, appendCompactHeader(nil, c.KID), map[int64]any{labelAlgorithm: int64(ES256), labelKeyID: []byte("kid")})
	same(t, c.appendPayload(nil), map[int64]any{0: 1, 1: facts["CN"], 2: facts["UN"], 6: facts["ID"], 10: facts["DN"], 13: c.Status, 14: c.ExpiresAt.Unix(), 15: c.IssuedAt.Unix()})
}

func same(t *testing.T, got []byte, v any) {
	t.Helper()
	want, err := encode(v)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v is written as %x, by the library as %x, %v", v, got, want, err)
	}
}

// nurse is a payload of the usual length.
func nurse() map[string]string {
	return map[string]string{"CN": "看護師", "UN": "髙橋　花子", "UB": "2003-04-12", "RN": "第1234567号", "RD": "2026-12-01", "ID": "2026-12-01", "IA": "厚生労働省",
		"IN": "厚生労働大臣", "CI": "kangoshi", "DN": "KGMH-7K2M-9QX4-RT3", "DT": "01", "UC": "mihon0000000"}
}

// BenchmarkRead reads the message of a QR code with the cursor, and with the library as Decode does where the cursor gives up.
func BenchmarkRead(b *testing.B) {
	facts := nurse()
	protected, err := EncodeProtected(ES256)
	if err != nil {
		b.Fatal(err)
	}
	message := appendEnvelope(nil, protected, "mhlw-3912e881c8a1", appendFacts(nil, facts), make([]byte, 64))
	b.Run("cursor", func(b *testing.B) {
		for b.Loop() {
			env, _, ok := readEnvelope(message, true)
			if got, read := readFacts(env.Payload); !ok || !read || len(got) != len(facts) {
				b.Fatal("not read")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			env, err := decodeEnvelope(message)
			if err != nil {
				b.Fatal(err)
			}
			var got map[string]string
			if err := decode(env.Payload, &got); err != nil || len(got) != len(facts) {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrite writes the payload of a QR code and its envelope by hand, and with the library.
func BenchmarkWrite(b *testing.B) {
	facts := nurse()
	protected, signature := []byte{0xa1, 1, 0x26}, make([]byte, 64)
	b.Run("by hand", func(b *testing.B) {
		for b.Loop() {
			payload := appendFacts(make([]byte, 0, 512), facts)
			appendEnvelope(make([]byte, 0, 128+len(payload)), protected, "mhlw-3912e881c8a1", payload, signature)
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			payload, err := encode(facts)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := encode(cbor.Tag{Number: tagSign1, Content: []any{protected, map[int64][]byte{labelKeyID: []byte("mhlw-3912e881c8a1")}, payload, signature}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
