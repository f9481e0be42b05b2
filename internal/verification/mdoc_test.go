package verification_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/format/mdoc"
	"akashi/internal/review"
	"akashi/internal/verification"
)

// TestMDocAsText: a mobile document that a holder hands over is checked as every other form, in each way it is written, alone or
// inside a wallet's response.
func TestMDocAsText(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	held := formattest.Must[[]credential.Held](t)(w.Wallet.List(t.Context(), w.Nurse))
	holder := formattest.Key(t)
	raw := w.MDoc(t, &holder.PublicKey)
	response := respond(t, raw, holder)
	text := base64.RawURLEncoding.EncodeToString(raw)
	ways := map[string]string{"base64url": text, "base64": base64.StdEncoding.EncodeToString(raw), "hexadecimal": hex.EncodeToString(raw),
		"in lines": text[:76] + "\r\n" + text[76:] + "\n", "a response": base64.RawURLEncoding.EncodeToString(response)}
	see := func(when string, want verification.Verdict) {
		t.Helper()
		for name, text := range ways {
			r := w.Verifier.CheckText(t.Context(), text)
			if r.Verdict != want || !r.Proven() || (r.Status == verification.Yes) != (want == verification.Valid) || r.Facts[cose.HolderName] != "見本　花子" || r.Facts[cose.HolderBirthDate] != "" {
				t.Errorf("%s, %s: %+v, want %s", name, when, r, want)
			}
		}
	}
	see("at first", verification.Valid)
	for name, c := range map[string]struct {
		raw    []byte
		want   verification.Verdict
		reason string
	}{
		"changed":              {bytes.Replace(raw, []byte("花子"), []byte("花美"), 1), verification.Tampered, ""},
		"cut off":              {raw[:len(raw)-20], verification.Tampered, ""},
		"two documents":        {twice(t, response), verification.Unreadable, verification.SeveralDocuments},
		"another map":          {[]byte("\xa1\x61a\x61b"), verification.Tampered, ""},
		"signed by a stranger": {strange(t, raw), verification.UnknownIssuer, ""},
	} {
		r := w.Verifier.CheckText(t.Context(), verification.MDocText(c.raw))
		if r.Verdict != c.want || r.Reason != c.reason || r.Facts != nil || r.Status != verification.Unknown {
			t.Errorf("%s: %+v, want %s %s", name, r, c.want, c.reason)
		}
	}
	e := held[0].Entry
	for _, m := range []struct {
		kind string
		want verification.Verdict
	}{{review.MeasureSuspend, verification.Suspended}, {review.MeasureRestore, verification.Valid}, {review.MeasureRevoke, verification.Revoked}} {
		w.Measure(t, e.RegisterID, e.ID, *e.PersonRef, m.kind)
		see(m.kind, m.want)
	}
}

// TestExpiredCopies: a wallet's copy whose own time has passed is expired, and not valid; what is said against its credential
// stays said.
func TestExpiredCopies(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	held := formattest.Must[[]credential.Held](t)(w.Wallet.List(t.Context(), w.Nurse))
	holder := formattest.Key(t)
	texts := map[string]string{"SD-JWT VC": w.SDJWT(t, &holder.PublicKey), "W3C credential": handed(t, w, held[0].Credential, credential.VC),
		"mobile document": verification.MDocText(w.MDoc(t, &holder.PublicKey))}
	see := func(when string, want verification.Verdict) {
		t.Helper()
		for name, text := range texts {
			if r := w.Verifier.CheckText(t.Context(), text); r.Verdict != want || r.Status == verification.Yes || !r.Proven() {
				t.Errorf("%s, %s: %+v, want %s", name, when, r, want)
			}
		}
	}
	w.Clock.Set(w.Clock.Now().AddDate(20, 0, 0)) // the certificates have ended, and the copies with them
	see("twenty years later", verification.Expired)
	e := held[0].Entry
	w.Measure(t, e.RegisterID, e.ID, *e.PersonRef, review.MeasureRevoke)
	see("and revoked", verification.Revoked)
}

// respond is the wallet's answer in some session.
func respond(t testing.TB, raw []byte, holder *ecdsa.PrivateKey) []byte {
	t.Helper()
	issued := formattest.Must[*mdoc.IssuerSigned](t)(mdoc.ParseIssuerSigned(raw))
	wanted := mdoc.Wanted{}
	for _, i := range issued.Items {
		wanted[i.NameSpace] = append(wanted[i.NameSpace], i.Name)
	}
	transcript := formattest.Must[[]byte](t)(mdoc.Session{ClientID: "elsewhere", Nonce: "n", ResponseURI: "https://elsewhere.example"}.Transcript())
	return formattest.Must[[]byte](t)(mdoc.Present(raw, wanted, transcript, formattest.Signer(holder)))
}

// twice is a response with its document in it two times.
func twice(t testing.TB, response []byte) []byte {
	t.Helper()
	var r struct {
		Version   string            `cbor:"version"`
		Documents []cbor.RawMessage `cbor:"documents"`
		Status    uint64            `cbor:"status"`
	}
	if err := cbor.Unmarshal(response, &r); err != nil {
		t.Fatal(err)
	}
	r.Documents = append(r.Documents, r.Documents[0])
	return formattest.Must[[]byte](t)(cbor.Marshal(r))
}

// strange is signed by somebody else, and names the place of a genuine copy.
func strange(t testing.TB, genuine []byte) []byte {
	t.Helper()
	of := formattest.Must[*mdoc.IssuerSigned](t)(mdoc.ParseIssuerSigned(genuine))
	key := formattest.Key(t)
	usage := formattest.Must[[]byte](t)(asn1.Marshal([]asn1.ObjectIdentifier{mdoc.SignerUsage}))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"JP"}, CommonName: "stranger"}, NotBefore: of.Validity.Signed.Add(-time.Hour), NotAfter: of.Validity.Until,
		KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte{1}, AuthorityKeyId: []byte{1}, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}}
	cert := formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	space := mdoc.NameSpace{Name: of.DocType}
	for _, i := range of.Items {
		space.Elements = append(space.Elements, i.Element)
	}
	issue := mdoc.Issue{DocType: of.DocType, NameSpaces: []mdoc.NameSpace{space}, DeviceKey: &key.PublicKey, Validity: of.Validity, Status: of.Status, Chain: [][]byte{cert}}
	draft := formattest.Must[*mdoc.Draft](t)(issue.Compose(rand.Reader))
	return formattest.Must[[]byte](t)(draft.Complete(formattest.Must[[]byte](t)(formattest.Signer(key)(draft.ToSign))))
}
