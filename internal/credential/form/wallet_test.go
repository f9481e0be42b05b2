package form_test

import (
	"akashi/internal/format/formattest"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/format/sdjwt"
	"akashi/internal/format/vc"
)

const site = "https://verify.example.jp"

func now() time.Time { return time.Date(2026, 12, 1, 9, 41, 7, 0, time.UTC) }

// chain makes a certificate and the anchor above it.
func chain(t testing.TB, key *ecdsa.PrivateKey) []*x509.Certificate {
	t.Helper()
	rootKey := formattest.Key(t)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "anchor"}, NotBefore: now().AddDate(-1, 0, 0), NotAfter: now().AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "C-1"}, NotBefore: now().AddDate(0, -1, 0), NotAfter: now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature}
	rootDER := formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey))
	leafDER := formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, rootKey))
	return []*x509.Certificate{formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(leafDER)), formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(rootDER))}
}

func facts(t testing.TB) form.Facts {
	t.Helper()
	return formattest.Must[form.Facts](t)(form.Read(map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: "海事\u3000太郎", cose.HolderBirthDate: "1998-04-01", cose.RegistrationNumber: "第1234567号",
		cose.RegistrationDate: "2026-11-20", cose.IssueDate: "2026-12-01", cose.IssuingBody: "厚生労働省", cose.IssuerName: "厚生労働大臣",
		cose.QualificationID: "kangoshi", cose.CertificateID: "KNGS0123456789X", cose.KindCode: "01", cose.HolderCode: "0123456789ab",
	}, form.Record{Register: "kangoshi.mhlw", RegisterCode: "KNGS", Registrar: "mhlw", Detail: form.Detail{TitleEN: "Registered nurse"}}))
}

func issuer(t testing.TB, key *ecdsa.PrivateKey) form.Issuer {
	t.Helper()
	return form.Issuer{Registrar: "mhlw", Name: form.Text{JA: "厚生労働省"}, URI: "https://api.example.jp/issuers/mhlw", KID: "C-1", Public: &key.PublicKey,
		Chain: chain(t, key), NotBefore: now().AddDate(0, -1, 0)}
}

var place = form.StatusRef{URI: site + "/status/KNGS/1", Index: 4711, RegisterCode: "KNGS", ListNo: 1}

func verifySD(t testing.TB, key *ecdsa.PrivateKey, u *sdjwt.Unsigned, keep func(sdjwt.Path) bool) *sdjwt.Presented {
	t.Helper()
	token := formattest.Must[string](t)(u.Assemble(formattest.Sign(t, key, u.ToSign)))
	shown := formattest.Must[string](t)(sdjwt.Present(token, sdjwt.TypeVC, keep, nil))
	return formattest.Must[*sdjwt.Presented](t)(sdjwt.VerifyVC(shown, sdjwt.Policy{Now: now(), Key: func(jws.Header, map[string]any) (crypto.PublicKey, error) { return &key.PublicKey, nil }}))
}

func verifyVC(t testing.TB, key *ecdsa.PrivateKey, toSign []byte) *vc.Credential {
	t.Helper()
	token := formattest.Must[string](t)(jws.Assemble(toSign, formattest.Sign(t, key, toSign)))
	return formattest.Must[*vc.Credential](t)(vc.Verify(token, vc.Policy{Now: now(), Key: func(jws.Header, *vc.Credential) (crypto.PublicKey, error) { return &key.PublicKey, nil }}))
}

// TestFormsAgree: what the forms say, put back into the labels of the QR code, is what the record says.
func TestFormsAgree(t *testing.T) {
	key, holder := formattest.Key(t), formattest.Key(t)
	f, i := facts(t), issuer(t, key)
	c := form.Copy{ID: "01934c2e-0000-7000-8000-000000000000", Site: site, Now: now(), Holder: &holder.PublicKey}
	sd := verifySD(t, key, formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(f, i, place, c)), func(sdjwt.Path) bool { return true })
	w3 := verifyVC(t, key, formattest.Must[[]byte](t)(form.VC(f, i, place, c)))
	if got := form.Labels(sd.Claims); !maps.Equal(got, f.Labels) {
		t.Errorf("SD-JWT says %v", got)
	}
	if got := form.Labels(w3.Subject); !maps.Equal(got, f.Labels) {
		t.Errorf("the W3C credential says %v", got)
	}
	if sd.Type != site+"/types/kangoshi" || sd.Issuer != i.URI || *sd.Status != (sdjwt.StatusRef{URI: place.URI, Index: 4711}) || !sd.Holder.Equal(&holder.PublicKey) {
		t.Errorf("SD-JWT: %+v", sd)
	}
	if w3.Issuer != i.URI || *w3.Status != (vc.StatusRef{URI: place.URI, Index: 4711}) || !w3.Holder.Equal(&holder.PublicKey) || w3.Contexts[0] != site+"/contexts/1" {
		t.Errorf("W3C: %+v", w3)
	}
	// Without a term, both end with the certificate that vouches for them; the times are those of an hour.
	hour := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	if !sd.ExpiresAt.Equal(i.Chain[0].NotAfter) || !w3.ValidUntil.Equal(i.Chain[0].NotAfter) || !sd.IssuedAt.Equal(hour) || !w3.ValidFrom.Equal(hour) {
		t.Errorf("times %v to %v, %v to %v", sd.IssuedAt, sd.ExpiresAt, w3.ValidFrom, w3.ValidUntil)
	}
	if len(sd.Header.Chain) != 1 || sd.Header.KID != "C-1" {
		t.Errorf("the header carries %d certificates and the key %q", len(sd.Header.Chain), sd.Header.KID)
	}
}

// TestNothingOfThePersonIsOpen: a holder who shows nothing has shown the qualification and its issuer.
func TestNothingOfThePersonIsOpen(t *testing.T) {
	key := formattest.Key(t)
	f := facts(t)
	u := formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(f, issuer(t, key), place, form.Copy{Site: site, Now: now()}))
	got := verifySD(t, key, u, func(sdjwt.Path) bool { return false })
	for _, c := range form.Claims() {
		if _, open := got.Claims[c.Name]; open && c.Personal {
			t.Errorf("%s is open", c.Name)
		}
	}
	payload := string(formattest.Must[[]byte](t)(jws.Decode64(strings.Split(string(u.ToSign), ".")[1])))
	for _, label := range []string{cose.HolderName, cose.HolderBirthDate, cose.RegistrationNumber, cose.CertificateID, cose.HolderCode} {
		if strings.Contains(payload, f.Labels[label]) {
			t.Errorf("%s can be read in what is signed", label)
		}
	}
	if got.Claims["qualification_name"] != "看護師" || got.Kept != 7+4 {
		t.Errorf("open: %v, kept %d", got.Claims, got.Kept)
	}
}

// TestEnds: a copy ends with whatever ends first.
func TestEnds(t *testing.T) {
	key := formattest.Key(t)
	i := issuer(t, key)
	soon := now().Add(time.Hour)
	for _, c := range []struct {
		name  string
		until string
		own   *time.Time
		want  time.Time
	}{
		{"the term", "2027-01-31", nil, time.Date(2027, 2, 1, 0, 0, 0, 0, clock.JST)},
		{"its own end", "2027-01-31", &soon, soon},
		{"the certificate", "2099-01-31", nil, i.Chain[0].NotAfter},
	} {
		f := facts(t)
		f.ValidUntil = formattest.Must[calendar.Date](t)(calendar.ParseISO(c.until))
		all := func(sdjwt.Path) bool { return true }
		got := verifySD(t, key, formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(f, i, place, form.Copy{Site: site, Now: now(), ExpiresAt: c.own})), all)
		if !got.ExpiresAt.Equal(c.want.Truncate(time.Second)) || got.Claims["valid_until"] != c.until {
			t.Errorf("%s: ends at %v, want %v", c.name, got.ExpiresAt, c.want)
		}
	}
}

// TestChosen: what the holder left out is in no form, and the type stays.
func TestChosen(t *testing.T) {
	key := formattest.Key(t)
	few := formattest.Must[form.Facts](t)(facts(t).Choose([]string{cose.HolderName}))
	c := form.Copy{Site: site, Now: now()}
	all := func(sdjwt.Path) bool { return true }
	sd := verifySD(t, key, formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(few, issuer(t, key), form.StatusRef{}, c)), all)
	w3 := verifyVC(t, key, formattest.Must[[]byte](t)(form.VC(few, issuer(t, key), form.StatusRef{}, c)))
	if sd.Claims["birthdate"] != nil || w3.Subject["birthdate"] != nil || sd.Type != site+"/types/kangoshi" || sd.Status != nil || w3.Status != nil {
		t.Errorf("SD-JWT %v of type %s, W3C %v", sd.Claims, sd.Type, w3.Subject)
	}
	for name, err := range map[string]error{
		"SD-JWT": func() error {
			_, err := form.SDJWT(few, issuer(t, key), place, form.Copy{})
			return err
		}(),
		"W3C": func() error { _, err := form.VC(few, form.Issuer{}, place, c); return err }(),
	} {
		if !errors.Is(err, fault.Internal) {
			t.Errorf("%s without addresses: %v", name, err)
		}
	}
}

// TestPublishedDescriptions: the metadata and the context explain every claim that the forms use.
func TestPublishedDescriptions(t *testing.T) {
	m := form.TypeMetadata(site, "kangoshi", form.Text{JA: "看護師", EN: "Registered nurse"})
	if m.Type != site+"/types/kangoshi" || len(m.Display) != 2 || len(m.Claims) != len(form.Claims()) {
		t.Errorf("metadata %+v", m)
	}
	for _, c := range m.Claims {
		if len(c.Display) != 2 || c.Display[0].Label == "" || c.Display[1].Label == "" {
			t.Errorf("claim %v has the labels %v", c.Path, c.Display)
		}
	}
	var document struct {
		Context map[string]any `json:"@context"`
	}
	if err := json.Unmarshal(formattest.Must[[]byte](t)(form.Context(site)), &document); err != nil {
		t.Fatal(err)
	}
	for _, c := range form.Claims() {
		if _, explained := document.Context[c.Name]; explained == (c.Name == "name") {
			t.Errorf("the context explains %s: %t", c.Name, explained)
		}
	}
}

// BenchmarkSDJWT is the whole making of a credential in memory, BenchmarkRaw the signature alone.
func BenchmarkSDJWT(b *testing.B) {
	key, holder := formattest.Key(b), formattest.Key(b)
	f, i := facts(b), issuer(b, key)
	for b.Loop() {
		u := formattest.Must[*sdjwt.Unsigned](b)(form.SDJWT(f, i, place, form.Copy{Site: site, Now: now(), Holder: &holder.PublicKey}))
		formattest.Must[string](b)(u.Assemble(formattest.Sign(b, key, u.ToSign)))
	}
}

func BenchmarkRaw(b *testing.B) {
	key := formattest.Key(b)
	for b.Loop() {
		formattest.Sign(b, key, []byte("the same primitive"))
	}
}
