package sdjwt_test

import (
	"akashi/internal/format/formattest"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/sdjwt"

	"pgregory.net/rapid"
)

const (
	vct      = "https://verify.example.jp/types/nurse"
	list     = "https://verify.example.jp/status/1"
	audience = "https://hospital.example.jp"
	nonce    = "n-0S6_WzA2Mj"
)

func now() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC) }

func by(key crypto.PublicKey) sdjwt.KeyFor {
	return func(jws.Header, map[string]any) (crypto.PublicKey, error) { return key, nil }
}

func policy(key crypto.PublicKey) sdjwt.Policy {
	return sdjwt.Policy{Type: sdjwt.TypeVC, Key: by(key), Now: now(), Skew: time.Minute}
}

func credential(holder *ecdsa.PublicKey) sdjwt.VC {
	return sdjwt.VC{Type: vct, Issuer: "https://verify.example.jp/issuers/mhlw", IssuedAt: now().Add(-time.Hour),
		ExpiresAt: now().AddDate(1, 0, 0), Status: &sdjwt.StatusRef{URI: list, Index: 4711}, Holder: holder,
		Claims: map[string]any{
			"qualification": "看護師",
			"name":          sdjwt.Hide("海事\u3000太郎"),
			"birth_date":    sdjwt.Hide("1998-04-01"),
			"address":       sdjwt.Hide(map[string]any{"prefecture": sdjwt.Hide("東京都"), "city": sdjwt.Hide("千代田区")}),
			"grades":        []any{"基礎", sdjwt.Hide("専門"), sdjwt.Hide(map[string]any{"特定行為": sdjwt.Hide("21区分")})},
		}}
}

func issue(t testing.TB, key *ecdsa.PrivateKey, vc sdjwt.VC) string {
	t.Helper()
	u := formattest.Must[*sdjwt.Unsigned](t)(sdjwt.Composer{Decoys: 2}.ComposeVC(jws.Header{KID: "C-1"}, vc))
	return formattest.Must[string](t)(u.Assemble(formattest.Must[[]byte](t)(formattest.Signer(key)(u.ToSign))))
}

// The disclosures and digests of RFC 9901 §4.2.1 to §4.2.3.
func TestDigestsOfTheStandard(t *testing.T) {
	key := formattest.Key(t)
	for _, c := range []struct{ payload, disclosure string }{
		{`{"_sd":["X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"],"_sd_alg":"sha-256"}`, "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"},
		{`{"nationalities":["DE",{"...":"w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"},"US"]}`, "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0"},
	} {
		v, err := sdjwt.Verify(forge(t, key, `{"alg":"ES256","typ":"dc+sd-jwt"}`, c.payload, c.disclosure), policy(&key.PublicKey))
		if err != nil {
			t.Errorf("%s: %v", c.disclosure, err)
			continue
		}
		if text := formattest.Must[[]byte](t)(json.Marshal(v.Claims)); string(text) != `{"family_name":"Möbius"}` && string(text) != `{"nationalities":["DE","FR","US"]}` {
			t.Errorf("%s: read %s", c.disclosure, text)
		}
	}
}

func TestEverythingShown(t *testing.T) {
	key, holder := formattest.Key(t), formattest.Key(t)
	v, err := sdjwt.VerifyVC(issue(t, key, credential(&holder.PublicKey)), policy(&key.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	text := formattest.Must[[]byte](t)(json.Marshal(v.Claims["address"]))
	if v.Claims["name"] != "海事\u3000太郎" || v.Claims["qualification"] != "看護師" || string(text) != `{"city":"千代田区","prefecture":"東京都"}` {
		t.Errorf("read %v", v.Claims)
	}
	if grades, ok := v.Claims["grades"].([]any); !ok || len(grades) != 3 || grades[1] != "専門" {
		t.Errorf("grades %v", v.Claims["grades"])
	}
	if v.Type != vct || *v.Status != (sdjwt.StatusRef{URI: list, Index: 4711}) || !v.Holder.Equal(&holder.PublicKey) || v.Bound || v.Header.KID != "C-1" {
		t.Errorf("read %+v", v)
	}
	// Four hidden claims and two elements; two decoys in each of the three objects with hidden members.
	if len(v.Shown) != 8 || v.Kept != 6 {
		t.Errorf("%d shown, %d kept: %v", len(v.Shown), v.Kept, v.Shown)
	}
}

func TestPresentation(t *testing.T) {
	key, holder := formattest.Key(t), formattest.Key(t)
	token := issue(t, key, credential(&holder.PublicKey))
	wanted := []string{"name", "address.prefecture", "grades.1"}
	shown := formattest.Must[string](t)(sdjwt.Present(token, sdjwt.TypeVC, func(p sdjwt.Path) bool { return slices.Contains(wanted, p.String()) },
		&sdjwt.Answer{Nonce: nonce, Audience: audience, At: now(), Sign: formattest.Signer(holder)}))
	p := policy(&key.PublicKey)
	p.Binding = &sdjwt.Binding{Nonce: nonce, Audience: audience, MaxAge: 5 * time.Minute}
	v, err := sdjwt.VerifyVC(shown, p)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Bound || v.Claims["birth_date"] != nil || v.Claims["name"] == nil {
		t.Errorf("read %+v", v)
	}
	text := formattest.Must[[]byte](t)(json.Marshal([]any{v.Claims["address"], v.Claims["grades"]}))
	if string(text) != `[{"prefecture":"東京都"},["基礎","専門"]]` {
		t.Errorf("read %s", text)
	}
	if strings.Contains(shown, base64.RawURLEncoding.EncodeToString([]byte("1998"))) || strings.Count(shown, "~") != 5 {
		t.Errorf("%d parts", strings.Count(shown, "~"))
	}
	// Where nobody asks for a proof, the same presentation is a credential that proves no holder.
	p.Binding = nil
	if v, err := sdjwt.VerifyVC(shown, p); err != nil || v.Bound {
		t.Errorf("without a question: bound %t, %v", v != nil && v.Bound, err)
	}
}

// forge signs any header and payload and joins any disclosures; the last may be the holder's token.
func forge(t testing.TB, key *ecdsa.PrivateKey, header, payload string, disclosures ...string) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	toSign := b64([]byte(header)) + "." + b64([]byte(payload))
	return toSign + "." + b64(formattest.Must[[]byte](t)(formattest.Signer(key)([]byte(toSign)))) + "~" + strings.Join(append(disclosures, ""), "~")
}

func hide(json string) (disclosure, digest string) {
	disclosure = base64.RawURLEncoding.EncodeToString([]byte(json))
	sum := sha256.Sum256([]byte(disclosure))
	return disclosure, base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestRefusals(t *testing.T) {
	key := formattest.Key(t)
	p384 := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	rsaKey := formattest.Must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	const header = `{"alg":"ES256","typ":"dc+sd-jwt","kid":"C-1"}`
	at := func(d time.Duration) string { return strconv.FormatInt(now().Add(d).Unix(), 10) }
	open := `"vct":"` + vct + `","iat":` + at(-time.Hour)
	name, nameDigest := hide(`["salt-1","name","海事"]`)
	other, otherDigest := hide(`["salt-2","name","別人"]`)
	piece, pieceDigest := hide(`["salt-3","専門"]`)
	exp, expDigest := hide(`["salt-4","exp",` + at(time.Hour) + `]`)
	inner, innerDigest := hide(`["salt-5","inner",{"_sd":["` + nameDigest + `"]}]`)
	reserved, reservedDigest := hide(`["salt-6","_sd",[]]`)
	dots, dotsDigest := hide(`["salt-7","...","x"]`)
	four, fourDigest := hide(`["salt-8","a","b","c"]`)
	unsalted, unsaltedDigest := hide(`[1,"a","b"]`)
	twice, twiceDigest := hide(`["salt-9","a",{"b":1,"b":2}]`)
	payload := func(more string) string { return `{` + open + more + `}` }
	sd := func(digests ...string) string { return `,"_sd":["` + strings.Join(digests, `","`) + `"]` }
	good := forge(t, key, header, payload(sd(nameDigest)+`,"_sd_alg":"sha-256"`), name)
	if _, err := sdjwt.VerifyVC(good, policy(&key.PublicKey)); err != nil {
		t.Fatal(err)
	}
	withMAC := func() string { // the public key as the secret (RFC 8725 §2.1)
		b64 := base64.RawURLEncoding.EncodeToString
		toSign := b64([]byte(`{"alg":"HS256","typ":"dc+sd-jwt"}`)) + "." + b64([]byte(payload("")))
		mac := hmac.New(sha256.New, formattest.Must[[]byte](t)(x509.MarshalPKIXPublicKey(&key.PublicKey)))
		mac.Write([]byte(toSign))
		return toSign + "." + b64(mac.Sum(nil)) + "~"
	}
	deep := strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 20)
	type row struct {
		name  string
		token string
		key   crypto.PublicKey
		want  error
	}
	rows := []row{
		{"another key", good, &formattest.Key(t).PublicKey, jws.BadSignature},
		{"another curve", good, &p384.PublicKey, jws.WrongKey},
		{"RSA", good, &rsaKey.PublicKey, jws.WrongKey},
		{"no key", good, nil, jws.WrongKey},
		{"alg none", forge(t, key, `{"alg":"none","typ":"dc+sd-jwt"}`, payload("")), nil, jws.WrongAlgorithm},
		{"alg HS256", withMAC(), nil, jws.WrongAlgorithm},
		{"alg ES384", forge(t, key, `{"alg":"ES384","typ":"dc+sd-jwt"}`, payload("")), nil, jws.WrongAlgorithm},
		{"alg missing", forge(t, key, `{"typ":"dc+sd-jwt"}`, payload("")), nil, jws.WrongAlgorithm},
		{"typ missing", forge(t, key, `{"alg":"ES256"}`, payload("")), nil, jws.WrongType},
		{"typ of a proof", forge(t, key, `{"alg":"ES256","typ":"kb+jwt"}`, payload("")), nil, jws.WrongType},
		{"typ of earlier drafts", forge(t, key, `{"alg":"ES256","typ":"vc+sd-jwt"}`, payload("")), nil, jws.WrongType},
		{"crit", forge(t, key, `{"alg":"ES256","typ":"dc+sd-jwt","crit":["b64"],"b64":false}`, payload("")), nil, jws.UnknownHeader},
		{"jwk in the header", forge(t, key, `{"alg":"ES256","typ":"dc+sd-jwt","jwk":{}}`, payload("")), nil, jws.UnknownHeader},
		{"x5c not a list", forge(t, key, `{"alg":"ES256","typ":"dc+sd-jwt","x5c":"MII"}`, payload("")), nil, jws.BadChain},
		{"header member twice", forge(t, key, `{"alg":"none","alg":"ES256","typ":"dc+sd-jwt"}`, payload("")), nil, jws.Duplicate},
		{"claim twice", forge(t, key, header, payload(`,"vct":"x"`)), nil, jws.Duplicate},
		{"claim twice inside", forge(t, key, header, payload(`,"a":{"b":1,"b":2}`)), nil, jws.Duplicate},
		{"claim twice inside a disclosure", forge(t, key, header, payload(sd(twiceDigest)), twice), nil, jws.Duplicate},
		{"payload a list", forge(t, key, header, `[]`), nil, jws.Malformed},
		{"bytes behind the payload", forge(t, key, header, payload("")+`{}`), nil, jws.Malformed},
		{"lone surrogate", forge(t, key, header, payload(`,"a":"\ud800"`)), nil, jws.Malformed},
		{"signature cut", strings.Replace(good, "~", "", 1), nil, jws.Malformed},
		{"no tilde", strings.Split(good, "~")[0], nil, sdjwt.Malformed},
		{"digest algorithm", forge(t, key, header, payload(sd(nameDigest)+`,"_sd_alg":"sha-1"`), name), nil, sdjwt.WrongDigest},
		{"digest algorithm inside", forge(t, key, header, payload(`,"a":{"_sd_alg":"sha-256"}`)), nil, sdjwt.ReservedName},
		{"digests no list", forge(t, key, header, payload(`,"_sd":"`+nameDigest+`"`), name), nil, sdjwt.Malformed},
		{"digest no text", forge(t, key, header, payload(`,"_sd":[1]`)), nil, sdjwt.Malformed},
		{"digest twice", forge(t, key, header, payload(sd(nameDigest, nameDigest)), name), nil, sdjwt.DoubledDigest},
		{"digest twice, kept", forge(t, key, header, payload(sd(nameDigest)+`,"a":{"_sd":["`+nameDigest+`"]}`)), nil, sdjwt.DoubledDigest},
		{"digest twice by a disclosure", forge(t, key, header, payload(sd(nameDigest, innerDigest)), name, inner), nil, sdjwt.DoubledDigest},
		{"disclosure twice", forge(t, key, header, payload(sd(nameDigest)), name, name), nil, sdjwt.DoubledDisclosure},
		{"disclosure of nothing", forge(t, key, header, payload(sd(nameDigest)), other), nil, sdjwt.Unreferenced},
		{"disclosure inside one that was kept", forge(t, key, header, payload(sd(innerDigest)), name), nil, sdjwt.Unreferenced},
		{"claim named twice by disclosures", forge(t, key, header, payload(sd(nameDigest, otherDigest)), name, other), nil, sdjwt.DoubledClaim},
		{"claim that is open already", forge(t, key, header, payload(sd(nameDigest)+`,"name":"別人"`), name), nil, sdjwt.DoubledClaim},
		{"element as a claim", forge(t, key, header, payload(sd(pieceDigest)), piece), nil, sdjwt.Malformed},
		{"claim as an element", forge(t, key, header, payload(`,"a":[{"...":"`+nameDigest+`"}]`), name), nil, sdjwt.Malformed},
		{"element with more", forge(t, key, header, payload(`,"a":[{"...":"`+pieceDigest+`","b":1}]`), piece), nil, sdjwt.ReservedName},
		{"element outside a list", forge(t, key, header, payload(`,"a":{"...":"`+pieceDigest+`"}`), piece), nil, sdjwt.ReservedName},
		{"disclosed name _sd", forge(t, key, header, payload(sd(reservedDigest)), reserved), nil, sdjwt.ReservedName},
		{"disclosed name ...", forge(t, key, header, payload(sd(dotsDigest)), dots), nil, sdjwt.ReservedName},
		{"disclosure of four", forge(t, key, header, payload(sd(fourDigest)), four), nil, sdjwt.Malformed},
		{"disclosure without salt", forge(t, key, header, payload(sd(unsaltedDigest)), unsalted), nil, sdjwt.Malformed},
		{"disclosure not in base64url", forge(t, key, header, payload(sd(nameDigest)), name+"="), nil, jws.Malformed},
		{"empty disclosure", forge(t, key, header, payload(sd(nameDigest)), name, ""), nil, jws.Malformed},
		{"hidden exp", forge(t, key, header, payload(sd(expDigest)), exp), nil, sdjwt.HiddenClaim},
		{"too deep", forge(t, key, header, payload(`,"a":`+deep)), nil, sdjwt.TooLong},
		{"too long", good + strings.Repeat("~", sdjwt.MaxBytes), nil, sdjwt.TooLong},
		{"too many", good + strings.Repeat("a~", sdjwt.MaxDisclosures+1), nil, sdjwt.TooLong},
		{"ended", forge(t, key, header, payload(`,"exp":`+at(0))), nil, sdjwt.Ended},
		{"not yet", forge(t, key, header, payload(`,"nbf":`+at(time.Hour))), nil, sdjwt.NotYet},
		{"from the future", forge(t, key, header, `{"vct":"x","iat":`+at(2*time.Minute)+`}`), nil, sdjwt.FromTheFuture},
		{"time as text", forge(t, key, header, payload(`,"exp":"`+at(time.Hour)+`"`)), nil, jws.Malformed},
		{"time with a fraction", forge(t, key, header, payload(`,"exp":`+at(time.Hour)+`.5`)), nil, jws.Malformed},
		{"time beyond all", forge(t, key, header, payload(`,"exp":9007199254740991`)), nil, jws.Malformed},
		{"no vct", forge(t, key, header, `{"iat":`+at(0)+`}`), nil, sdjwt.NoType},
		{"vct no text", forge(t, key, header, `{"vct":[]}`), nil, sdjwt.NoType},
		{"cnf without key", forge(t, key, header, payload(`,"cnf":{"kid":"x"}`)), nil, sdjwt.Malformed},
		{"cnf with a private key", forge(t, key, header, payload(`,"cnf":{"jwk":{"kty":"EC","crv":"P-256","x":"","y":"","d":""}}`)), nil, jws.WrongKey},
		{"cnf on another curve", forge(t, key, header, payload(`,"cnf":{"jwk":{"kty":"EC","crv":"P-384","x":"","y":""}}`)), nil, jws.WrongKey},
		{"status of another kind", forge(t, key, header, payload(`,"status":{"other":1}`)), nil, sdjwt.WrongStatus},
		{"status without index", forge(t, key, header, payload(`,"status":{"status_list":{"uri":"x"}}`)), nil, sdjwt.WrongStatus},
		{"status before the list", forge(t, key, header, payload(`,"status":{"status_list":{"uri":"x","idx":-1}}`)), nil, sdjwt.WrongStatus},
	}
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			public := c.key
			if public == nil && c.name != "no key" {
				public = &key.PublicKey
			}
			if _, err := sdjwt.VerifyVC(c.token, policy(public)); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	unknown := errors.New("an issuer nobody knows")
	p := policy(nil)
	p.Key = func(jws.Header, map[string]any) (crypto.PublicKey, error) { return nil, unknown }
	if _, err := sdjwt.VerifyVC(good, p); !errors.Is(err, unknown) {
		t.Errorf("got %v", err)
	}
}

func TestBindingRefusals(t *testing.T) {
	key, holder := formattest.Key(t), formattest.Key(t)
	token := issue(t, key, credential(&holder.PublicKey))
	unbound := issue(t, key, credential(nil))
	p := policy(&key.PublicKey)
	p.Binding = &sdjwt.Binding{Nonce: nonce, Audience: audience, MaxAge: 5 * time.Minute}
	all := func(sdjwt.Path) bool { return true }
	answer := func(change func(*sdjwt.Answer)) string {
		a := sdjwt.Answer{Nonce: nonce, Audience: audience, At: now(), Sign: formattest.Signer(holder)}
		change(&a)
		return formattest.Must[string](t)(sdjwt.Present(token, sdjwt.TypeVC, all, &a))
	}
	good := answer(func(*sdjwt.Answer) {})
	if _, err := sdjwt.VerifyVC(good, p); err != nil {
		t.Fatal(err)
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	binding := func(header, claims string) string {
		return token + strings.TrimSuffix(forge(t, holder, header, claims), "~")
	}
	claims := func(more string) string {
		return `{"nonce":"` + nonce + `","aud":"` + audience + `","iat":` + strconv.FormatInt(now().Unix(), 10) + `,"sd_hash":"` + hash(token) + `"` + more + `}`
	}
	if _, err := sdjwt.VerifyVC(binding(`{"alg":"ES256","typ":"kb+jwt"}`, claims(``)), p); err != nil {
		t.Fatal(err)
	}
	cut := strings.Split(good, "~")
	fewer := strings.Join(slices.Delete(slices.Clone(cut), 1, 2), "~")
	for _, c := range []struct {
		name  string
		token string
		want  error
	}{
		{"none", token, sdjwt.NoBinding},
		{"credential without a holder's key", unbound, sdjwt.NoBinding},
		{"a proof for a credential without a key", unbound + cut[len(cut)-1], sdjwt.NoBinding},
		{"another's key", answer(func(a *sdjwt.Answer) { a.Sign = formattest.Signer(key) }), jws.BadSignature},
		{"another question, a replay", answer(func(a *sdjwt.Answer) { a.Nonce = "an earlier one" }), sdjwt.WrongNonce},
		{"another verifier", answer(func(a *sdjwt.Answer) { a.Audience = "https://elsewhere.example" }), sdjwt.WrongAudience},
		{"too old", answer(func(a *sdjwt.Answer) { a.At = now().Add(-7 * time.Minute) }), sdjwt.StaleBinding},
		{"from the future", answer(func(a *sdjwt.Answer) { a.At = now().Add(2 * time.Minute) }), sdjwt.StaleBinding},
		{"a disclosure taken away", fewer, sdjwt.BadBinding},
		{"alg none", binding(`{"alg":"none","typ":"kb+jwt"}`, claims(``)), jws.WrongAlgorithm},
		{"typ missing", binding(`{"alg":"ES256"}`, claims(``)), jws.WrongType},
		{"typ of a credential", binding(`{"alg":"ES256","typ":"dc+sd-jwt"}`, claims(``)), jws.WrongType},
		{"claim twice", binding(`{"alg":"ES256","typ":"kb+jwt"}`, claims(`,"nonce":"x"`)), jws.Duplicate},
		{"audience a list", binding(`{"alg":"ES256","typ":"kb+jwt"}`, strings.Replace(claims(``), `"`+audience+`"`, `["`+audience+`"]`, 1)), sdjwt.WrongAudience},
		{"no time", binding(`{"alg":"ES256","typ":"kb+jwt"}`, strings.Replace(claims(``), `"iat"`, `"at"`, 1)), sdjwt.BadBinding},
		{"no hash", binding(`{"alg":"ES256","typ":"kb+jwt"}`, strings.Replace(claims(``), `"sd_hash"`, `"hash"`, 1)), sdjwt.BadBinding},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := sdjwt.VerifyVC(c.token, p); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	// Without a question a proof that belongs to other claims is refused all the same.
	p.Binding = nil
	if _, err := sdjwt.VerifyVC(fewer, p); !errors.Is(err, sdjwt.BadBinding) {
		t.Errorf("without a question: %v", err)
	}
}

func TestComposeRefuses(t *testing.T) {
	vc := credential(nil)
	vc.Claims = map[string]any{"exp": sdjwt.Hide(1)}
	vc.ExpiresAt = time.Time{}
	if _, err := (sdjwt.Composer{}).ComposeVC(jws.Header{}, vc); !errors.Is(err, fault.Internal) {
		t.Errorf("hiding exp: %v", err)
	}
	if _, err := (sdjwt.Composer{}).ComposeVC(jws.Header{}, sdjwt.VC{}); !errors.Is(err, fault.Internal) {
		t.Errorf("without a type: %v", err)
	}
	if _, err := (sdjwt.Composer{}).Compose(jws.Header{}, map[string]any{"_sd": 1}); !errors.Is(err, fault.Internal) {
		t.Errorf("a reserved name: %v", err)
	}
	broken := sdjwt.Composer{Salt: func() (string, error) { return "", errors.ErrUnsupported }}
	if _, err := broken.Compose(jws.Header{}, map[string]any{"a": sdjwt.Hide(1)}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without salts: %v", err)
	}
}

// What is written is what encoding/json writes of the same digests: members in the order of their names, those of the format
// among them, and the digest of what is nested in its disclosure.
func TestWhatIsWritten(t *testing.T) {
	salts := 0
	c := sdjwt.Composer{Salt: func() (string, error) {
		salts++
		return fmt.Sprintf("salt%d", salts), nil
	}}
	b64 := base64.RawURLEncoding.EncodeToString
	digest := func(disclosure string) string {
		sum := sha256.Sum256([]byte(b64([]byte(disclosure))))
		return b64(sum[:])
	}
	u := formattest.Must[*sdjwt.Unsigned](t)(c.Compose(jws.Header{Type: "x"}, map[string]any{"Z": 1, "_t": true, "a": sdjwt.Hide(map[string]any{"b": sdjwt.Hide("\"内\n"), "c": nil}),
		"d": []any{sdjwt.Hide("e"), []any{}}, "f": map[string]any{"g": sdjwt.Hide(2)}}))
	inner := digest(`["salt2","b","\"内\u000a"]`)
	want := formattest.Must[[]byte](t)(json.Marshal(map[string]any{"Z": 1, "_t": true, "_sd": []string{digest(`["salt1","a",{"_sd":["` + inner + `"],"c":null}]`)}, "_sd_alg": "sha-256",
		"d": []any{map[string]any{"...": digest(`["salt3","e"]`)}, []any{}}, "f": map[string]any{"_sd": []string{digest(`["salt4","g",2]`)}}}))
	_, payload, _ := strings.Cut(string(u.ToSign), ".")
	if got := formattest.Must[[]byte](t)(base64.RawURLEncoding.DecodeString(payload)); string(got) != string(want) {
		t.Errorf("wrote %s, not %s", got, want)
	}
}

// Whatever is hidden and shown again is what was there, and nothing kept can be read from what was handed over.
func TestSomeShown(t *testing.T) {
	key := formattest.Key(t)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zé漢]{1,8}`), 1, 12, rapid.ID[string]).Draw(t, "names")
		claims, show := map[string]any{}, map[string]bool{}
		for _, name := range names {
			claims[name] = sdjwt.Hide(rapid.String().Draw(t, "value"))
			show[name] = rapid.Bool().Draw(t, "shown")
		}
		u, err := sdjwt.Composer{Decoys: rapid.IntRange(0, 3).Draw(t, "decoys")}.Compose(jws.Header{Type: "x"}, claims)
		if err != nil {
			t.Fatal(err)
		}
		signature, _ := formattest.Signer(key)(u.ToSign)
		token, err := u.Assemble(signature)
		if err != nil {
			t.Fatal(err)
		}
		some, err := sdjwt.Present(token, "x", func(p sdjwt.Path) bool { return show[p[0]] }, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := policy(&key.PublicKey)
		p.Type = "x"
		v, err := sdjwt.Verify(some, p)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range show {
			if _, got := v.Claims[name]; got != want {
				t.Fatalf("%q: shown %t, want %t", name, got, want)
			}
		}
	})
}

func TestMetadata(t *testing.T) {
	m := sdjwt.Metadata{Type: vct, Display: []sdjwt.Display{{Locale: "ja", Name: "看護師"}, {Locale: "en", Name: "Registered nurse"}},
		Claims: []sdjwt.ClaimMetadata{{Path: []string{"name"}, SD: sdjwt.Always, Display: []sdjwt.ClaimDisplay{{Locale: "ja", Label: "氏名"}}}}}
	a, ia, err := m.Encode()
	b, ib, _ := m.Encode()
	if err != nil || string(a) != string(b) || ia != ib || !strings.HasPrefix(ia, "sha256-") || len(ia) != 7+44 {
		t.Errorf("%v, %q", err, ia)
	}
	var read map[string]any
	if err := json.Unmarshal(a, &read); err != nil || !slices.Equal(slices.Sorted(maps.Keys(read)), []string{"claims", "display", "vct"}) {
		t.Errorf("%v, %v", read, err)
	}
}

// FuzzVerify signs whatever it is given, so that the reading goes past the signature.
func FuzzVerify(f *testing.F) {
	key := formattest.Key(f)
	parts := strings.Split(issue(f, key, credential(&formattest.Key(f).PublicKey)), "~")
	payload := string(formattest.Must[[]byte](f)(jws.Decode64(strings.Split(parts[0], ".")[1])))
	f.Add(payload, strings.Join(parts[1:], "~"))
	name, digest := hide(`["s","name","x"]`)
	f.Add(`{"vct":"x","_sd":["`+digest+`"],"a":[{"...":"`+digest+`"}]}`, name+"~")
	f.Fuzz(func(t *testing.T, payload, rest string) {
		token := forge(t, key, `{"alg":"ES256","typ":"dc+sd-jwt"}`, payload) + rest
		v, err := sdjwt.VerifyVC(token, policy(&key.PublicKey))
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("an unclassified error: %v", err)
		}
		if err == nil {
			if text := fmt.Sprint(v.Claims); strings.Contains(text, "_sd_alg:") {
				t.Errorf("members of the format among the claims: %s", text)
			}
		}
		if _, err := sdjwt.Present(token, sdjwt.TypeVC, func(p sdjwt.Path) bool { return len(p)%2 == 0 }, nil); err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("presenting: an unclassified error: %v", err)
		}
	})
}

func BenchmarkIssue(b *testing.B) {
	key, holder := formattest.Key(b), formattest.Key(b)
	for b.Loop() {
		issue(b, key, credential(&holder.PublicKey))
	}
}

func BenchmarkECDSA(b *testing.B) {
	key := formattest.Key(b)
	for b.Loop() {
		if _, err := formattest.Signer(key)([]byte(nonce)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	holder := formattest.Key(b)
	vc := credential(&holder.PublicKey)
	for b.Loop() {
		if _, err := (sdjwt.Composer{Decoys: 2}).ComposeVC(jws.Header{KID: "C-1"}, vc); err != nil {
			b.Fatal(err)
		}
	}
}
