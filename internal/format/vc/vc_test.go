package vc_test

import (
	"akashi/internal/format/formattest"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/vc"
)

const issuer = "https://verify.example.jp/issuers/mhlw"

func now() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC) }

func policy(key crypto.PublicKey) vc.Policy {
	return vc.Policy{Now: now(), Skew: time.Minute, Key: func(jws.Header, *vc.Credential) (crypto.PublicKey, error) { return key, nil }}
}

func credential(holder *ecdsa.PublicKey) vc.Credential {
	return vc.Credential{ID: "urn:example:1", Contexts: []string{"https://verify.example.jp/contexts/1"}, Types: []string{"QualificationCredential"},
		Issuer: issuer, IssuerName: "厚生労働大臣", ValidFrom: now(), ValidUntil: now().AddDate(1, 0, 0),
		Subject: map[string]any{"name": "海事\u3000太郎"}, Status: &vc.StatusRef{URI: "https://verify.example.jp/status/1", Index: 7}, Holder: holder}
}

func TestRoundTrip(t *testing.T) {
	key, holder := formattest.Key(t), formattest.Key(t)
	toSign := formattest.Must[[]byte](t)(vc.Compose(jws.Header{KID: "C-1"}, credential(&holder.PublicKey)))
	got, err := vc.Verify(formattest.Must[string](t)(jws.Assemble(toSign, formattest.Sign(t, key, toSign))), policy(&key.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	want := credential(&holder.PublicKey)
	if got.ID != want.ID || got.Issuer != issuer || got.IssuerName != want.IssuerName || !got.ValidFrom.Equal(want.ValidFrom) ||
		!got.ValidUntil.Equal(want.ValidUntil) || got.Subject["name"] != want.Subject["name"] || *got.Status != *want.Status ||
		!got.Holder.Equal(want.Holder) || got.Types[0] != want.Types[0] || got.Contexts[0] != want.Contexts[0] {
		t.Errorf("read %+v", got)
	}
	if _, err := vc.Compose(jws.Header{}, vc.Credential{}); !errors.Is(err, fault.Internal) {
		t.Errorf("an empty credential: %v", err)
	}
}

func forge(t testing.TB, key *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	toSign := b64([]byte(header)) + "." + b64([]byte(payload))
	return toSign + "." + b64(formattest.Sign(t, key, []byte(toSign)))
}

func TestRefusals(t *testing.T) {
	key, other, p384 := formattest.Key(t), formattest.Key(t), formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	const header = `{"alg":"ES256","typ":"vc+jwt","cty":"vc"}`
	const good = `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + issuer +
		`","validFrom":"2026-11-01T00:00:00Z","validUntil":"2027-01-01T00:00:00+09:00","credentialSubject":{"name":"x"},` +
		`"credentialStatus":{"type":"TokenStatusListEntry","uri":"https://a.example/1","idx":1}}`
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not there", old)
		}
		return forge(t, key, header, strings.Replace(good, old, new, 1))
	}
	if _, err := vc.Verify(forge(t, key, header, good), policy(&key.PublicKey)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		token string
		key   crypto.PublicKey
		want  error
	}{
		{"another key", forge(t, key, header, good), &other.PublicKey, jws.BadSignature},
		{"another curve", forge(t, key, header, good), &p384.PublicKey, jws.WrongKey},
		{"alg none", forge(t, key, `{"alg":"none","typ":"vc+jwt"}`, good), nil, jws.WrongAlgorithm},
		{"alg HS256", forge(t, key, `{"alg":"HS256","typ":"vc+jwt"}`, good), nil, jws.WrongAlgorithm},
		{"typ missing", forge(t, key, `{"alg":"ES256"}`, good), nil, jws.WrongType},
		{"typ of another form", forge(t, key, `{"alg":"ES256","typ":"dc+sd-jwt"}`, good), nil, jws.WrongType},
		{"content of another type", forge(t, key, `{"alg":"ES256","typ":"vc+jwt","cty":"JWT"}`, good), nil, vc.NotCredential},
		{"a presentation", forge(t, key, `{"alg":"ES256","typ":"vp+jwt"}`, good), nil, jws.WrongType},
		{"claim twice", swap(`"type":`, `"issuer":"x","type":`), nil, jws.Duplicate},
		{"no context", swap(`"https://www.w3.org/ns/credentials/v2"`, ``), nil, vc.WrongContext},
		{"context of version 1.1", swap(`https://www.w3.org/ns/credentials/v2`, `https://www.w3.org/2018/credentials/v1`), nil, vc.WrongContext},
		{"context as an object", swap(`["https://www.w3.org/ns/credentials/v2"]`, `["https://www.w3.org/ns/credentials/v2",{"a":"b"}]`), nil, vc.WrongContext},
		{"not a credential", swap(`"VerifiableCredential"`, `"VerifiablePresentation"`), nil, vc.NotCredential},
		{"shape of version 1.1", swap(`"type":`, `"vc":{},"type":`), nil, vc.NotCredential},
		{"no issuer", swap(`"issuer":"`+issuer+`",`, ``), nil, vc.WrongIssuer},
		{"two issuers", swap(`"type":`, `"iss":"https://other.example","type":`), nil, vc.WrongIssuer},
		{"no subject", swap(`{"name":"x"}`, `{}`), nil, vc.WrongSubject},
		{"two subjects", swap(`{"name":"x"}`, `[{"name":"x"},{"name":"y"}]`), nil, vc.WrongSubject},
		{"no time", swap(`"validFrom":"2026-11-01T00:00:00Z",`, ``), nil, vc.WrongTime},
		{"time without zone", swap(`2026-11-01T00:00:00Z`, `2026-11-01T00:00:00`), nil, vc.WrongTime},
		{"not yet", swap(`2026-11-01`, `2026-12-02`), nil, vc.NotYet},
		{"ended", swap(`2027-01-01T00:00:00+09:00`, `2026-12-01T18:00:00+09:00`), nil, vc.Ended},
		{"status of the W3C's kind", swap(`TokenStatusListEntry`, `BitstringStatusListEntry`), nil, vc.WrongStatus},
		{"two statuses", swap(`{"type":"TokenStatusListEntry","uri":"https://a.example/1","idx":1}`, `[]`), nil, vc.WrongStatus},
		{"index as text", swap(`"idx":1`, `"idx":"1"`), nil, vc.WrongStatus},
		{"holder without a key", swap(`"type":`, `"cnf":{},"type":`), nil, jws.WrongKey},
		{"too long", strings.Repeat("a", vc.MaxBytes+1), nil, jws.TooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			public := c.key
			if public == nil {
				public = &key.PublicKey
			}
			if _, err := vc.Verify(c.token, policy(public)); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzVerify signs whatever it is given, so that the reading goes past the signature.
func FuzzVerify(f *testing.F) {
	key := formattest.Key(f)
	toSign := formattest.Must[[]byte](f)(vc.Compose(jws.Header{}, credential(&key.PublicKey)))
	f.Add(string(formattest.Must[[]byte](f)(jws.Decode64(strings.Split(string(toSign), ".")[1]))))
	f.Fuzz(func(t *testing.T, payload string) {
		c, err := vc.Verify(forge(t, key, `{"alg":"ES256","typ":"vc+jwt"}`, payload), policy(&key.PublicKey))
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("an unclassified error: %v", err)
		}
		if err == nil && (c.Issuer == "" || len(c.Subject) == 0 || c.ValidFrom.After(now().Add(time.Minute))) {
			t.Errorf("read %+v", c)
		}
	})
}
