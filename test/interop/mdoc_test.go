package interop

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/connector/signer"
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
	"akashi/internal/format/mdoc"
)

// documents is a registrar that signs mobile documents, under its anchor.
type documents struct {
	*issued
	ca          *signer.CA
	key         *ecdsa.PrivateKey
	otherAnchor []byte // DER, over the signer on another curve
}

func documentSigner(t *testing.T) *documents {
	t.Helper()
	d := &documents{issued: registrar(t), key: formattest.Key(t)}
	d.ca = formattest.Must[*signer.CA](t)(signer.NewCA("見本認証局", now().AddDate(0, -1, 0)))
	d.anchor = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.ca.Certificate.Raw}))
	d.by.Chain = formattest.Must[[]*x509.Certificate](t)(d.ca.Issue(signer.Key{KID: "D-1", Registrar: "mhlw", Purpose: "mdoc", Public: &d.key.PublicKey}, "厚生労働省", now().AddDate(0, -1, 0)))
	return d
}

func (d *documents) mdoc(t *testing.T, key *ecdsa.PrivateKey, change func(*form.Copy)) []byte {
	t.Helper()
	c := form.Copy{Site: site, Now: now(), Holder: &d.holder.PublicKey}
	if change != nil {
		change(&c)
	}
	draft := formattest.Must[*mdoc.Draft](t)(formattest.Must[mdoc.Issue](t)(form.MDoc(d.facts, d.by, d.place(7), c)).Compose(rand.Reader))
	return formattest.Must[[]byte](t)(draft.Complete(formattest.Must[[]byte](t)(formattest.Signer(key)(draft.ToSign))))
}

// parts is an issuer-signed part as anybody may take it apart and put it together.
type parts struct {
	NameSpaces map[string][]cbor.RawMessage `cbor:"nameSpaces"`
	Auth       []cbor.RawMessage            `cbor:"issuerAuth"` // protected, unprotected, payload, signature
}

// bent changes an issuer-signed part without its issuer.
func bent(t *testing.T, document []byte, change func(*parts)) []byte {
	t.Helper()
	var p parts
	if err := cbor.Unmarshal(document, &p); err != nil {
		t.Fatal(err)
	}
	change(&p)
	return formattest.Must[[]byte](t)(cbor.Marshal(p))
}

// onAnotherCurve signs the document anew with a key on P-384, certified under the same anchor, and calls that ES256.
func (d *documents) onAnotherCurve(t *testing.T, document []byte) []byte {
	t.Helper()
	key := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	// The sample authority issues for P-256 alone, so another one of the same shape stands above this certificate.
	top := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	anchor := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"JP"}, CommonName: "別の認証局"}, NotBefore: now().AddDate(0, -1, 0), NotAfter: now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	usage := formattest.Must[[]byte](t)(asn1.Marshal([]asn1.ObjectIdentifier{mdoc.SignerUsage}))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{Country: []string{"JP"}, CommonName: "D-2"}, NotBefore: now().AddDate(0, -1, 0), NotAfter: now().AddDate(0, 6, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, AuthorityKeyId: []byte{1}, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}}
	d.otherAnchor = formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, anchor, anchor, &top.PublicKey, top))
	own := formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, leaf, anchor, &key.PublicKey, top))
	return bent(t, document, func(p *parts) {
		var protected, payload []byte
		for raw, to := range map[*cbor.RawMessage]*[]byte{&p.Auth[0]: &protected, &p.Auth[2]: &payload} {
			if err := cbor.Unmarshal(*raw, to); err != nil {
				t.Fatal(err)
			}
		}
		digest := sha256.Sum256(formattest.Must[[]byte](t)(cose.ToBeSigned(protected, payload)))
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		p.Auth[1] = formattest.Must[[]byte](t)(cbor.Marshal(map[int][]byte{33: own}))
		p.Auth[3] = formattest.Must[[]byte](t)(cbor.Marshal(append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)))
	})
}

type mdocCase struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Anchor     string `json:"anchor"`
	Now        int64  `json:"now"`
	Issued     []byte `json:"issued,omitempty"`
	Response   []byte `json:"response,omitempty"`
	Transcript []byte `json:"transcript,omitempty"`
	want       error  // of ours; nil: it holds, for everybody
	elements   int
}

// TestMobileDocumentsInOtherPrograms: two libraries accept what our issuer signs and what a device answers with it, and refuse
// what is broken in either, as ours does for its own reason. @owf/mdoc began as a copy of @auth0/mdl and was written anew.
func TestMobileDocumentsInOtherPrograms(t *testing.T) {
	t.Parallel()
	d := documentSigner(t)
	stranger := formattest.Key(t)
	good := d.mdoc(t, d.key, nil)
	all := len(formattest.Must[*mdoc.IssuerSigned](t)(mdoc.ParseIssuerSigned(good)).Items)
	session := mdoc.Session{ClientID: "x509_san_dns:hospital.example.jp", Nonce: nonce, ResponseURI: audience + "/answer", Thumbprint: bytes.Repeat([]byte{7}, 32)}
	transcript := formattest.Must[[]byte](t)(session.Transcript())
	session.Nonce += "x"
	elsewhere := formattest.Must[[]byte](t)(session.Transcript())
	wanted := mdoc.Wanted{form.DocType: {"name", "qualification_name"}}
	answer := formattest.Must[[]byte](t)(mdoc.Present(good, wanted, transcript, formattest.Signer(d.holder)))
	soon := now().Add(time.Hour)
	short := d.mdoc(t, d.key, func(c *form.Copy) { c.ExpiresAt = &soon })
	other := formattest.Must[*signer.CA](t)(signer.NewCA("別の認証局", now().AddDate(0, -1, 0)))

	base := func(name string, issued []byte, want error) mdocCase {
		return mdocCase{Name: name, Type: form.DocType, Anchor: d.anchor, Now: now().Unix(), Issued: issued, want: want, elements: all}
	}
	answered := func(name string, response, transcript []byte, want error) mdocCase {
		c := base(name, nil, want)
		c.Response, c.Transcript, c.elements = response, transcript, 2
		return c
	}
	with := func(c mdocCase, change func(*mdocCase)) mdocCase { change(&c); return c }
	curve := d.onAnotherCurve(t, good)
	cases := []mdocCase{
		base("issued", good, nil),
		with(base("a list of fewer elements", bent(t, good, func(p *parts) { p.NameSpaces[form.DocType] = p.NameSpaces[form.DocType][:3] }), nil), func(c *mdocCase) { c.elements = 3 }),
		base("an element changed", bytes.Replace(good, []byte("看護師"), []byte("医師。"), 1), mdoc.DigestMismatch),
		base("an element of another document", bent(t, good, func(p *parts) {
			var theirs parts
			if err := cbor.Unmarshal(d.mdoc(t, d.key, nil), &theirs); err != nil {
				t.Fatal(err)
			}
			p.NameSpaces[form.DocType][0] = theirs.NameSpaces[form.DocType][0]
		}), mdoc.DigestMismatch),
		base("the signature changed", bent(t, good, func(p *parts) {
			p.Auth[3] = slices.Clone(p.Auth[3])
			p.Auth[3][len(p.Auth[3])-1] ^= 1
		}), mdoc.BadIssuerSignature),
		base("the signed object changed", bytes.Replace(good, []byte(listURI), []byte(strings.Replace(listURI, "/1", "/2", 1)), 1), mdoc.BadIssuerSignature),
		with(base("a certificate of a stranger's anchor", good, mdoc.UntrustedCertificate), func(c *mdocCase) {
			c.Anchor = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate.Raw}))
		}),
		with(base("a signer on another curve", curve, mdoc.BadIssuerSignature), func(c *mdocCase) {
			c.Anchor = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.otherAnchor}))
		}),
		with(base("after its time", short, mdoc.Expired), func(c *mdocCase) { c.Now = soon.Add(time.Minute).Unix() }),
		with(base("before its time", good, mdoc.NotYetValid), func(c *mdocCase) { c.Now = now().Add(-time.Hour).Unix() }),
		answered("answered", answer, transcript, nil),
		answered("answered in another session", answer, elsewhere, mdoc.BadDeviceSignature),
		answered("answered by a stranger", formattest.Must[[]byte](t)(mdoc.Present(good, wanted, transcript, formattest.Signer(stranger))), transcript, mdoc.BadDeviceSignature),
		answered("answered with an element changed", bytes.Replace(answer, []byte("看護師"), []byte("医師。"), 1), transcript, mdoc.DigestMismatch),
		answered("answered for another type", bytes.Replace(answer, []byte(form.DocType), []byte(strings.Replace(form.DocType, "akashi", "akasho", 1)), 1), transcript, mdoc.DocTypeMismatch),
	}
	for _, module := range []string{"mdl", "owf"} {
		for i, a := range node(t, module, cases) {
			c := cases[i]
			if (a.Refused == "") != (c.want == nil) {
				t.Errorf("%s, %s: refused %q, ours says %v", module, c.Name, a.Refused, c.want)
				continue
			}
			var read map[string]any
			if c.want != nil {
				continue
			}
			if err := json.Unmarshal(a.Answer, &read); err != nil || len(read) != c.elements {
				t.Errorf("%s, %s: they read %s, %v", module, c.Name, a.Answer, err)
			}
			if c.elements != 3 && (read["name"] != d.facts.HolderName || read["qualification_name"] != "看護師" || c.elements == all && read["birthdate"] != "1998-04-01") {
				t.Errorf("%s, %s: they read %v", module, c.Name, read)
			}
		}
	}
	for _, c := range cases {
		if err := oursMDoc(t, c); !errors.Is(err, c.want) {
			t.Errorf("ours, %s: %v, want %v", c.Name, err, c.want)
		}
	}
}

// oursMDoc says what our own reading says to a case.
func oursMDoc(t *testing.T, c mdocCase) error {
	t.Helper()
	block, _ := pem.Decode([]byte(c.Anchor))
	anchor := formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(block.Bytes))
	s, device := (*mdoc.IssuerSigned)(nil), error(nil)
	if c.Response != nil {
		docs, err := mdoc.ParseResponse(c.Response)
		if err != nil {
			return err
		}
		s, device = docs[0].Issuer, docs[0].CheckDevice(c.Transcript)
	} else {
		var err error
		if s, err = mdoc.ParseIssuerSigned(c.Issued); err != nil {
			return err
		}
	}
	if err := errors.Join(s.CheckSignature(), s.CheckDigests(), device); err != nil {
		return err
	}
	at := time.Unix(c.Now, 0)
	if _, err := mdoc.CheckChain(s.Chain, []*x509.Certificate{anchor}, at); err != nil {
		return err
	}
	return s.CheckTime(at)
}

// TestMobileDocumentsOfOthers: we read what another program issues and what it answers as a holder's device, and refuse both
// where they are not for us.
func TestMobileDocumentsOfOthers(t *testing.T) {
	t.Parallel()
	d := documentSigner(t)
	session := mdoc.Session{ClientID: "x509_san_dns:hospital.example.jp", Nonce: nonce, ResponseURI: audience + "/answer"}
	made := node(t, "owf", []map[string]any{
		{"name": "issue", "issue": true, "type": form.DocType, "now": now().Unix(), "signer": privateJWK(t, d.key), "device": jwk(t, d.holder), "certificate": d.by.Chain[0].Raw},
		{"name": "present", "present": map[string]any{"issued": base64.RawURLEncoding.EncodeToString(d.mdoc(t, d.key, nil)), "type": form.DocType, "elements": []string{"name", "registration_number"},
			"key": privateJWK(t, d.holder), "session": map[string]any{"clientId": session.ClientID, "nonce": session.Nonce, "responseUri": session.ResponseURI}}},
	})
	var theirs string
	var shown struct{ Text, Transcript string }
	for i, to := range []any{&theirs, &shown} {
		if err := json.Unmarshal(made[i].Answer, to); err != nil || made[i].Refused != "" {
			t.Fatalf("%+v: %v", made[i], err)
		}
	}
	read := func(text string) []byte { return formattest.Must[[]byte](t)(base64.RawURLEncoding.DecodeString(text)) }
	c := mdocCase{Anchor: d.anchor, Now: now().Add(time.Minute).Unix(), Issued: read(theirs)}
	if err := oursMDoc(t, c); err != nil {
		t.Errorf("what they issued: %v", err)
	}
	elements := formattest.Must[*mdoc.IssuerSigned](t)(mdoc.ParseIssuerSigned(c.Issued)).Elements(form.DocType)
	if elements["name"] != "海事　太郎" || elements["birthdate"] != mdoc.Date("1998-04-01") {
		t.Errorf("we read %v", elements)
	}
	c.Issued, c.Response, c.Transcript = nil, read(shown.Text), formattest.Must[[]byte](t)(session.Transcript())
	if err := oursMDoc(t, c); err != nil {
		t.Errorf("what their device answered: %v", err)
	}
	if shown.Transcript != base64.StdEncoding.EncodeToString(c.Transcript) {
		t.Errorf("their transcript is %s", shown.Transcript)
	}
	session.ResponseURI += "/elsewhere"
	c.Transcript = formattest.Must[[]byte](t)(session.Transcript())
	if err := oursMDoc(t, c); !errors.Is(err, mdoc.BadDeviceSignature) {
		t.Errorf("in another session: %v", err)
	}
}

type coseCase struct {
	Name    string `json:"name"`
	Message []byte `json:"message"`
	KeySet  []byte `json:"keySet"`
	KID     string `json:"kid"`
	key     crypto.PublicKey
	compact bool
	holds   bool
}

// TestQRCodesInOtherPrograms: the message in a QR code of either profile is COSE to two libraries that are not ours and have nothing in
// common, by a key out of our published key set, and broken ones are refused.
func TestQRCodesInOtherPrograms(t *testing.T) {
	t.Parallel()
	w := registrar(t)
	stranger := formattest.Key(t)
	keySet := formattest.Must[[]byte](t)(cose.EncodeKeySet([]cose.Key{{KID: "C-0", Public: &stranger.PublicKey}, {KID: "C-1", Public: &w.issuer.PublicKey, More: map[string]any{"purpose": "credential"}}}))
	payload := formattest.Must[[]byte](t)(cose.EncodePayload(w.facts.Labels))
	signed := func(a cose.Algorithm, key *ecdsa.PrivateKey) []byte {
		protected := formattest.Must[[]byte](t)(cose.EncodeProtected(a))
		toSign := formattest.Must[[]byte](t)(cose.ToBeSigned(protected, payload))
		return formattest.Must[[]byte](t)(cose.Assemble(protected, "C-1", payload, formattest.Must[[]byte](t)(formattest.Signer(key)(toSign))))
	}
	small := &cose.Compact{KID: "C-1", Facts: w.facts.Labels, Status: &cose.Place{List: 1, Index: 7}, IssuedAt: now()}
	small.Signature = formattest.Must[[]byte](t)(formattest.Signer(w.issuer)(formattest.Must[[]byte](t)(small.EncodeCompact())))
	national, compact := signed(cose.ES256, w.issuer), formattest.Must[[]byte](t)(small.Message())
	cases := []coseCase{
		{Name: "another algorithm", Message: signed(cose.PS256, w.issuer)},
		{Name: "signed by a stranger", Message: signed(cose.ES256, stranger)},
	}
	for name, good := range map[string][]byte{"national": national, "compact": compact} {
		tail := slices.Clone(good)
		tail[len(tail)-1] ^= 1
		for _, c := range []coseCase{
			{Name: "good", Message: good, holds: true},
			{Name: "another name", Message: bytes.Replace(good, []byte("海事"), []byte("海時"), 1)},
			{Name: "another signature", Message: tail},
			{Name: "another key", Message: good, KID: "C-0", key: &stranger.PublicKey},
			{Name: "cut off", Message: good[:len(good)-8]},
		} {
			c.Name, c.compact = name+", "+c.Name, name == "compact"
			cases = append(cases, c)
		}
	}
	for i := range cases {
		cases[i].KeySet = keySet
		if cases[i].key == nil {
			cases[i].KID, cases[i].key = "C-1", &w.issuer.PublicKey
		}
	}
	for _, module := range []string{"cosekit", "cosejs"} {
		for i, a := range node(t, module, cases) {
			c := cases[i]
			label := cose.HolderName
			if c.compact {
				label = "2" // its short form in the compact profile
			}
			var read map[string]any
			if (a.Refused == "") != c.holds || c.holds && (json.Unmarshal(a.Answer, &read) != nil || read[label] != w.facts.HolderName) {
				t.Errorf("%s, %s: refused %q, they read %s", module, c.Name, a.Refused, a.Answer)
			}
		}
	}
	for _, c := range cases {
		if err := oursCOSE(c); (err == nil) != c.holds {
			t.Errorf("ours, %s: %v", c.Name, err)
		}
	}
}

func oursCOSE(c coseCase) error {
	if c.compact {
		s, err := cose.DecodeCompact(c.Message)
		if err != nil {
			return err
		}
		return s.Verify(c.key)
	}
	s, err := cose.Decode(c.Message)
	if err != nil {
		return err
	}
	return cose.Verify(c.key, s)
}
