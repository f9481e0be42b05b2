package interop

import (
	"akashi/internal/format/formattest"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"akashi/internal/connector/signer"
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/format/sdjwt"
	"akashi/internal/format/statuslist"
)

const (
	site     = "https://verify.example.jp"
	listURI  = site + "/status/KNGS/1"
	audience = "https://hospital.example.jp"
	nonce    = "n-0S6_WzA2Mj"
)

func now() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC) }

// issued is a registrar with its keys, a holder, and what the holder has.
type issued struct {
	issuer, status, holder *ecdsa.PrivateKey
	anchor                 string // PEM
	facts                  form.Facts
	by                     form.Issuer
}

func registrar(t *testing.T) *issued {
	t.Helper()
	w := &issued{issuer: formattest.Key(t), status: formattest.Key(t), holder: formattest.Key(t)}
	ca := formattest.Must[*signer.CA](t)(signer.NewCA("見本認証局", now().AddDate(0, -1, 0)))
	chain := formattest.Must[[]*x509.Certificate](t)(ca.Issue(signer.Key{KID: "C-1", Registrar: "mhlw", Purpose: "credential", Public: &w.issuer.PublicKey}, "厚生労働省", now().AddDate(0, -1, 0)))
	w.anchor = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw}))
	w.by = form.Issuer{Registrar: "mhlw", Name: form.Text{JA: "厚生労働省"}, URI: "https://api.example.jp/issuers/mhlw", KID: "C-1", Public: &w.issuer.PublicKey, Chain: chain}
	w.facts = formattest.Must[form.Facts](t)(form.Read(map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: "海事\u3000太郎", cose.HolderBirthDate: "1998-04-01", cose.RegistrationNumber: "第1234567号",
		cose.QualificationID: "kangoshi", cose.CertificateID: "KNGS0123456789X", cose.IssuerName: "厚生労働大臣",
	}, form.Record{Register: "kangoshi.mhlw", RegisterCode: "KNGS", Registrar: "mhlw", Detail: form.Detail{TitleEN: "Registered nurse"}}))
	return w
}

func (w *issued) place(index int) form.StatusRef {
	return form.StatusRef{URI: listURI, Index: index, RegisterCode: "KNGS", ListNo: 1}
}

func (w *issued) sdjwt(t *testing.T, index int, key *ecdsa.PrivateKey, change func(*form.Copy)) string {
	t.Helper()
	c := form.Copy{Site: site, Now: now(), Holder: &w.holder.PublicKey}
	if change != nil {
		change(&c)
	}
	u := formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(w.facts, w.by, w.place(index), c))
	return formattest.Must[string](t)(u.Assemble(formattest.Must[[]byte](t)(formattest.Signer(key)(u.ToSign))))
}

// list is the status list: entry 1 is revoked, entry 2 suspended.
func (w *issued) list(t *testing.T, entries int, key *ecdsa.PrivateKey, subject string, made time.Time) (string, []byte) {
	t.Helper()
	l := formattest.Must[*statuslist.List](t)(statuslist.New(entries, 2))
	for index, s := range map[int]statuslist.Status{1: statuslist.Invalid, 2: statuslist.Suspended} {
		if err := l.Set(index, s); err != nil {
			t.Fatal(err)
		}
	}
	jwt, cwt, err := l.Sign(statuslist.Claims{Subject: subject, IssuedAt: made, ExpiresAt: made.Add(24 * time.Hour), TTL: 5 * time.Minute},
		statuslist.Signer{KID: "S-1", Sign: formattest.Signer(key)})
	if err != nil {
		t.Fatal(err)
	}
	return jwt, cwt
}

func (w *issued) present(t *testing.T, token string, key *ecdsa.PrivateKey, a sdjwt.Answer, wanted ...string) string {
	t.Helper()
	a.At, a.Sign = now(), formattest.Signer(key)
	return formattest.Must[string](t)(sdjwt.Present(token, sdjwt.TypeVC, func(p sdjwt.Path) bool { return slices.Contains(wanted, p.String()) }, &a))
}

func jwk(t *testing.T, key *ecdsa.PrivateKey) map[string]any {
	t.Helper()
	return formattest.Must[map[string]any](t)(jws.JWK(&key.PublicKey))
}

// privateJWK is the key with its private part, for a program that signs.
func privateJWK(t *testing.T, key *ecdsa.PrivateKey) map[string]any {
	t.Helper()
	out := jwk(t, key)
	out["d"] = base64.RawURLEncoding.EncodeToString(formattest.Must[[]byte](t)(key.Bytes()))
	return out
}

// flip changes one character in the middle of a part of a token.
func flip(text string, part int) string {
	parts := strings.Split(text, ".")
	b := []byte(parts[part])
	middle := len(b) / 2
	if b[middle] == 'A' {
		b[middle] = 'B'
	} else {
		b[middle] = 'A'
	}
	parts[part] = string(b)
	return strings.Join(parts, ".")
}

// resigned puts another algorithm into the header of a token's first part, and another signature under it.
func resigned(text, alg string, sign func(text string) []byte) string {
	parts := strings.Split(text, ".")
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`","typ":"dc+sd-jwt"}`)) + "." + parts[1]
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(signed)) + parts[2][strings.Index(parts[2], "~"):]
}

type sdjwtCase struct {
	Name      string            `json:"name"`
	Token     string            `json:"token,omitempty"`
	Issuer    map[string]any    `json:"issuer,omitempty"`
	Anchor    string            `json:"anchor,omitempty"`
	StatusKey map[string]any    `json:"statusKey,omitempty"`
	Lists     map[string]string `json:"lists,omitempty"`
	Nonce     string            `json:"nonce,omitempty"`
	Audience  string            `json:"audience,omitempty"`
	Metadata  string            `json:"metadata,omitempty"`
	Now       int64             `json:"now"`
	holds     bool
	lax       bool // both others let it pass, against RFC 9901 §7.1 step 5: ours does not
}

// TestSDJWTInOtherPrograms: two independent implementations accept our credentials and presentations, and refuse our broken
// ones, as ours does.
func TestSDJWTInOtherPrograms(t *testing.T) {
	t.Parallel()
	w := registrar(t)
	stranger := formattest.Key(t)
	jwt, _ := w.list(t, 4096, w.status, listURI, now().Add(-time.Minute))
	badList, _ := w.list(t, 4096, stranger, listURI, now().Add(-time.Minute))
	good := w.sdjwt(t, 7, w.issuer, nil)
	bound := w.present(t, good, w.holder, sdjwt.Answer{Nonce: nonce, Audience: audience}, "name", "registration_number")
	parts := strings.Split(good, "~")
	soon := now().Add(time.Second)
	short := w.sdjwt(t, 7, w.issuer, func(c *form.Copy) { c.ExpiresAt = &soon })
	metadata, _, err := form.TypeMetadata(site, "kangoshi", form.Text{JA: "看護師", EN: "Registered nurse"}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	made := disclosure("name", "別人")
	base := func(name, token string, holds bool) sdjwtCase {
		return sdjwtCase{Name: name, Token: token, Issuer: jwk(t, w.issuer), StatusKey: jwk(t, w.status), Lists: map[string]string{listURI: jwt},
			Now: now().Unix(), holds: holds}
	}
	with := func(c sdjwtCase, change func(*sdjwtCase)) sdjwtCase { change(&c); return c }
	question := func(c *sdjwtCase) { c.Nonce, c.Audience = nonce, audience }
	cases := []sdjwtCase{
		base("everything shown", good, true),
		with(base("by certificate", good, true), func(c *sdjwtCase) { c.Issuer, c.Anchor = nil, w.anchor }),
		base("nothing shown", parts[0]+"~", true),
		with(base("bound to a question", bound, true), question),
		base("tampered content", flip(good, 1), false),
		base("tampered signature", strings.Join([]string{flip(parts[0], 2), parts[1], ""}, "~"), false),
		base("tampered disclosure", parts[0]+"~"+parts[1]+"AA~", false),
		with(base("invented disclosure", good+made+"~", false), func(c *sdjwtCase) { c.lax = true }),
		base("signed by a stranger", w.sdjwt(t, 7, stranger, nil), false),
		base("alg none", resigned(good, "none", func(string) []byte { return nil }), false),
		base("alg HS256 with the public key as the secret", resigned(good, "HS256", func(text string) []byte { // RFC 8725 §2.1
			mac := hmac.New(sha256.New, formattest.Must[[]byte](t)(x509.MarshalPKIXPublicKey(&w.issuer.PublicKey)))
			mac.Write([]byte(text))
			return mac.Sum(nil)
		}), false),
		with(base("ended", short, false), func(c *sdjwtCase) { c.Now = now().Add(time.Minute).Unix() }),
		with(base("another question", w.present(t, good, w.holder, sdjwt.Answer{Nonce: "another", Audience: audience}, "name"), false), question),
		with(base("another verifier", w.present(t, good, w.holder, sdjwt.Answer{Nonce: nonce, Audience: "https://elsewhere.example"}, "name"), false), question),
		with(base("bound by a stranger", w.present(t, good, stranger, sdjwt.Answer{Nonce: nonce, Audience: audience}, "name"), false), question),
		with(base("more shown than bound", strings.Replace(bound, "~", "~"+parts[len(parts)-2]+"~", 1), false), question),
	}
	status := []sdjwtCase{
		base("revoked", w.sdjwt(t, 1, w.issuer, nil), false),
		base("suspended", w.sdjwt(t, 2, w.issuer, nil), false),
		with(base("a list that cannot be read", good, false), func(c *sdjwtCase) { c.Lists = map[string]string{listURI: "x.y.z"} }),
		with(base("no list", good, false), func(c *sdjwtCase) { c.Lists = nil }),
		with(base("a list of a stranger", good, false), func(c *sdjwtCase) { c.Lists = map[string]string{listURI: badList} }),
	}
	for _, program := range []struct {
		module string
		cases  []sdjwtCase
	}{{"sdjwt", slices.Concat(cases, status)}, {"meeco", slices.DeleteFunc(slices.Clone(cases), func(c sdjwtCase) bool { return c.Anchor != "" })}} {
		t.Run(program.module, func(t *testing.T) {
			for i, a := range node(t, program.module, program.cases) {
				c := program.cases[i]
				if (a.Refused == "") != (c.holds || c.lax) {
					t.Errorf("%s: refused %q, want it to hold: %t", c.Name, a.Refused, c.holds)
				}
				if c.Name == "bound to a question" {
					var claims map[string]any
					if err := json.Unmarshal(a.Answer, &claims); err != nil || claims["name"] != w.facts.HolderName || claims["birthdate"] != nil {
						t.Errorf("%s: they read %v, %v", c.Name, claims, err)
					}
				}
			}
		})
	}
	for _, c := range slices.Concat(cases, status) {
		if err := ours(c, w); (err == nil) != c.holds {
			t.Errorf("ours, %s: %v, want it to hold: %t", c.Name, err, c.holds)
		}
	}
	if a := node(t, "sdjwt", []sdjwtCase{{Name: "metadata", Metadata: string(metadata)}}); a[0].Refused != "" || string(a[0].Answer) != fmt.Sprint(len(form.Claims())) {
		t.Errorf("our type metadata: %+v", a[0])
	}
}

// ours says what our own reading says to a case.
func ours(c sdjwtCase, w *issued) error {
	p := sdjwt.Policy{Now: time.Unix(c.Now, 0), Key: func(jws.Header, map[string]any) (crypto.PublicKey, error) { return &w.issuer.PublicKey, nil }}
	if c.Nonce != "" {
		p.Binding = &sdjwt.Binding{Nonce: c.Nonce, Audience: c.Audience, MaxAge: time.Minute}
	}
	v, err := sdjwt.VerifyVC(c.Token, p)
	if err != nil {
		return err
	}
	list, err := statuslist.ReadJWT(c.Lists[v.Status.URI], func(string, []*x509.Certificate) (crypto.PublicKey, error) { return &w.status.PublicKey, nil },
		statuslist.Expect{Subject: v.Status.URI, Now: p.Now})
	if err != nil {
		return err
	}
	if s, err := list.List.Get(v.Status.Index); err != nil || s != statuslist.Valid {
		return errors.Join(err, fmt.Errorf("its status is %d", s))
	}
	return nil
}

func disclosure(name, value string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`["c2FsdHNhbHRzYWx0c2FsdA","` + name + `","` + value + `"]`))
}

type listCase struct {
	Name    string         `json:"name"`
	JWT     string         `json:"jwt,omitempty"`
	CWT     []byte         `json:"cwt,omitempty"`
	Key     map[string]any `json:"key"`
	URI     string         `json:"uri"`
	Now     int64          `json:"now"`
	Indices []int          `json:"indices"`
	holds   bool
}

// TestStatusListsInOtherPrograms: our lists, in both forms, say to others what they say to us.
func TestStatusListsInOtherPrograms(t *testing.T) {
	t.Parallel()
	w := registrar(t)
	jwt, cwt := w.list(t, 1<<20, w.status, listURI, now().Add(-time.Minute))
	otherJWT, otherCWT := w.list(t, 1<<20, w.status, listURI+"0", now().Add(-time.Minute))
	oldJWT, oldCWT := w.list(t, 1<<20, w.status, listURI, now().AddDate(0, 0, -2))
	broken := slices.Clone(cwt)
	broken[len(broken)-1] ^= 1
	base := listCase{Key: jwk(t, w.status), URI: listURI, Now: now().Unix(), Indices: []int{0, 1, 2, 3, 1<<20 - 1}}
	add := func(name, jwt string, cwt []byte, holds bool) listCase {
		c := base
		c.Name, c.JWT, c.CWT, c.holds = name, jwt, cwt, holds
		return c
	}
	stranger := add("JWT of a stranger", jwt, nil, false)
	stranger.Key = jwk(t, formattest.Key(t))
	cases := []listCase{
		add("JWT", jwt, nil, true), add("CWT", "", cwt, true), add("JWT of another address", otherJWT, nil, false), add("CWT of another address", "", otherCWT, false),
		add("JWT that has ended", oldJWT, nil, false), add("CWT that has ended", "", oldCWT, false), add("JWT tampered with", flip(jwt, 1), nil, false),
		add("CWT tampered with", "", broken, false), stranger,
	}
	for _, module := range []string{"statuslist", "tokenlist"} {
		for i, a := range node(t, module, cases) {
			c := cases[i]
			switch {
			case (a.Refused == "") != c.holds:
				t.Errorf("%s, %s: refused %q, want it to hold: %t", module, c.Name, a.Refused, c.holds)
			case c.holds && string(a.Answer) != "[0,1,2,0,0]":
				t.Errorf("%s, %s: they read %s", module, c.Name, a.Answer)
			}
		}
	}
}

type vcCase struct {
	Name       string         `json:"name"`
	Token      string         `json:"token"`
	Issuer     map[string]any `json:"issuer"`
	Now        int64          `json:"now"`
	ContextURL string         `json:"contextURL"`
	Context    string         `json:"context"`
	holds      bool
}

// TestW3CCredentialsInOtherPrograms: our W3C credentials are what the data model says they are, and every term in them is
// explained by the contexts that they name.
func TestW3CCredentialsInOtherPrograms(t *testing.T) {
	t.Parallel()
	w := registrar(t)
	stranger := formattest.Key(t)
	make := func(key *ecdsa.PrivateKey, until *time.Time) string {
		toSign := formattest.Must[[]byte](t)(form.VC(w.facts, w.by, w.place(7), form.Copy{ID: "01934c2e-0000-7000-8000-000000000000", Site: site, Now: now(), ExpiresAt: until, Holder: &w.holder.PublicKey}))
		return formattest.Must[string](t)(jws.Assemble(toSign, formattest.Must[[]byte](t)(formattest.Signer(key)(toSign))))
	}
	soon := now().Add(time.Second)
	good := make(w.issuer, nil)
	context := string(formattest.Must[[]byte](t)(form.Context(site)))
	base := func(name, token string, at time.Time, holds bool) vcCase {
		return vcCase{name, token, jwk(t, w.issuer), at.Unix(), form.ContextAddress(site), context, holds}
	}
	cases := []vcCase{
		base("good", good, now(), true),
		base("tampered with", flip(good, 1), now(), false),
		base("signed by a stranger", make(stranger, nil), now(), false),
		base("ended", make(w.issuer, &soon), now().Add(time.Minute), false),
		base("before its time", good, now().Add(-2*time.Hour), false),
	}
	for i, a := range node(t, "vc", cases) {
		if (a.Refused == "") != cases[i].holds {
			t.Errorf("%s: refused %q", cases[i].Name, a.Refused)
		}
		if cases[i].holds {
			w.read(t, a.Answer)
		}
	}
	unexplained := base("without our context", good, now(), false)
	unexplained.Context = `{"@context": {}}`
	cases = append(cases, unexplained)
	for i, a := range node(t, "digitalbazaar", cases) {
		if (a.Refused == "") != cases[i].holds {
			t.Errorf("the second program, %s: refused %q", cases[i].Name, a.Refused)
		}
		var read struct {
			Claims  json.RawMessage
			Types   []string
			Subject []map[string]any
		}
		if !cases[i].holds {
			continue
		}
		if err := json.Unmarshal(a.Answer, &read); err != nil || !slices.Contains(read.Types, form.ContextAddress(site)+"#QualificationCredential") ||
			read.Subject[0][form.ContextAddress(site)+"#registration_number"] == nil {
			t.Errorf("the second program reads %s, %v", a.Answer, err)
		}
		w.read(t, read.Claims)
	}
}

// read sees that others read of a W3C credential what was certified, and where its status is.
func (w *issued) read(t *testing.T, text []byte) {
	t.Helper()
	var claims struct {
		Subject map[string]any `json:"credentialSubject"`
		Status  struct {
			URI string `json:"uri"`
			IDX int    `json:"idx"`
		} `json:"credentialStatus"`
	}
	if err := json.Unmarshal(text, &claims); err != nil || !maps.Equal(form.Labels(claims.Subject), w.facts.Labels) || claims.Status.URI != listURI || claims.Status.IDX != 7 {
		t.Errorf("they read %+v, %v", claims, err)
	}
}

// TestWhatOthersSign: we read credentials, presentations and status lists of another implementation.
func TestWhatOthersSign(t *testing.T) {
	t.Parallel()
	a := node(t, "issue", []map[string]any{{"name": "all", "vct": site + "/types/kangoshi", "now": now().Unix(), "nonce": nonce, "audience": audience, "uri": listURI}})
	var made struct {
		Issuer       map[string]any `json:"issuer"`
		Token, Shown string
		StatusList   string `json:"statusList"`
	}
	if a[0].Refused != "" {
		t.Fatal(a[0].Refused)
	}
	if err := json.Unmarshal(a[0].Answer, &made); err != nil {
		t.Fatal(err)
	}
	key := formattest.Must[*ecdsa.PublicKey](t)(jws.ReadJWK(made.Issuer))
	p := sdjwt.Policy{Now: now(), Key: func(jws.Header, map[string]any) (crypto.PublicKey, error) { return key, nil }}
	all := formattest.Must[*sdjwt.Presented](t)(sdjwt.VerifyVC(made.Token, p))
	if text := formattest.Must[[]byte](t)(json.Marshal([]any{all.Claims["name"], all.Claims["address"], all.Claims["grades"]})); string(text) != `["海事　太郎",{"city":"千代田区","prefecture":"東京都"},["基礎","専門"]]` {
		t.Errorf("we read %s", text)
	}
	p.Binding = &sdjwt.Binding{Nonce: nonce, Audience: audience, MaxAge: time.Minute}
	some := formattest.Must[*sdjwt.Presented](t)(sdjwt.VerifyVC(made.Shown, p))
	if !some.Bound || some.Claims["name"] != "海事\u3000太郎" || some.Claims["address"] != nil || len(some.Claims["grades"].([]any)) != 2 {
		t.Errorf("we read %+v", some)
	}
	list := formattest.Must[*statuslist.Token](t)(statuslist.ReadJWT(made.StatusList, func(string, []*x509.Certificate) (crypto.PublicKey, error) { return key, nil },
		statuslist.Expect{Subject: listURI, Now: now()}))
	for i := range 4096 {
		if s, err := list.List.Get(i); err != nil || int(s) != i%3 {
			t.Fatalf("entry %d is %d, %v", i, s, err)
		}
	}
}
