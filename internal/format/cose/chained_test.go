package cose_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/format/cose"

	"github.com/fxamacker/cbor/v2"
)

func TestChainedRoundTrip(t *testing.T) {
	t.Parallel()
	protected := formattest.Must[[]byte](t)(cose.EncodeProtected(cose.ES256))
	for name, chain := range map[string][][]byte{"no certificate": nil, "one": {{1}}, "two": {{1}, {2}}} {
		for _, payload := range [][]byte{nil, {}, {7}} {
			message := formattest.Must[[]byte](t)(cose.AssembleChained(protected, chain, payload, []byte{9}))
			c := formattest.Must[*cose.Chained](t)(cose.DecodeChained(message))
			if len(c.Chain) != len(chain) || !bytes.Equal(c.Payload, payload) || (c.Payload == nil) != (payload == nil) || !bytes.Equal(c.Signature, []byte{9}) {
				t.Errorf("%s, payload %v: read %+v", name, payload, c)
			}
		}
	}
}

func TestChainedThatAreRefused(t *testing.T) {
	t.Parallel()
	es256, none := []byte{0xa1, 1, 0x26}, map[int64]any{}
	five := []any{[]byte{1}, []byte{2}, []byte{3}, []byte{4}, []byte{5}}
	for _, c := range []struct {
		name  string
		parts any
		want  cose.Refusal
	}{
		{"a tag around it", cbor.Tag{Number: 18, Content: []any{1}}, cose.Malformed},
		{"three parts", []any{es256, none, nil}, cose.Malformed},
		{"no algorithm", []any{[]byte{0xa0}, none, nil, []byte{1}}, cose.WrongAlgorithm},
		{"a critical header", []any{[]byte{0xa2, 1, 0x26, 2, 0x81, 1}, none, nil, []byte{1}}, cose.Malformed},
		{"an unknown header", []any{es256, map[int64]any{5: []byte{1}}, nil, []byte{1}}, cose.UnknownHeader},
		{"a chain of one in a list", []any{es256, map[int64]any{33: []any{[]byte{1}}}, nil, []byte{1}}, cose.NotSign1},
		{"a chain of five", []any{es256, map[int64]any{33: five}, nil, []byte{1}}, cose.NotSign1},
		{"a chain of text", []any{es256, map[int64]any{33: []any{"a", "b"}}, nil, []byte{1}}, cose.NotSign1},
		{"an empty key id", []any{es256, map[int64]any{4: []byte{}}, nil, []byte{1}}, cose.NotSign1},
		{"numbers for a payload", []any{es256, none, []int{1, 2}, []byte{1}}, cose.NotSign1},
		{"numbers for a signature", []any{es256, none, nil, []int{1, 2}}, cose.NotSign1},
	} {
		raw := formattest.Must[[]byte](t)(cbor.Marshal(c.parts))
		if _, err := cose.DecodeChained(raw); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := cose.DecodeChained(make([]byte, cose.MaxChainedBytes+1)); !errors.Is(err, cose.TooLong) {
		t.Errorf("too long: got %v", err)
	}
	if _, err := cose.AssembleChained([]byte{0xa0}, nil, nil, nil); !errors.Is(err, cose.WrongAlgorithm) {
		t.Errorf("assembled without an algorithm: got %v", err)
	}
}

func TestKeysOfOne(t *testing.T) {
	t.Parallel()
	key := formattest.Key(t)
	raw := formattest.Must[[]byte](t)(cose.EncodeKey(&key.PublicKey))
	if back := formattest.Must[*ecdsa.PublicKey](t)(cose.DecodeKey(raw)); !back.Equal(&key.PublicKey) {
		t.Error("another key came back")
	}
	p384 := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	if _, err := cose.EncodeKey(&p384.PublicKey); !errors.Is(err, cose.WrongKey) {
		t.Errorf("another curve: got %v", err)
	}
	good := map[int64]any{}
	if err := cbor.Unmarshal(raw, &good); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[int64]any{1: 3, -1: 2, -2: make([]byte, 32), -3: true, -4: make([]byte, 32)} {
		bad := map[int64]any{name: value}
		for label, v := range good {
			if label != name {
				bad[label] = v
			}
		}
		if _, err := cose.DecodeKey(formattest.Must[[]byte](t)(cbor.Marshal(bad))); !errors.Is(err, cose.WrongKey) || !errors.Is(err, fault.Invalid) {
			t.Errorf("with %d changed: got %v", name, err)
		}
	}
	if _, err := cose.DecodeKey(nil); !errors.Is(err, cose.Malformed) {
		t.Errorf("nothing: got %v", err)
	}
}

func FuzzDecodeChained(f *testing.F) {
	f.Add([]byte{0x84, 0x43, 0xa1, 1, 0x26, 0xa1, 0x18, 33, 0x41, 1, 0xf6, 0x41, 1})
	f.Add([]byte{0x84, 0x43, 0xa1, 1, 0x26, 0xa0, 0x41, 1, 0x41, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := cose.DecodeChained(b)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("not classified: %v", err)
			}
			return
		}
		again, err := cose.AssembleChained(c.Protected, c.Chain, c.Payload, c.Signature)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := cose.DecodeChained(again); err != nil || !bytes.Equal(back.Payload, c.Payload) || len(back.Chain) != len(c.Chain) {
			t.Fatalf("does not come back: %v", err)
		}
	})
}

// FuzzDecodeKey: a key that is read is written again and is the same.
func FuzzDecodeKey(f *testing.F) {
	f.Add(formattest.Must[[]byte](f)(cose.EncodeKey(&formattest.Key(f).PublicKey)))
	f.Add([]byte{0xa1, 0x01, 0x02})
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := cose.DecodeKey(b)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("not classified: %v", err)
			}
			return
		}
		if back := formattest.Must[*ecdsa.PublicKey](t)(cose.DecodeKey(formattest.Must[[]byte](t)(cose.EncodeKey(key)))); !back.Equal(key) {
			t.Fatal("another key comes back")
		}
	})
}
