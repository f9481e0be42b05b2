package presentation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/fault"
	"akashi/internal/format/mdoc"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/verification"
	"akashi/qualifications"
)

// TestEveryCredentialHasWhatIsAsked: otherwise its holder could not answer.
func TestEveryCredentialHasWhatIsAsked(t *testing.T) {
	t.Parallel()
	cat, err := qualification.Load(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range cat.List() {
		for _, label := range asked {
			if d.Credential.Fields[label] == "" {
				t.Errorf("%s has no %s", d.ID, label)
			}
		}
	}
	kinds := KindsOf(cat, "https://check.example")
	if len(kinds.VCTs) != len(cat.List()) {
		t.Errorf("%d types for %d definitions", len(kinds.VCTs), len(cat.List()))
	}
	for _, f := range kinds.Facts {
		if f.SDJWT[0] == "" {
			t.Errorf("%s has no name outside", f.Label)
		}
	}
}

// queryText is a query in the words of OpenID4VP 1.0 §6, with what ours do not use by themselves: a place in a list, all
// places of one, and two sets.
const queryText = `{"credentials":[
 {"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["t1","t2"]},"claims":[{"path":["name"]},{"path":["degrees",1,"type"],"values":["B"]},{"path":["degrees",null,"type"]}]},
 {"id":"b","format":"mso_mdoc","meta":{"doctype_value":"d"},"claims":[{"path":["ns","day"],"values":["2026-12-01"]},{"path":["ns","n"],"values":[3,4]}]},
 {"id":"c","format":"mso_mdoc","meta":{"doctype_value":"d"}}],
 "credential_sets":[{"options":[["a"],["b","c"]]}]}`

func TestQueries(t *testing.T) {
	t.Parallel()
	q, err := ParseQuery([]byte(queryText))
	if err != nil {
		t.Fatal(err)
	}
	a := func(change func(*Shown)) Shown {
		s := Shown{Query: "a", Format: FormatSDJWT, Type: "t2", Claims: map[string]any{"name": "n", "more": true,
			"degrees": []any{map[string]any{"type": "A"}, map[string]any{"type": "B"}}}}
		if change != nil {
			change(&s)
		}
		return s
	}
	b := func(change func(map[string]any)) Shown {
		space := map[string]any{"day": mdoc.Date("2026-12-01"), "n": int64(4)}
		if change != nil {
			change(space)
		}
		return Shown{Query: "b", Format: FormatMDoc, Type: "d", Claims: map[string]any{"ns": space}}
	}
	c := Shown{Query: "c", Format: FormatMDoc, Type: "d", Claims: map[string]any{}}
	for _, one := range []struct {
		name  string
		shown []Shown
		want  error
	}{
		{"the first option", []Shown{a(nil)}, nil},
		{"the second option", []Shown{b(nil), c}, nil},
		{"nothing", nil, NothingShown},
		{"half an option", []Shown{b(nil)}, NothingShown},
		{"both options", []Shown{a(nil), b(nil), c}, NotAsked},
		{"one twice", []Shown{a(nil), a(nil)}, NotAsked},
		{"something else beside it", []Shown{a(nil), {Query: "x"}}, NotAsked},
		{"another format", []Shown{a(func(s *Shown) { s.Format = FormatMDoc })}, WrongFormat},
		{"another type", []Shown{a(func(s *Shown) { s.Type = "t3" })}, WrongType},
		{"another document type", []Shown{b(nil), {Query: "c", Format: FormatMDoc, Type: "e"}}, WrongType},
		{"no name", []Shown{a(func(s *Shown) { delete(s.Claims, "name") })}, MissingClaim},
		{"a shorter list", []Shown{a(func(s *Shown) { s.Claims["degrees"] = []any{} })}, MissingClaim},
		{"no list", []Shown{a(func(s *Shown) { s.Claims["degrees"] = "A" })}, MissingClaim},
		{"another value", []Shown{a(func(s *Shown) { s.Claims["degrees"] = []any{nil, map[string]any{"type": "C"}} })}, WrongValue},
		{"another day", []Shown{b(func(s map[string]any) { s["day"] = mdoc.Date("2026-12-02") }), c}, WrongValue},
		{"a number as text", []Shown{b(func(s map[string]any) { s["n"] = "4" }), c}, WrongValue},
	} {
		if err := q.Check(one.shown); !errors.Is(err, one.want) || one.want != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want %v", one.name, err, one.want)
		}
	}
	q.Sets = nil
	if err := q.Check([]Shown{a(nil), b(nil), c}); err != nil {
		t.Errorf("without sets all are wanted: %v", err)
	}
	if err := q.Check([]Shown{a(nil)}); !errors.Is(err, NothingShown) {
		t.Errorf("without sets one is too little: %v", err)
	}
}

// TestStoredQueriesComeBack: what is asked is what is compared later.
func TestStoredQueriesComeBack(t *testing.T) {
	t.Parallel()
	k := Kinds{VCTs: []string{"x", "y"}, VCT: func(string) string { return "y" }, DocType: "d",
		Facts: []Fact{{Label: "CI", SDJWT: []any{"id"}, MDoc: []any{"d", "id"}, Quality: true}}}
	raw, err := json.Marshal(k.Ask(Subject{Qualification: "kangoshi"}, Authorities{SDJWT: [][]byte{{1, 2, 3}, {0xff}}}))
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	good := Shown{Query: askMDoc, Format: FormatMDoc, Type: "d", Claims: map[string]any{"d": map[string]any{"id": "kangoshi"}}}
	if err := q.Check([]Shown{good}); err != nil {
		t.Error(err)
	}
	if by := q.Credentials[0].Authorities; len(by) != 1 || by[0].Type != "aki" || !slices.Equal(by[0].Values, []string{"AQID", "_w"}) || q.Credentials[1].Authorities != nil {
		t.Errorf("authorities %v and %v", by, q.Credentials[1].Authorities)
	}
	if vcts := q.Credentials[0].Meta.VCTs; !slices.Equal(vcts, []string{"y"}) {
		t.Errorf("types %v", vcts)
	}
}

// question is a transaction with the key to which its answers are encrypted.
func question(t testing.TB, mode string) (*Transaction, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Transaction{ID: pg.NewID(), Mode: mode}, key
}

func encrypted(t testing.TB, to *ecdsa.PublicKey, alg jose.KeyAlgorithm, enc jose.ContentEncryption, text string, options *jose.EncrypterOptions) string {
	t.Helper()
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: to}, options)
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Encrypt([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswersAreOpened(t *testing.T) {
	t.Parallel()
	q, key := question(t, Encrypted)
	plain, _ := question(t, Plain)
	good := `{"vp_token":{"sdjwt":["x"]},"state":"s"}`
	for _, enc := range encodings {
		o, err := q.open(Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, enc, good, nil)}, key)
		if err != nil || o.state != "s" || o.shown["sdjwt"] != "x" {
			t.Errorf("%s: %+v, %v", enc, o, err)
		}
	}
	if o, err := q.open(Answer{Error: "access_denied", State: "s"}, key); err != nil || o.error != "access_denied" {
		t.Errorf("an error in the clear: %+v, %v", o, err)
	}
	if o, err := q.open(Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, `{"error":"access_denied","state":"s"}`, nil)}, key); err != nil || o.error != "access_denied" || o.state != "s" {
		t.Errorf("an encrypted error: %+v, %v", o, err)
	}
	_, other := question(t, Encrypted)
	header := func(name string, value any) *jose.EncrypterOptions {
		return (&jose.EncrypterOptions{}).WithHeader(jose.HeaderKey(name), value)
	}
	for _, c := range []struct {
		name string
		t    *Transaction
		a    Answer
		want Refusal
	}{
		{"in the clear", q, Answer{VPToken: `{"sdjwt":["x"]}`}, NotEncrypted},
		{"encrypted, unasked", plain, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, good, nil)}, Malformed},
		{"to another key", q, Answer{Response: encrypted(t, &other.PublicKey, jose.ECDH_ES, jose.A256GCM, good, nil)}, BadEncryption},
		{"another key agreement", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES_A256KW, jose.A256GCM, good, nil)}, BadEncryption},
		{"another encoding", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A128CBC_HS256, good, nil)}, BadEncryption},
		{"compressed", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, good, &jose.EncrypterOptions{Compression: jose.DEFLATE})}, BadEncryption},
		{"for another key id", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, good, header("kid", "another"))}, BadEncryption},
		{"with a header nobody knows", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, good, header("x", "y"))}, BadEncryption},
		{"no JSON inside", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, "x", nil)}, Malformed},
		{"members given twice", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, `{"state":"s","state":"t"}`, nil)}, Malformed},
		{"a state that is a number", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, `{"state":1}`, nil)}, Malformed},
		{"no presentations", q, Answer{Response: encrypted(t, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, `{"state":"s"}`, nil)}, Malformed},
		{"not encrypted by a trick", q, Answer{Response: base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "...."}, BadEncryption},
		{"no list", plain, Answer{VPToken: `{"sdjwt":"x"}`}, Malformed},
		{"an empty list", plain, Answer{VPToken: `{"sdjwt":[]}`}, Malformed},
		{"a presentation that is an object", plain, Answer{VPToken: `{"sdjwt":[{}]}`}, Malformed},
		{"an empty presentation", plain, Answer{VPToken: `{"sdjwt":[""]}`}, Malformed},
		{"queries given twice", plain, Answer{VPToken: `{"sdjwt":["x"],"sdjwt":["y"]}`}, Malformed},
		{"many", plain, Answer{VPToken: `{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"]}`}, Malformed},
		{"nothing", plain, Answer{}, Malformed},
	} {
		if _, err := c.t.open(c.a, key); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// TestResultsAreSealed: only the secret opens them.
func TestResultsAreSealed(t *testing.T) {
	t.Parallel()
	token, err := secret()
	if err != nil {
		t.Fatal(err)
	}
	key, err := resultKey(token)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal(verification.Result{Verdict: verification.Valid, Facts: map[string]string{"UN": "見本"}}, &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := unseal(sealed, token); err != nil || r.Facts["UN"] != "見本" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := unseal(sealed, token+"x"); !errors.Is(err, fault.Internal) {
		t.Errorf("with another secret: %v", err)
	}
	if once, again := derive(token, "same"), derive(token, "same"); once != again || once == derive(token, "cross") {
		t.Error("derived secrets")
	}
}

func FuzzOpen(f *testing.F) {
	plain, key := question(f, Plain)
	locked := *plain
	locked.Mode = Encrypted
	good := `{"vp_token":{"sdjwt":["x"]},"state":"s"}`
	f.Add(`{"sdjwt":["x"]}`, encrypted(f, &key.PublicKey, jose.ECDH_ES, jose.A256GCM, good, nil))
	f.Add(`{"mdoc":["o2"],"sdjwt":["a","b"]}`, "a.b.c.d.e")
	f.Fuzz(func(t *testing.T, token, response string) {
		_, one := plain.open(Answer{VPToken: token}, key)
		_, other := locked.open(Answer{Response: response}, key)
		for _, err := range []error{one, other} {
			var why Refusal
			if err != nil && (!errors.As(err, &why) || !errors.Is(err, fault.Invalid)) {
				t.Fatalf("not classified: %v", err)
			}
		}
	})
}
