package verification_test

import (
	"akashi/internal/format/formattest"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// TestTrustList: the list says what is published, its version counts changes, and credentials are checked by it and a status list.
func TestTrustList(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	ctx := t.Context()
	p, anchor := w.Trust(t)
	if _, err := verification.CurrentTrustList(ctx, w.Verifier.DB); !errors.Is(err, fault.NotFound) {
		t.Errorf("before the first: %v, want not_found", err)
	}
	publish := func(version int64) *verification.TrustVersion {
		t.Helper()
		v := formattest.Must[*verification.TrustVersion](t)(p.Publish(ctx))
		current := formattest.Must[*verification.TrustVersion](t)(verification.CurrentTrustList(ctx, w.Verifier.DB))
		if v.Version != version || current.Token != v.Token || v.ExpiresAt.Sub(v.IssuedAt) != verification.TrustLife {
			t.Fatalf("version %d, want %d; %v", v.Version, version, v)
		}
		return v
	}
	publish(1)
	publish(1) // nothing has changed
	code := w.SDJWT(t, &formattest.Key(t).PublicKey)
	list, _ := published(t, w)
	v := publish(2) // there is a status list now
	w.Clock.Set(w.Clock.Now().Add(verification.TrustLife/2 + time.Minute))
	v3 := publish(3) // half of its life is over
	trust := formattest.Must[*verification.Trust](t)(verification.ReadTrustList([]byte(v3.Token+"\n"), []*x509.Certificate{anchor}, w.Clock.Now()))
	if got, want := trust.Keys, keySet(t, w); len(got) != len(want) || got[0].KID != want[0].KID || !slices.Equal(got[0].Registers, want[0].Registers) ||
		got[0].RegistrarName != "厚生労働省" || len(got[0].Chain) != 2 || !got[0].NotBefore.Equal(want[0].NotBefore) {
		t.Errorf("the list has %+v, want %+v", got, want)
	}
	var said struct {
		Subject    string `json:"sub"`
		Registrars []struct {
			ID    string   `json:"id"`
			Lists []string `json:"status_lists"`
		} `json:"registrars"`
	}
	if err := json.Unmarshal(payload(t, v.Token), &said); err != nil || said.Subject != p.Address || len(said.Registrars) != 1 || said.Registrars[0].ID != "mhlw" ||
		!slices.Equal(said.Registrars[0].Lists, []string{casetest.Site + "/status/KGMH/1"}) {
		t.Errorf("the list says %+v, %v", said, err)
	}
	early := formattest.Must[*verification.Trust](t)(verification.ReadTrustList([]byte(v.Token), []*x509.Certificate{p.Chain[0]}, v.IssuedAt))
	if _, err := early.Keep([]byte(list)); err != nil {
		t.Fatal(err)
	}
	if r, _ := early.Check(code, v.IssuedAt); r.Verdict != verification.Valid || r.Facts[cose.HolderName] == "" {
		t.Errorf("by trust list and status list: %+v", r)
	}
	if r, _ := early.Check(url, v.IssuedAt); r.Verdict != verification.CannotTell || r.Reason != string(verification.NoPlace) || r.Issuer != verification.Yes {
		t.Errorf("the national code: %+v", r)
	}
	w.Clock.Set(w.Clock.Now().Add(verification.TrustLife))
	if _, err := verification.CurrentTrustList(ctx, w.Verifier.DB); !errors.Is(err, fault.Upstream) {
		t.Errorf("after its end: %v, want upstream", err)
	}
}

// TestTwoTrustPublishers: publishers at once make one version, and all return it.
func TestTwoTrustPublishers(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	p, _ := w.Trust(t)
	tokens := make([]string, 8)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			v, err := p.Publish(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = v.Token
		})
	}
	all.Wait()
	if tokens = slices.Compact(tokens); len(tokens) != 1 {
		t.Errorf("%d different lists", len(tokens))
	}
}

// TestTrustListsThatAreRefused: each for its own reason.
func TestTrustListsThatAreRefused(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	p, anchor := w.Trust(t)
	v := formattest.Must[*verification.TrustVersion](t)(p.Publish(t.Context()))
	now := v.IssuedAt
	sign := func(typ string, chain []*x509.Certificate, content string) string {
		return formattest.Must[string](t)(jws.Make(jws.Header{Type: typ, KID: p.KID, Chain: chain}, []byte(content),
			func(toSign []byte) ([]byte, error) { return w.Issuer.Sign(t.Context(), p.KID, toSign) }))
	}
	good := payload(t, v.Token)
	parts := strings.Split(v.Token, ".")
	changed := strings.Join([]string{parts[0], base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(good), "mhlw", "mlit", 1))), parts[2]}, ".")
	const typ = "akashi-trust-list+jwt"
	for name, c := range map[string]struct {
		token   string
		anchors []*x509.Certificate
		now     time.Time
		want    error
	}{
		"no anchor":               {v.Token, nil, now, verification.NoAnchor},
		"another anchor":          {v.Token, keySet(t, w)[0].Chain[:1], now, jws.BadChain},
		"no certificate":          {sign(typ, nil, string(good)), []*x509.Certificate{anchor}, now, jws.BadChain},
		"changed":                 {changed, []*x509.Certificate{anchor}, now, jws.BadSignature},
		"another type":            {sign("statuslist+jwt", p.Chain, string(good)), []*x509.Certificate{anchor}, now, jws.WrongType},
		"a key for credentials":   {sign(typ, keySet(t, w).For(credential.ForCredential)[0].Chain, string(good)), []*x509.Certificate{anchor}, now, verification.NoTrustSigner},
		"ended":                   {v.Token, []*x509.Certificate{anchor}, v.ExpiresAt, verification.EndedTrust},
		"from the future":         {v.Token, []*x509.Certificate{anchor}, now.Add(-2 * time.Minute), verification.EarlyTrust},
		"its certificate ended":   {v.Token, []*x509.Certificate{anchor}, now.AddDate(2, 0, 0), jws.BadChain},
		"without version and end": {sign(typ, p.Chain, `{"status_base":"x","registrars":[]}`), []*x509.Certificate{anchor}, now, verification.BadTrust},
		"a key of no purpose":     {sign(typ, p.Chain, strings.Replace(string(good), `"purpose":"status"`, `"purpose":"all"`, 1)), []*x509.Certificate{anchor}, now, verification.BadTrust},
		"a member twice":          {sign(typ, p.Chain, `{"iss":"a","iss":"b"}`), []*x509.Certificate{anchor}, now, jws.Duplicate},
		"no token":                {"見本", []*x509.Certificate{anchor}, now, jws.Malformed},
	} {
		if _, err := verification.ReadTrustList([]byte(c.token), c.anchors, c.now); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	p.Chain = nil
	if _, err := p.Publish(t.Context()); !errors.Is(err, fault.NotFound) {
		t.Errorf("without a certificate: %v, want not_found", err)
	}
	for _, role := range []string{pg.RolePublic, pg.RoleStatus, pg.RoleCitizen, pg.RoleOffice} {
		if _, err := w.DB.As(role).Pool.Exec(t.Context(), `insert into trust_list select version + 1, content, kid, token, issued_at, expires_at from trust_list`); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s writes a trust list: %v", role, err)
		}
	}
}

// TestStatusListsElsewhere: with a trust list, a status list is believed at the addresses that it names alone.
func TestStatusListsElsewhere(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	p, anchor := w.Trust(t)
	p.StatusBase = "https://elsewhere.example/status"
	v := formattest.Must[*verification.TrustVersion](t)(p.Publish(t.Context()))
	trust := formattest.Must[*verification.Trust](t)(verification.ReadTrustList([]byte(v.Token), []*x509.Certificate{anchor}, v.IssuedAt))
	code := w.SDJWT(t, &formattest.Key(t).PublicKey)
	list, _ := published(t, w)
	if _, err := trust.Keep([]byte(list)); err != nil {
		t.Fatal(err)
	}
	if r, _ := trust.Check(code, w.Clock.Now()); r.Verdict != verification.CannotTell || r.Reason != string(verification.BadList) {
		t.Errorf("%+v", r)
	}
}

func payload(t testing.TB, token string) []byte {
	t.Helper()
	return formattest.Must[[]byte](t)(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]))
}
