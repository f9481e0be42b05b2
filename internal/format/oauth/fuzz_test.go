package oauth

import (
	"akashi/internal/format/formattest"
	"bytes"
	"errors"
	"testing"

	"akashi/internal/fault"
)

// refusedOr fails when an error is not a refusal with a name and a code.
func refusedOr(t *testing.T, err error) bool {
	if err != nil && (RefusalOf(err) == "" || !errors.Is(err, fault.Invalid) || CodeOf(err) == ServerError) {
		t.Fatalf("refused without a name: %v", err)
	}
	return err == nil
}

func FuzzDPoP(f *testing.F) {
	k := formattest.Key(f)
	h, c := dpopParts(k)
	f.Add(signed(f, k, h, c))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := CheckDPoP([]string{text}, DPoPWant{Method: "POST", Address: "https://api.example/issuers/mhlw/token", Now: now, Token: "at"})
		if refusedOr(t, err) && (d.ID == "" || d.Key.Public == nil) {
			t.Fatalf("taken without an id or key: %+v", d)
		}
	})
}

func FuzzProof(f *testing.F) {
	k := formattest.Key(f)
	h, c := proofParts(k)
	good := signed(f, k, h, c)
	f.Add(good)
	h["key_attestation"] = signed(f, k, map[string]any{"typ": typeAttestation}, map[string]any{"iat": 1, "exp": 4e9, "nonce": "n", "attested_keys": []any{jwk(k)}})
	f.Add(signed(f, k, h, c))
	want := ProofWant{Issuer: issuer, Now: now, Trust: func(Attester) (Key, bool) { return Key{Public: &k.PublicKey}, true }}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := CheckProof(text, want); refusedOr(t, err) && (len(p.Keys) == 0 || p.Nonce == "") {
			t.Fatalf("taken without a key or nonce: %+v", p)
		}
		_, err := CheckAttestation(text, want)
		refusedOr(t, err)
	})
}

func FuzzKey(f *testing.F) {
	f.Add([]byte(jwk(formattest.Key(f))))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"","y":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParseKey(text)
		if !refusedOr(t, err) {
			return
		}
		again, err := ParseKey(k.JWK())
		if err != nil || again.Thumbprint() != k.Thumbprint() {
			t.Fatalf("written and read again: %v", err)
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(pushed().Encode()))
	f.Add([]byte("grant_type=refresh_token&refresh_token=x"))
	f.Add([]byte(`{"credential_configuration_id":"c","proofs":{"jwt":["a","b"]}}`))
	f.Add([]byte(`{"transaction_id":"t"}`))
	f.Add([]byte(`{"notification_id":"n","event":"credential_deleted"}`))
	f.Add([]byte(`{"credential_issuer":"i","credential_configuration_ids":["c"],"grants":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := ParseAuthorization(body); refusedOr(t, err) && (r.ClientID == "" || r.Challenge == "" || len(r.Scopes)+len(r.Details) == 0) {
			t.Fatalf("taken without what must be there: %+v", r)
		}
		_, err := ParseToken(body)
		refusedOr(t, err)
		if r, err := ParseCredential(body, 3); refusedOr(t, err) && ((r.Configuration != "" && r.Identifier != "") || len(r.JWTs)+len(r.Attestations) == 0 || len(r.JWTs) > 3) {
			t.Fatalf("taken: %+v", r)
		}
		_, err = ParseDeferred(body)
		refusedOr(t, err)
		_, _, err = ParseNotification(body)
		refusedOr(t, err)
		if o, err := ParseOffer(body); refusedOr(t, err) {
			link, err := o.Link()
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := ParseLink(link); err != nil {
				t.Fatalf("our own link is not read: %v", err)
			}
		}
		_, _, err = ParseLink(string(bytes.ToValidUTF8(body, nil)))
		refusedOr(t, err)
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("https://A.example:443/%7ea/../b?x#y")
	f.Fuzz(func(t *testing.T, address string) {
		once, ok := normal(address)
		if !ok || len(once) > 2048 { // escaping makes it longer
			return
		}
		if twice, ok := normal(once); !ok || twice != once {
			t.Fatalf("%q becomes %q, and then %q", address, once, twice)
		}
	})
}

func FuzzClient(f *testing.F) {
	k := formattest.Key(f)
	f.Add(signed(f, k, map[string]any{"typ": typeClient}, map[string]any{"iss": "p", "sub": "w", "exp": now.Unix() + 60, "cnf": map[string]any{"jwk": jwk(k)}}),
		signed(f, k, map[string]any{"typ": typeClientProof}, map[string]any{"iss": "w", "aud": issuer, "jti": "1", "iat": now.Unix()}))
	f.Add("a.b.c", "")
	want := ClientWant{Issuer: issuer, Now: now, Trust: func(Attester) (Key, bool) { return Key{Public: &k.PublicKey}, true }}
	f.Fuzz(func(t *testing.T, attestation, proof string) {
		if c, err := CheckClient([]string{attestation}, []string{proof}, want); refusedOr(t, err) && (c.ID == "" || c.Proof == "" || c.Key.Public == nil) {
			t.Fatalf("taken without an id, a proof or a key: %+v", c)
		}
	})
}
