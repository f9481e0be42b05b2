package cose_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto/ecdsa"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	gocose "github.com/veraison/go-cose"

	"akashi/internal/fault"
	"akashi/internal/format/cose"
)

var compactDay = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func compactFacts() map[string]string {
	return map[string]string{"CN": "看護師", "UN": "見本　花子", "UB": "2003-04-12", "RN": "第1234567号", "RD": "2026-12-01", "ID": "2026-12-01",
		"IA": "厚生労働省", "IN": "厚生労働大臣", "CI": "kangoshi", "DN": "KGMH0123456789A", "DT": "1", "UC": "0123456789ab"}
}

func signCompact(t testing.TB, key *ecdsa.PrivateKey, c *cose.Compact) []byte {
	t.Helper()
	toSign, err := c.EncodeCompact()
	if err != nil {
		t.Fatal(err)
	}
	c.Signature = formattest.Sign(t, key, toSign)
	message, err := c.Message()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestCompact(t *testing.T) {
	t.Parallel()
	key := formattest.Key(t)
	full := &cose.Compact{KID: "mhlw-0123456789ab", Facts: compactFacts(), Status: &cose.Place{List: 3, Index: 1048575}, IssuedAt: compactDay}
	message := signCompact(t, key, full)
	if !cose.IsCompact(message) {
		t.Error("the message is not known as compact")
	}
	if _, err := cose.Decode(message); !errors.Is(err, fault.Invalid) {
		t.Errorf("as the national profile: %v, want invalid", err)
	}
	read, err := cose.DecodeCompact(message)
	if err != nil || read.KID != full.KID || read.Facts["UN"] != "見本　花子" || len(read.Facts) != 12 || *read.Status != *full.Status || !read.ExpiresAt.IsZero() || !read.IssuedAt.Equal(compactDay) {
		t.Fatalf("%+v, %v", read, err)
	}
	if err := read.Verify(&key.PublicKey); err != nil {
		t.Error(err)
	}
	if err := read.Verify(&formattest.Key(t).PublicKey); !errors.Is(err, cose.BadSignature) {
		t.Errorf("with another key: %v, want bad_signature", err)
	}
	text, err := cose.CompactURL("https://check.shikaku.example/w/", message)
	if err != nil || len(text) > 450 || strings.Contains(text, "?") {
		t.Errorf("%d characters, %v", len(text), err)
	}
	t.Logf("a whole compact code has %d characters", len(text))
	if back, err := cose.ParseURL(text); err != nil || !bytes.Equal(back, message) {
		t.Errorf("out of the address: %v", err)
	}
	var sign1 gocose.Sign1Message
	if err := sign1.UnmarshalCBOR(message); err != nil {
		t.Fatalf("in go-cose: %v", err)
	}
	verifier, err := gocose.NewVerifier(gocose.AlgorithmES256, &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := sign1.Verify(nil, verifier); err != nil {
		t.Errorf("in go-cose: %v", err)
	}
}

func TestCompactRefused(t *testing.T) {
	t.Parallel()
	key := formattest.Key(t)
	few := map[string]string{"CN": "看護師", "DN": "KGMH0123456789A"}
	for name, c := range map[string]*cose.Compact{
		"no certificate id":      {KID: "k", Facts: map[string]string{"CN": "看護師"}, Status: &cose.Place{List: 1}, IssuedAt: compactDay},
		"neither status nor end": {KID: "k", Facts: few, IssuedAt: compactDay},
		"ends before it begins":  {KID: "k", Facts: few, IssuedAt: compactDay, ExpiresAt: compactDay},
		"another label":          {KID: "k", Facts: map[string]string{"CN": "a", "DN": "b", "XX": "c"}, Status: &cose.Place{List: 1}, IssuedAt: compactDay},
		"list zero":              {KID: "k", Facts: few, Status: &cose.Place{}, IssuedAt: compactDay},
	} {
		if _, err := c.EncodeCompact(); !errors.Is(err, cose.BadPayload) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want bad_payload", name, err)
		}
	}
	base := &cose.Compact{KID: "k", Facts: few, ExpiresAt: compactDay.Add(time.Minute), IssuedAt: compactDay}
	good := signCompact(t, key, base)
	long := &cose.Compact{KID: "k", Facts: map[string]string{"CN": strings.Repeat("資", 150), "DN": "b"}, Status: &cose.Place{List: 1}, IssuedAt: compactDay}
	if _, err := cose.CompactURL("https://check.example/w/", signCompact(t, key, long)); !errors.Is(err, cose.TooLong) {
		t.Errorf("a long one: %v, want too_long", err)
	}
	type members = map[int64]any
	header, payload := members{1: -7, 4: []byte("k")}, members{0: 1, 1: "看護師", 10: "K", 14: 1796083260, 15: 1796083200}
	raw := func(protected, unprotected, payload any, signature int) []byte {
		mode, err := cbor.CoreDetEncOptions().EncMode()
		if err != nil {
			t.Fatal(err)
		}
		p, err := mode.Marshal(protected)
		if err != nil {
			t.Fatal(err)
		}
		body, err := mode.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		out, err := mode.Marshal(cbor.Tag{Number: 18, Content: []any{p, unprotected, body, make([]byte, signature)}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	with := func(m members, label int64, v any) members {
		out := members{}
		for k, old := range m {
			out[k] = old
		}
		if out[label] = v; v == nil {
			delete(out, label)
		}
		return out
	}
	none := map[int64][]byte{}
	if _, err := cose.DecodeCompact(raw(header, none, payload, 64)); err != nil {
		t.Fatalf("the base of the table: %v", err)
	}
	for name, c := range map[string]struct {
		message []byte
		want    cose.Refusal
	}{
		"cut off":                  {good[:len(good)-1], cose.Malformed},
		"with bytes behind":        {append(bytes.Clone(good), 0), cose.Malformed},
		"PS256":                    {raw(with(header, 1, -37), none, payload, 64), cose.WrongAlgorithm},
		"no algorithm":             {raw(with(header, 1, nil), none, payload, 64), cose.WrongAlgorithm},
		"a critical header":        {raw(with(header, 2, []int{4}), none, payload, 64), cose.UnknownHeader},
		"an unprotected header":    {raw(header, map[int64][]byte{4: []byte("k")}, payload, 64), cose.UnknownHeader},
		"a text as key id":         {raw(with(header, 4, "k"), none, payload, 64), cose.NotSign1},
		"a short signature":        {raw(header, none, payload, 63), cose.NotSign1},
		"version 2":                {raw(header, none, with(payload, 0, 2), 64), cose.BadPayload},
		"no version":               {raw(header, none, with(payload, 0, nil), 64), cose.BadPayload},
		"a number as text":         {raw(header, none, with(payload, 1, 5), 64), cose.BadPayload},
		"an unknown member":        {raw(header, none, with(payload, 16, "x"), 64), cose.BadPayload},
		"a negative end":           {raw(header, none, with(payload, 14, -1), 64), cose.BadPayload},
		"a fractional end":         {raw(header, none, with(payload, 14, 1.5), 64), cose.BadPayload},
		"a place of three":         {raw(header, none, with(payload, 13, []int{1, 2, 3}), 64), cose.BadPayload},
		"a place below zero":       {raw(header, none, with(payload, 13, []int{1, -2}), 64), cose.BadPayload},
		"no beginning":             {raw(header, none, with(payload, 15, nil), 64), cose.BadPayload},
		"a payload that is a text": {raw(header, none, "x", 64), cose.Malformed},
	} {
		if _, err := cose.DecodeCompact(c.message); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func FuzzDecodeCompact(f *testing.F) {
	key := formattest.Key(f)
	f.Add(signCompact(f, key, &cose.Compact{KID: "k", Facts: compactFacts(), Status: &cose.Place{List: 1, Index: 5}, IssuedAt: compactDay}))
	f.Add(signCompact(f, key, &cose.Compact{KID: "k", Facts: map[string]string{"CN": "a", "DN": "b"}, ExpiresAt: compactDay.Add(time.Minute), IssuedAt: compactDay}))
	f.Add([]byte{0xd2, 0x84})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := cose.DecodeCompact(b)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("%v is not of kind invalid", err)
			}
			return
		}
		if !cose.IsCompact(b) {
			t.Fatal("read, and not known as compact")
		}
		again := &cose.Compact{KID: c.KID, Facts: c.Facts, Status: c.Status, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt}
		if _, err := again.EncodeCompact(); err != nil {
			t.Fatal(err)
		}
		again.Signature = c.Signature
		message, err := again.Message()
		if err != nil || !bytes.Equal(message, b) {
			t.Fatalf("written again as %x, %v", message, err)
		}
	})
}
