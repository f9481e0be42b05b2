package verification_test

import (
	"akashi/internal/format/formattest"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/format/sdjwt"
	"akashi/internal/format/statuslist"
	"akashi/internal/verification"
)

const (
	walletSite = "https://verify.example.jp"
	nurseList  = walletSite + "/status/KNGS/1"
)

func walletNow() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC) }

// kept is a registrar with its keys, and what a verifier keeps of it.
type kept struct {
	credential, status, other *ecdsa.PrivateKey
	facts                     form.Facts
	chain                     []*x509.Certificate // that headers carry, none at first
}

func newKept(t *testing.T) *kept {
	t.Helper()
	facts := formattest.Must[form.Facts](t)(form.Read(map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: "海事\u3000太郎", cose.HolderBirthDate: "1998-04-01", cose.RegistrationNumber: "第1234567号",
		cose.QualificationID: "kangoshi", cose.CertificateID: "KNGS0123456789T", cose.IssuerName: "厚生労働大臣",
	}, form.Record{Register: "kangoshi.mhlw", RegisterCode: "KNGS", Registrar: "mhlw"}))
	return &kept{credential: formattest.Key(t), status: formattest.Key(t), other: formattest.Key(t), facts: facts}
}

func (k *kept) keys(change func(verification.KeySet)) verification.KeySet {
	from := walletNow().AddDate(-1, 0, 0)
	set := verification.KeySet{
		{KID: "C-1", Purpose: "credential", Registrar: "mhlw", Registers: []string{"KNGS"}, NotBefore: from, Public: &k.credential.PublicKey},
		{KID: "S-1", Purpose: "status", Registrar: "mhlw", Registers: []string{"KNGS"}, NotBefore: from, Public: &k.status.PublicKey},
		{KID: "C-2", Purpose: "credential", Registrar: "mlit", Registers: []string{"KNCK"}, NotBefore: from, Public: &k.other.PublicKey},
	}
	if change != nil {
		change(set)
	}
	return set
}

func (k *kept) trust(t *testing.T, list string, change func(verification.KeySet)) *verification.Trust {
	t.Helper()
	trust := formattest.Must[*verification.Trust](t)(verification.NewTrust(formattest.Must[[]byte](t)(k.keys(change).JWKS())))
	if list != "" {
		if address, err := trust.Keep([]byte(list)); err != nil || address != nurseList {
			t.Fatalf("kept for %q, %v", address, err)
		}
	}
	return trust
}

func (k *kept) sdjwt(t *testing.T, kid string, key *ecdsa.PrivateKey, index int, expires *time.Time) string {
	t.Helper()
	i := form.Issuer{Registrar: "mhlw", URI: "https://api.example.jp/issuers/mhlw", KID: kid, Chain: k.chain}
	u := formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(k.facts, i, form.StatusRef{URI: nurseList, Index: index}, form.Copy{Site: walletSite, Now: walletNow(), ExpiresAt: expires}))
	return formattest.Must[string](t)(u.Assemble(formattest.Must[[]byte](t)(formattest.Signer(key)(u.ToSign))))
}

func (k *kept) w3c(t *testing.T, kid string, key *ecdsa.PrivateKey, index int, expires *time.Time) string {
	t.Helper()
	i := form.Issuer{Registrar: "mhlw", URI: "https://api.example.jp/issuers/mhlw", KID: kid, Chain: k.chain}
	toSign := formattest.Must[[]byte](t)(form.VC(k.facts, i, form.StatusRef{URI: nurseList, Index: index}, form.Copy{Site: walletSite, Now: walletNow(), ExpiresAt: expires}))
	return formattest.Must[string](t)(jws.Assemble(toSign, formattest.Must[[]byte](t)(formattest.Signer(key)(toSign))))
}

// certificates are one of a key, and the anchor behind it, which headers leave out.
func certificates(t *testing.T, key *ecdsa.PrivateKey) []*x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mhlw"}, NotBefore: walletNow().AddDate(-1, 0, 0), NotAfter: walletNow().AddDate(1, 0, 0)}
	own := formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key))))
	return []*x509.Certificate{own, own}
}

// list has the states valid, invalid, suspended and one that nobody knows, at the places 0 to 3.
func (k *kept) list(t *testing.T, kid string, key *ecdsa.PrivateKey, made time.Time) string {
	t.Helper()
	l := formattest.Must[*statuslist.List](t)(statuslist.New(1024, 2))
	for i := range 4 {
		if err := l.Set(i, statuslist.Status(i)); err != nil {
			t.Fatal(err)
		}
	}
	jwt, _, err := l.Sign(statuslist.Claims{Subject: nurseList, IssuedAt: made, ExpiresAt: made.Add(24 * time.Hour), TTL: 5 * time.Minute},
		statuslist.Signer{KID: kid, Sign: formattest.Signer(key)})
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

// TestOffline: both forms end in the same result, told by keys and a list that were kept; what could not be told is never
// valid.
func TestOffline(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	made := walletNow().Add(-time.Hour)
	fresh := k.list(t, "S-1", k.status, made)
	soon := walletNow().Add(time.Minute)
	distrusted := func(set verification.KeySet) { at := made; set[0].DistrustedAt = &at }
	type row struct {
		name   string
		kid    string
		key    *ecdsa.PrivateKey
		index  int
		ends   *time.Time
		list   string
		change func(verification.KeySet)
		want   verification.Verdict
		why    verification.Refusal
	}
	rows := []row{
		{"valid", "C-1", k.credential, 0, nil, fresh, nil, verification.Valid, ""},
		{"revoked", "C-1", k.credential, 1, nil, fresh, nil, verification.Revoked, ""},
		{"suspended", "C-1", k.credential, 2, nil, fresh, nil, verification.Suspended, ""},
		{"a state nobody knows", "C-1", k.credential, 3, nil, fresh, nil, verification.CannotTell, verification.NoEntry},
		{"beyond the list", "C-1", k.credential, 1024, nil, fresh, nil, verification.CannotTell, verification.NoEntry},
		{"no list", "C-1", k.credential, 0, nil, "", nil, verification.CannotTell, verification.NoList},
		{"a list that has ended", "C-1", k.credential, 0, nil, k.list(t, "S-1", k.status, made.AddDate(0, 0, -1)), nil, verification.CannotTell, verification.EndedList},
		{"a list from the future", "C-1", k.credential, 0, nil, k.list(t, "S-1", k.status, made.AddDate(0, 0, 1)), nil, verification.CannotTell, verification.BadList},
		{"a list signed by the key for credentials", "C-1", k.credential, 0, nil, k.list(t, "C-1", k.credential, made), nil, verification.CannotTell, verification.BadList},
		{"a list signed by a stranger", "C-1", k.credential, 0, nil, k.list(t, "S-1", k.other, made), nil, verification.CannotTell, verification.BadList},
		{"a list of a distrusted key", "C-1", k.credential, 0, nil, fresh, func(set verification.KeySet) { at := made; set[1].DistrustedAt = &at }, verification.CannotTell, verification.BadList},
		{"signed by the key for lists", "S-1", k.status, 0, nil, fresh, nil, verification.UnknownIssuer, verification.WrongPurpose},
		{"signed by another registrar", "C-2", k.other, 0, nil, fresh, nil, verification.UnknownIssuer, verification.WrongRegister},
		{"a distrusted key", "C-1", k.credential, 0, nil, fresh, distrusted, verification.UnknownIssuer, verification.Distrusted},
		{"a key that is not kept", "C-9", k.credential, 0, nil, fresh, nil, verification.CannotTell, verification.UnknownKey},
		{"signed by a stranger", "C-1", k.other, 0, nil, fresh, nil, verification.Tampered, ""},
		{"ended", "C-1", k.credential, 0, &soon, fresh, nil, verification.Expired, ""},
	}
	forms := map[string]func(*testing.T, string, *ecdsa.PrivateKey, int, *time.Time) string{"sdjwt": k.sdjwt, "w3c": k.w3c}
	for name, make := range forms {
		for _, c := range rows {
			now := walletNow()
			if c.ends != nil {
				now = now.Add(time.Hour)
			}
			r, asOf := k.trust(t, c.list, c.change).Check("\n"+make(t, c.kid, c.key, c.index, c.ends)+"\n", now)
			if r.Verdict != c.want || r.Reason != string(c.why) {
				t.Errorf("%s, %s: %+v, want %s for %q", name, c.name, r, c.want, c.why)
			}
			proven := c.want != verification.Tampered && c.want != verification.UnknownIssuer && c.kid == "C-1"
			if (r.Untampered == verification.Yes && r.Issuer == verification.Yes && r.Facts[cose.HolderName] == "海事\u3000太郎") != proven || r.Facts[cose.HolderBirthDate] != "" {
				t.Errorf("%s, %s: %+v", name, c.name, r)
			}
			if told := r.Status != verification.Unknown && c.ends == nil; told != asOf.Equal(made) || (r.Status == verification.Yes) != (c.want == verification.Valid) {
				t.Errorf("%s, %s: the status %s is as of %v", name, c.name, r.Status, asOf)
			}
		}
		good := make(t, "C-1", k.credential, 0, nil)
		k.chain = certificates(t, k.other)
		if r, _ := k.trust(t, fresh, nil).Check(make(t, "C-1", k.credential, 0, nil), walletNow()); r.Verdict != verification.UnknownIssuer || r.Reason != string(verification.OtherCertificate) || r.Facts != nil {
			t.Errorf("%s with the certificate of another key: %+v", name, r)
		}
		k.chain = certificates(t, k.credential)
		if r, _ := k.trust(t, fresh, nil).Check(make(t, "C-1", k.credential, 0, nil), walletNow()); r.Verdict != verification.Valid {
			t.Errorf("%s with its own certificate: %+v", name, r)
		}
		k.chain = nil
		middle := strings.Index(good, ".") + 40
		bad := good[:middle] + "AAAA" + good[middle+4:]
		if r, _ := k.trust(t, fresh, nil).Check(bad, walletNow()); r.Verdict != verification.Tampered || r.Facts != nil {
			t.Errorf("%s tampered with: %+v", name, r)
		}
		if r, _ := k.trust(t, fresh, nil).Check(good, walletNow().Add(-2*time.Hour)); r.Verdict == verification.Valid {
			t.Errorf("%s before its time: %+v", name, r)
		}
	}
	if r, _ := k.trust(t, fresh, nil).Check("eyJ~", walletNow()); r.Verdict != verification.Tampered {
		t.Errorf("what only looks like one: %+v", r)
	}
	if r, _ := k.trust(t, fresh, nil).Check("nothing of the kind", walletNow()); r.Verdict != verification.Unreadable {
		t.Errorf("no credential: %+v", r)
	}
	if _, err := k.trust(t, "", nil).Keep([]byte("eyJhIjoxfQ.e30.AA")); !errors.Is(err, jws.WrongAlgorithm) {
		t.Errorf("a token that is no list: %v", err)
	}
	if _, err := k.trust(t, "", nil).Keep([]byte("a.b")); !errors.Is(err, fault.Invalid) {
		t.Errorf("no list: %v", err)
	}
}

// FuzzNewTrust: keys that somebody hands over are read or refused, and what was read comes back when it is published again.
func FuzzNewTrust(f *testing.F) {
	key := formattest.Key(f)
	set := verification.KeySet{{KID: "k", Purpose: "credential", Registrar: "mhlw", RegistrarName: "厚生労働省", Registers: []string{"KGMH"}, NotBefore: walletNow(), Public: &key.PublicKey}}
	f.Add(formattest.Must[[]byte](f)(set.JWKS()))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","purpose":"status"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		trust, err := verification.NewTrust(raw)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("not classified: %v", err)
			}
			return
		}
		for _, k := range trust.Keys {
			if k.Public == nil || k.Purpose == "" {
				t.Fatalf("a key without itself or its purpose: %+v", k)
			}
		}
		if again := formattest.Must[*verification.Trust](t)(verification.NewTrust(formattest.Must[[]byte](t)(trust.Keys.JWKS()))); len(again.Keys) != len(trust.Keys) {
			t.Fatalf("%d keys come back of %d", len(again.Keys), len(trust.Keys))
		}
	})
}
