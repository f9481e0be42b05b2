package verification_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	gocose "github.com/veraison/go-cose"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/formattest"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// issued returns a world with a signed credential and the text of its QR code.
func issued(t testing.TB) (*casetest.World, string) {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 || held[0].Credential == nil {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	url, err := held[0].Credential.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	return w, url
}

// bent returns the credential with one byte of the payload changed and still well-formed.
func bent(t testing.TB, url string) string {
	t.Helper()
	message, err := cose.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(message, []byte("見本"), []byte("見木"), 1)
	if bytes.Equal(changed, message) {
		t.Fatal("the name is not in the payload")
	}
	return base64.StdEncoding.EncodeToString(changed)
}

func keySet(t testing.TB, w *casetest.World) verification.KeySet {
	t.Helper()
	set, err := w.Verifier.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func parsed(t testing.TB, w *casetest.World) verification.KeySet {
	t.Helper()
	raw, err := keySet(t, w).JWKS()
	if err != nil {
		t.Fatal(err)
	}
	set, err := verification.ParseKeySet(raw)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestOfflineCheck(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	set := parsed(t, w).For(credential.ForCredential)
	now := casetest.Start()
	if len(set) != 1 || set[0].Registrar != "mhlw" || len(set[0].Registers) == 0 || !set[0].NotBefore.Equal(keySet(t, w)[0].NotBefore) {
		t.Fatalf("the published keys read back are %+v", set)
	}
	with := func(change func(*verification.PublishedKey)) verification.KeySet {
		k := set[0]
		change(&k)
		return verification.KeySet{k}
	}
	for _, c := range []struct {
		name       string
		set        verification.KeySet
		text       string
		verdict    verification.Verdict
		untampered verification.Outcome
		issuer     verification.Outcome
		reason     verification.Refusal
	}{
		{"genuine", set, url, verification.CannotTell, verification.Yes, verification.Yes, verification.NoPlace},
		{"changed", set, bent(t, url), verification.Tampered, verification.No, verification.Unknown, ""},
		{"no message", set, "見本", verification.Unreadable, verification.Unknown, verification.Unknown, ""},
		{"key not in the set", verification.KeySet{}, url, verification.CannotTell, verification.Unknown, verification.Unknown, verification.UnknownKey},
		{"key for status lists", with(func(k *verification.PublishedKey) { k.Purpose = "status" }), url, verification.UnknownIssuer, verification.Unknown, verification.No, verification.WrongPurpose},
		{"key for documents", with(func(k *verification.PublishedKey) { k.Purpose = "document" }), url, verification.UnknownIssuer, verification.Unknown, verification.No, verification.WrongPurpose},
		{"key for mobile documents", with(func(k *verification.PublishedKey) { k.Purpose = "mdoc" }), url, verification.UnknownIssuer, verification.Unknown, verification.No, verification.WrongPurpose},
		{"key of another register", with(func(k *verification.PublishedKey) { k.Registers = []string{"JKSA"} }), url, verification.UnknownIssuer, verification.Unknown, verification.No, verification.WrongRegister},
		{"distrusted key", with(func(k *verification.PublishedKey) { k.DistrustedAt = &now }), url, verification.UnknownIssuer, verification.Unknown, verification.No, verification.Distrusted},
		{"retired key", with(func(k *verification.PublishedKey) { k.RetiredAt = &now }), url, verification.CannotTell, verification.Yes, verification.Yes, verification.NoPlace},
	} {
		r := c.set.Check(c.text, now)
		if r.Verdict != c.verdict || r.Untampered != c.untampered || r.Issuer != c.issuer || r.Status != verification.Unknown || r.Reason != string(c.reason) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if shown := r.Facts != nil; shown != (c.untampered == verification.Yes) {
			t.Errorf("%s: facts %v", c.name, r.Facts)
		}
	}
}

// TestKeysInAnotherImplementation: the COSE keys are read, and verify the credential, in go-cose.
func TestKeysInAnotherImplementation(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	raw, err := keySet(t, w).COSE()
	if err != nil {
		t.Fatal(err)
	}
	var keys []cbor.RawMessage
	if err := cbor.Unmarshal(raw, &keys); err != nil || len(keys) != len(credential.Purposes) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	var key gocose.Key
	if err := key.UnmarshalCBOR(keys[0]); err != nil {
		t.Fatal(err)
	}
	if string(key.ID) != "mhlw-test" || key.Params["registrar"] != "mhlw" || key.Params["purpose"] != "credential" || key.Params["x5chain"] == nil || key.Params["not_after"] == nil {
		t.Errorf("key %q with %v", key.ID, key.Params)
	}
	message, err := cose.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	var sign1 gocose.Sign1Message
	if err := sign1.UnmarshalCBOR(message); err != nil {
		t.Fatal(err)
	}
	verifier, err := key.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if err := sign1.Verify(nil, verifier); err != nil {
		t.Error(err)
	}
}

// TestEveryPurposeIsPublished: each key says what it is for, and carries its certificates; a set that does not say it is none.
func TestEveryPurposeIsPublished(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	set := parsed(t, w)
	var purposes []credential.Purpose
	for _, k := range set {
		purposes = append(purposes, credential.Purpose(k.Purpose))
		if len(k.Chain) != 2 || k.RetiredAt != nil || k.RegistrarName != "厚生労働省" {
			t.Errorf("%s: %+v", k.KID, k)
		}
	}
	slices.Sort(purposes)
	if !slices.Equal(purposes, slices.Sorted(slices.Values(credential.Purposes))) {
		t.Errorf("published for %v", purposes)
	}
	for _, purpose := range []string{"", "verifier", "Credential"} {
		bent := slices.Clone(set)
		bent[0].Purpose = purpose
		raw, err := bent.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verification.ParseKeySet(raw); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "purpose") {
			t.Errorf("purpose %q: %v, want a fault of kind invalid", purpose, err)
		}
	}
}

// TestAuthorities: who certifies the keys that may have signed a qualification's credentials; nobody where one key has no certificate.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	own := casetest.Anchor(t).SubjectKeyId
	ask := func(qualification string) [][]byte {
		ids, err := w.Verifier.Authorities(t.Context(), credential.ForCredential, qualification)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	change := func(sql string) {
		if err := w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, qualification := range []string{"", "kangoshi"} {
		if ids := ask(qualification); len(ids) != 1 || !bytes.Equal(ids[0], own) {
			t.Errorf("%q: %x, want %x", qualification, ids, own)
		}
	}
	if ids := ask("shakai-fukushishi"); len(ids) != 0 {
		t.Errorf("a registrar without keys: %x", ids)
	}
	change(`update signing_key set chain = '{}' where purpose = 'credential'`)
	if ids := ask("kangoshi"); len(ids) != 0 {
		t.Errorf("a key without a certificate: %x", ids)
	}
	change(`update signing_key set distrusted_at = not_before`)
	if ids := ask("kangoshi"); len(ids) != 0 {
		t.Errorf("distrusted: %x", ids)
	}
}

// TestSuccession: a key that is published before it signs leaves the one before it in use until then.
func TestSuccession(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := w.Clock.Now().Add(10 * time.Minute).Truncate(time.Second)
	worker := w.DB.As(pg.RoleWorker)
	if err := credential.PublishKeys(t.Context(), worker, credential.SigningKey{KID: "mhlw-next", Registrar: "mhlw", Purpose: credential.ForCredential,
		Public: &next.PublicKey, NotBefore: from}); err != nil {
		t.Fatal(err)
	}
	signs := func() (kid string) {
		if err := worker.Platform(t.Context(), func(tx *pg.Tx) error {
			k, err := credential.KeyFor(t.Context(), tx, "mhlw", credential.ForCredential)
			if err == nil {
				kid = k.KID
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return kid
	}
	if kid := signs(); kid != "mhlw-test" {
		t.Errorf("before its time signs %s", kid)
	}
	w.Clock.Set(from)
	if kid := signs(); kid != "mhlw-next" {
		t.Errorf("from its time on signs %s", kid)
	}
	set := parsed(t, w).For(credential.ForCredential)
	if len(set) != 2 || set[0].RetiredAt == nil || !set[0].RetiredAt.Equal(from) || set[1].RetiredAt != nil || set[1].NotAfter() != nil {
		t.Errorf("published: %+v", set)
	}
	if r := w.Verifier.CheckText(t.Context(), url); r.Verdict != verification.Valid {
		t.Errorf("what the retired key signed: %+v", r)
	}
}

func TestKeySetsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "[]", "{}", `{"keys":[{}]}`, `{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","kid":"x","x":"AA","y":"AA"}]}`} {
		if _, err := verification.ParseKeySet([]byte(raw)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want a fault of kind invalid", raw, err)
		}
	}
}

// TestADistrustedKeyIsNotBelieved: the same signature, which held a moment ago.
func TestADistrustedKeyIsNotBelieved(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	if r := w.Verifier.CheckText(t.Context(), url); r.Verdict != verification.Valid {
		t.Fatalf("before: %+v", r)
	}
	if err := w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `update signing_key set distrusted_at = $1`, tx.Now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if r := w.Verifier.CheckText(t.Context(), url); r.Verdict != verification.UnknownIssuer || r.Issuer != verification.No || r.Facts != nil {
		t.Errorf("after: %+v", r)
	}
	if set := parsed(t, w); set[0].DistrustedAt == nil {
		t.Error("the published key does not say that it is distrusted")
	}
}

// TestSilenceIsNoAnswer: a register that cannot be asked makes the verdict "cannot tell", and the log says why without
// anything of the credential.
func TestSilenceIsNoAnswer(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	var log bytes.Buffer
	v := &verification.Verifier{DB: w.Verifier.DB, Catalogue: w.Catalogue, Log: slog.New(slog.NewTextHandler(&log, nil))}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := v.CheckText(ctx, url); r.Verdict != verification.CannotTell || r.Untampered != verification.Unknown || r.Facts != nil {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(log.String(), "could not be completed") || strings.Contains(log.String(), "KGMH") {
		t.Errorf("the log says %s", log.String())
	}
}

func FuzzCheckText(f *testing.F) {
	w, url := issued(f)
	set := keySet(f, w)
	for _, seed := range []string{"", url, bent(f, url), "https://check.example/w/?c=", "c=0oRD", strings.TrimPrefix(url, "https://")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := w.Verifier.CheckText(context.Background(), text)
		offline := set.Check(text, r.CheckedAt)
		if (r.Verdict == verification.Valid) != (offline.Verdict == verification.CannotTell && offline.Untampered == verification.Yes) {
			t.Fatalf("by the register %+v, by the keys %+v", r, offline)
		}
		if r.Untampered != verification.Yes && r.Facts != nil {
			t.Fatalf("unproven facts are shown: %+v", r)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkCheckText is the bare loop with which the verification API is compared.
func BenchmarkCheckText(b *testing.B) {
	w, url := issued(b)
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			if r := w.Verifier.CheckText(context.Background(), url); r.Verdict != verification.Valid {
				b.Fatal(r)
			}
		}
	})
}

// TestAnOldKeyCannotSpeakForALaterCredential: a key that the registrar has published, but that did not sign the
// credential of which the register knows the id.
func TestAnOldKeyCannotSpeakForALaterCredential(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	message, err := cose.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	genuine, err := cose.Decode(message)
	if err != nil {
		t.Fatal(err)
	}
	old := formattest.Key(t)
	from := w.Clock.Now().AddDate(-5, 0, 0)
	if err := credential.PublishKeys(t.Context(), w.DB.As(pg.RoleWorker), credential.SigningKey{KID: "mhlw-old", Registrar: "mhlw",
		Purpose: credential.ForCredential, Public: &old.PublicKey, NotBefore: from}); err != nil {
		t.Fatal(err)
	}
	toSign, err := cose.ToBeSigned(genuine.Protected, genuine.Payload)
	if err != nil {
		t.Fatal(err)
	}
	signature := formattest.Sign(t, old, toSign)
	forged, err := cose.Assemble(genuine.Protected, "mhlw-old", genuine.Payload, signature)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Verifier.CheckText(t.Context(), cose.URL("https://check.example/w/", forged)); got.Verdict != verification.UnknownIssuer || got.Issuer != verification.No {
		t.Errorf("%+v, want unknown_issuer", got)
	}
}
