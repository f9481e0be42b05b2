package mdoc_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	gocose "github.com/veraison/go-cose"

	"akashi/internal/fault"
	"akashi/internal/format/mdoc"
)

const docType = "example.licence.1"

var start = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// world is an authority, a document signer and a holder.
type world struct {
	authority, signer *x509.Certificate
	authorityKey      *ecdsa.PrivateKey
	signerKey, holder *ecdsa.PrivateKey
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{authorityKey: formattest.Key(t), signerKey: formattest.Key(t), holder: formattest.Key(t)}
	w.authority = w.certify(t, authorityTemplate(), nil, &w.authorityKey.PublicKey)
	w.signer = w.certify(t, signerTemplate(t), w.authority, &w.signerKey.PublicKey)
	return w
}

func authorityTemplate() *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"JP"}, CommonName: "Authority"},
		NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1, 2, 3}}
}

func signerTemplate(t testing.TB) *x509.Certificate {
	t.Helper()
	usage := formattest.Must[[]byte](t)(asn1.Marshal([]asn1.ObjectIdentifier{mdoc.SignerUsage}))
	return &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{Country: []string{"JP"}, CommonName: "Signer"},
		NotBefore: start.AddDate(0, -1, 0), NotAfter: start.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}}
}

func (w *world) certify(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der := formattest.Must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, parent, public, w.authorityKey))
	return formattest.Must[*x509.Certificate](t)(x509.ParseCertificate(der))
}

func (w *world) issue() mdoc.Issue {
	return mdoc.Issue{DocType: docType, DeviceKey: &w.holder.PublicKey, Chain: [][]byte{w.signer.Raw},
		Validity: mdoc.Validity{Signed: start, From: start, Until: start.AddDate(0, 1, 0)},
		Status:   &mdoc.Status{URI: "https://check.example/status/1", Index: 412},
		NameSpaces: []mdoc.NameSpace{{Name: docType, Elements: []mdoc.Element{
			{Name: "name", Value: "海事\u3000太郎"}, {Name: "birth_date", Value: mdoc.Date("1998-04-01")},
			{Name: "in_force", Value: true}, {Name: "grade", Value: int64(1)},
		}}}}
}

// salts is randomness that is the same each time.
func salts() *bytes.Reader { return bytes.NewReader(bytes.Repeat([]byte{7}, 4096)) }

func (w *world) issued(t testing.TB) []byte {
	t.Helper()
	d := formattest.Must[*mdoc.Draft](t)(w.issue().Compose(salts()))
	return formattest.Must[[]byte](t)(d.Complete(formattest.Sign(t, w.signerKey, d.ToSign)))
}

func transcript(t testing.TB) []byte {
	t.Helper()
	return formattest.Must[[]byte](t)(mdoc.Session{ClientID: "x509_hash:abc", Nonce: "n", ResponseURI: "https://check.example/r"}.Transcript())
}

func (w *world) shown(t testing.TB, names ...string) []byte {
	t.Helper()
	return formattest.Must[[]byte](t)(mdoc.Present(w.issued(t), mdoc.Wanted{docType: names}, transcript(t), func(b []byte) ([]byte, error) { return formattest.Sign(t, w.holder, b), nil }))
}

// all makes every check that a reader makes.
func (w *world) all(response []byte, transcript []byte, now time.Time) error {
	docs, err := mdoc.ParseResponse(response)
	if err != nil {
		return err
	}
	d := docs[0]
	if _, err := mdoc.CheckChain(d.Issuer.Chain, []*x509.Certificate{w.authority}, now); err != nil {
		return err
	}
	for _, check := range []func() error{d.Issuer.CheckSignature, d.Issuer.CheckDigests,
		func() error { return d.Issuer.CheckTime(now) }, func() error { return d.CheckDevice(transcript) }} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func TestIssuedShownAndRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	response := w.shown(t, "name", "birth_date")
	if err := w.all(response, transcript(t), start.AddDate(0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	d := formattest.Must[[]*mdoc.Document](t)(mdoc.ParseResponse(response))[0]
	got := d.Issuer.Elements(docType)
	if len(got) != 2 || got["name"] != "海事\u3000太郎" || got["birth_date"] != mdoc.Date("1998-04-01") {
		t.Errorf("read %v", got)
	}
	if s := d.Issuer.Status; s == nil || s.Index != 412 || s.URI != "https://check.example/status/1" {
		t.Errorf("status %v", s)
	}
	if !d.Issuer.DeviceKey.Equal(&w.holder.PublicKey) || !d.Issuer.Validity.Until.Equal(start.AddDate(0, 1, 0)) {
		t.Errorf("holder's key or validity %v", d.Issuer.Validity)
	}
	whole := formattest.Must[*mdoc.IssuerSigned](t)(mdoc.ParseIssuerSigned(w.issued(t)))
	if all := whole.Elements(docType); all["in_force"] != true || all["grade"] != int64(1) {
		t.Errorf("read %v", all)
	}
}

// TestTheSameRandomnessGivesTheSameBytes: what is signed can be composed again.
func TestTheSameRandomnessGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := formattest.Must[*mdoc.Draft](t)(w.issue().Compose(salts()))
	b := formattest.Must[*mdoc.Draft](t)(w.issue().Compose(salts()))
	if !bytes.Equal(a.ToSign, b.ToSign) {
		t.Error("two drafts differ")
	}
}

// TestTranscriptVector is the worked example of OpenID4VP 1.0 Appendix B.2.6.1.
func TestTranscriptVector(t *testing.T) {
	t.Parallel()
	thumbprint := formattest.Must[[]byte](t)(hex.DecodeString("4283ec927ae0f208daaa2d026a814f2b22dca52cf85ffa8f3f8626c6bd669047"))
	got := formattest.Must[[]byte](t)(mdoc.Session{ClientID: "x509_san_dns:example.com", Nonce: "exc7gBkxjx1rdc9udRrveKvSsJIq80avlXeLHhGwqtA",
		Thumbprint: thumbprint, ResponseURI: "https://example.com/response"}.Transcript())
	want := "83f6f682714f70656e494434565048616e646f7665725820048bc053c00442af9b8eed494cefdd9d95240d254b046b11b68013722aad38ac"
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x", got)
	}
}

// TestInAnotherImplementation: the issuer's signature holds in go-cose.
func TestInAnotherImplementation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var parts struct {
		NameSpaces map[string][]cbor.RawMessage `cbor:"nameSpaces"`
		IssuerAuth cbor.RawMessage              `cbor:"issuerAuth"`
	}
	if err := cbor.Unmarshal(w.issued(t), &parts); err != nil {
		t.Fatal(err)
	}
	var message gocose.UntaggedSign1Message
	if err := message.UnmarshalCBOR(parts.IssuerAuth); err != nil {
		t.Fatal(err)
	}
	verifier := formattest.Must[gocose.Verifier](t)(gocose.NewVerifier(gocose.AlgorithmES256, w.signerKey.Public()))
	if err := message.Verify(nil, verifier); err != nil {
		t.Error(err)
	}
}

// bend reads CBOR into maps, has it changed, and writes it again.
func bend(t testing.TB, raw []byte, change func(map[any]any)) []byte {
	t.Helper()
	var m map[any]any
	if err := cbor.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	return formattest.Must[[]byte](t)(cbor.Marshal(m))
}

func at[T any](m any, path ...any) T {
	for _, p := range path {
		switch v := m.(type) {
		case map[any]any:
			m = v[p]
		case []any:
			m = v[p.(int)]
		}
	}
	return m.(T)
}

// item bends the first element inside its tag.
func item(t testing.TB, m map[any]any, change func(map[any]any)) {
	t.Helper()
	items := at[[]any](m, "documents", 0, "issuerSigned", "nameSpaces", docType)
	items[0] = cbor.Tag{Number: 24, Content: bend(t, items[0].(cbor.Tag).Content.([]byte), change)}
}

// object bends the signed object and has it signed again.
func (w *world) object(t testing.TB, m map[any]any, change func(map[any]any)) {
	t.Helper()
	auth := at[[]any](m, "documents", 0, "issuerSigned", "issuerAuth")
	var tag cbor.Tag
	if err := cbor.Unmarshal(auth[2].([]byte), &tag); err != nil {
		t.Fatal(err)
	}
	timed := func(o map[any]any) {
		times := at[map[any]any](o, "validityInfo")
		for name, v := range times { // the decoder has made times of them, which would be written without their tag
			times[name] = cbor.Tag{Number: 0, Content: v.(time.Time).UTC().Format(time.RFC3339)}
		}
		change(o)
	}
	auth[2] = formattest.Must[[]byte](t)(cbor.Marshal(cbor.Tag{Number: 24, Content: bend(t, tag.Content.([]byte), timed)}))
	auth[3] = formattest.Sign(t, w.signerKey, formattest.Must[[]byte](t)(cbor.Marshal([]any{"Signature1", auth[0], []byte{}, auth[2]})))
}

func TestResponsesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := newWorld(t)
	good := w.shown(t, "name", "in_force")
	now := start.AddDate(0, 0, 3)
	elsewhere := formattest.Must[[]byte](t)(mdoc.Session{ClientID: "x509_hash:abc", Nonce: "another", ResponseURI: "https://check.example/r"}.Transcript())
	bent := func(change func(map[any]any)) []byte { return bend(t, good, change) }
	items := func(m map[any]any) []any { return at[[]any](m, "documents", 0, "issuerSigned", "nameSpaces", docType) }
	spaces := func(m map[any]any) map[any]any {
		return at[map[any]any](m, "documents", 0, "issuerSigned", "nameSpaces")
	}
	doc := func(m map[any]any) map[any]any { return at[map[any]any](m, "documents", 0) }
	auth := func(m map[any]any) []any { return at[[]any](m, "documents", 0, "issuerSigned", "issuerAuth") }
	deviceAuth := func(m map[any]any) map[any]any {
		return at[map[any]any](m, "documents", 0, "deviceSigned", "deviceAuth")
	}
	object := func(change func(map[any]any)) []byte {
		return bent(func(m map[any]any) { w.object(t, m, change) })
	}
	for _, c := range []struct {
		name       string
		response   []byte
		transcript []byte
		now        time.Time
		want       mdoc.Refusal
	}{
		{"another session", good, elsewhere, now, mdoc.BadDeviceSignature},
		{"before its validity", good, nil, start.Add(-time.Second), mdoc.NotYetValid},
		{"after its validity", good, nil, start.AddDate(0, 1, 0).Add(time.Second), mdoc.Expired},
		{"an element changed", bent(func(m map[any]any) {
			item(t, m, func(i map[any]any) { i["elementValue"] = "別人" })
		}), nil, now, mdoc.DigestMismatch},
		{"an element of another number", bent(func(m map[any]any) {
			item(t, m, func(i map[any]any) { i["digestID"] = uint64(40) })
		}), nil, now, mdoc.MissingDigest},
		{"an element under another name space", bent(func(m map[any]any) {
			spaces(m)["other"] = items(m)
			delete(spaces(m), docType)
		}), nil, now, mdoc.MissingDigest},
		{"little randomness", bent(func(m map[any]any) {
			item(t, m, func(i map[any]any) { i["random"] = make([]byte, 15) })
		}), nil, now, mdoc.ShortSalt},
		{"an element twice", bent(func(m map[any]any) { spaces(m)[docType] = append(items(m), items(m)[0]) }), nil, now, mdoc.DoubledItem},
		{"a member that no element has", bent(func(m map[any]any) {
			item(t, m, func(i map[any]any) { i["elementvalue"] = "別人" })
		}), nil, now, mdoc.NotMDoc},
		{"an element that is a list", bent(func(m map[any]any) {
			item(t, m, func(i map[any]any) { i["elementValue"] = []any{"a", []any{"b"}} })
		}), nil, now, mdoc.BadValue},
		{"a day that there is not", bent(func(m map[any]any) {
			item(t, m, func(i map[any]any) { i["elementValue"] = cbor.Tag{Number: 1004, Content: "2026-02-30"} })
		}), nil, now, mdoc.BadValue},
		{"an element without its tag", bent(func(m map[any]any) { items(m)[0] = items(m)[0].(cbor.Tag).Content }), nil, now, mdoc.NotMDoc},
		{"another type than was signed", bent(func(m map[any]any) { doc(m)["docType"] = "other" }), nil, now, mdoc.DocTypeMismatch},
		{"another version", bent(func(m map[any]any) { m["version"] = "2.0" }), nil, now, mdoc.WrongVersion},
		{"an error", bent(func(m map[any]any) { m["status"] = 10 }), nil, now, mdoc.ResponseError},
		{"an error of the document", bent(func(m map[any]any) { doc(m)["errors"] = map[any]any{docType: map[any]any{"name": 0}} }), nil, now, mdoc.ResponseError},
		{"no documents", bent(func(m map[any]any) { m["documents"] = []any{} }), nil, now, mdoc.NotMDoc},
		{"an unknown member", bent(func(m map[any]any) { m["more"] = 1 }), nil, now, mdoc.NotMDoc},
		{"no signature of the device", bent(func(m map[any]any) { delete(deviceAuth(m), "deviceSignature") }), nil, now, mdoc.NoDeviceSignature},
		{"an authentication code of the device", bent(func(m map[any]any) {
			deviceAuth(m)["deviceMac"] = deviceAuth(m)["deviceSignature"]
			delete(deviceAuth(m), "deviceSignature")
		}), nil, now, mdoc.NoDeviceSignature},
		{"both", bent(func(m map[any]any) { deviceAuth(m)["deviceMac"] = deviceAuth(m)["deviceSignature"] }), nil, now, mdoc.NoDeviceSignature},
		{"elements of the device", bent(func(m map[any]any) {
			at[map[any]any](m, "documents", 0, "deviceSigned")["nameSpaces"] = cbor.Tag{Number: 24, Content: formattest.Must[[]byte](t)(cbor.Marshal(map[string]any{docType: map[string]any{"name": "別人"}}))}
		}), nil, now, mdoc.DeviceElements},
		{"a device signature with its own payload", bent(func(m map[any]any) { deviceAuth(m)["deviceSignature"].([]any)[2] = []byte{0xf6} }), nil, now, mdoc.NotMDoc},
		{"another algorithm", bent(func(m map[any]any) { auth(m)[0] = []byte{0xa1, 0x01, 0x38, 0x24} }), nil, now, mdoc.WrongAlgorithm},
		{"no algorithm", bent(func(m map[any]any) { auth(m)[0] = []byte{0xa1, 0x01, 0x00} }), nil, now, mdoc.WrongAlgorithm},
		{"a critical header", bent(func(m map[any]any) { auth(m)[0] = []byte{0xa2, 0x01, 0x26, 0x02, 0x01} }), nil, now, mdoc.NotMDoc},
		{"no certificate", bent(func(m map[any]any) { auth(m)[1] = map[any]any{} }), nil, now, mdoc.NoCertificate},
		{"no certificate in DER", bent(func(m map[any]any) { auth(m)[1] = map[any]any{33: []byte{1}} }), nil, now, mdoc.BadCertificate},
		{"a signer of another authority", bent(func(m map[any]any) { auth(m)[1] = map[any]any{33: other.signer.Raw} }), nil, now, mdoc.UntrustedCertificate},
		{"an authority as the signer", bent(func(m map[any]any) { auth(m)[1] = map[any]any{33: w.authority.Raw} }), nil, now, mdoc.BadCertificate},
		{"the signature of another", bent(func(m map[any]any) { auth(m)[3] = formattest.Sign(t, other.signerKey, []byte("x")) }), nil, now, mdoc.BadIssuerSignature},
		{"a short signature", bent(func(m map[any]any) { auth(m)[3] = []byte{1} }), nil, now, mdoc.BadIssuerSignature},
		{"the object changed", bent(func(m map[any]any) {
			was := auth(m)[3]
			w.object(t, m, func(o map[any]any) { at[map[any]any](o, "status", "status_list")["idx"] = uint64(1) })
			auth(m)[3] = was
		}), nil, now, mdoc.BadIssuerSignature},
		{"another digest algorithm", object(func(o map[any]any) { o["digestAlgorithm"] = "MD5" }), nil, now, mdoc.WrongAlgorithm},
		{"another version of the object", object(func(o map[any]any) { o["version"] = "1.1" }), nil, now, mdoc.WrongVersion},
		{"no key of the holder", object(func(o map[any]any) { delete(o, "deviceKeyInfo") }), nil, now, mdoc.BadDeviceKey},
		{"a key that is on no curve", object(func(o map[any]any) { at[map[any]any](o, "deviceKeyInfo", "deviceKey")[int64(-2)] = make([]byte, 32) }), nil, now, mdoc.BadDeviceKey},
		{"a private key of the holder", object(func(o map[any]any) { at[map[any]any](o, "deviceKeyInfo", "deviceKey")[int64(-4)] = make([]byte, 32) }), nil, now, mdoc.BadDeviceKey},
		{"valid until before it begins", object(func(o map[any]any) {
			at[map[any]any](o, "validityInfo")["validUntil"] = cbor.Tag{Number: 0, Content: "2026-11-01T00:00:00Z"}
		}), nil, now, mdoc.BadValidity},
		{"times of another zone", object(func(o map[any]any) {
			at[map[any]any](o, "validityInfo")["validFrom"] = cbor.Tag{Number: 0, Content: "2026-12-01T09:00:00+09:00"}
		}), nil, now, mdoc.BadValidity},
		{"signed before its certificate", object(func(o map[any]any) {
			at[map[any]any](o, "validityInfo")["signed"] = cbor.Tag{Number: 0, Content: "2025-12-01T00:00:00Z"}
		}), nil, now, mdoc.BadValidity},
		{"a status without a list", object(func(o map[any]any) { at[map[any]any](o, "status", "status_list")["uri"] = "" }), nil, now, mdoc.NotMDoc},
		{"an unknown member of the object", object(func(o map[any]any) { o["docTYPE"] = "x" }), nil, now, mdoc.NotMDoc},
		{"a key twice", append([]byte{0xa2, 0x66}, append([]byte("status\x00\x66status"), 0)...), nil, now, mdoc.Malformed},
		{"an indefinite length", []byte{0xbf, 0xff}, nil, now, mdoc.Malformed},
		{"bytes after it", append(bytes.Clone(good), 0), nil, now, mdoc.Malformed},
		{"cut", good[:len(good)-1], nil, now, mdoc.Malformed},
		{"deep nesting", bytes.Repeat([]byte{0x81}, 200), nil, now, mdoc.Malformed},
		{"no map", []byte{0x01}, nil, now, mdoc.NotMDoc},
		{"nothing", nil, nil, now, mdoc.Malformed},
		{"too long", make([]byte, mdoc.MaxBytes+1), nil, now, mdoc.TooLong},
	} {
		if c.transcript == nil {
			c.transcript = transcript(t)
		}
		if err := w.all(c.response, c.transcript, c.now); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if err := w.all(bent(func(map[any]any) {}), transcript(t), now); err != nil {
		t.Errorf("written again with nothing changed: %v", err)
	}
}

func TestCertificatesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signer := func(change func(*x509.Certificate)) *x509.Certificate {
		template := signerTemplate(t)
		change(template)
		return w.certify(t, template, w.authority, &w.signerKey.PublicKey)
	}
	authority := func(change func(*x509.Certificate)) *x509.Certificate {
		template := authorityTemplate()
		change(template)
		return w.certify(t, template, nil, &w.authorityKey.PublicKey)
	}
	p384 := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, c := range map[string]*x509.Certificate{
		"another curve":      w.certify(t, signerTemplate(t), w.authority, &p384.PublicKey),
		"no usage":           signer(func(c *x509.Certificate) { c.ExtraExtensions = nil }),
		"usage not critical": signer(func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false }),
		"for a server, too": signer(func(c *x509.Certificate) {
			c.ExtraExtensions = nil
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{mdoc.SignerUsage}
		}),
		"key for agreement":  signer(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyAgreement }),
		"no country":         signer(func(c *x509.Certificate) { c.Subject.Country = nil }),
		"no name":            signer(func(c *x509.Certificate) { c.Subject.CommonName = "" }),
		"valid for too long": signer(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.AddDate(0, 0, 458) }),
		"another country":    signer(func(c *x509.Certificate) { c.Subject.Country = []string{"ZZ"} }),
	} {
		if _, err := mdoc.CheckChain([][]byte{c.Raw}, []*x509.Certificate{w.authority}, start); !errors.Is(err, mdoc.BadCertificate) {
			t.Errorf("%s: got %v, want %s", name, err, mdoc.BadCertificate)
		}
	}
	for name, c := range map[string]*x509.Certificate{
		"authorities below it": authority(func(c *x509.Certificate) { c.MaxPathLenZero = false; c.MaxPathLen = 1 }),
		"signs documents, too": authority(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageDigitalSignature }),
		"no country":           authority(func(c *x509.Certificate) { c.Subject.Country = nil }),
		"signed by another":    w.signer,
	} {
		if err := mdoc.CheckAuthority(c); !errors.Is(err, mdoc.BadCertificate) {
			t.Errorf("authority, %s: got %v, want %s", name, err, mdoc.BadCertificate)
		}
	}
	for name, at := range map[string]time.Time{"before the signer's time": start.AddDate(0, -2, 0), "after it": start.AddDate(2, 0, 0)} {
		if _, err := mdoc.CheckChain([][]byte{w.signer.Raw}, []*x509.Certificate{w.authority}, at); !errors.Is(err, mdoc.UntrustedCertificate) {
			t.Errorf("%s: got %v, want %s", name, err, mdoc.UntrustedCertificate)
		}
	}
}

func TestIssuesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p384 := formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for _, c := range []struct {
		name   string
		change func(*mdoc.Issue)
		want   mdoc.Refusal
	}{
		{"no type", func(i *mdoc.Issue) { i.DocType = "" }, mdoc.NotMDoc},
		{"no elements", func(i *mdoc.Issue) { i.NameSpaces[0].Elements = nil }, mdoc.NotMDoc},
		{"an element twice", func(i *mdoc.Issue) { i.NameSpaces = append(i.NameSpaces, i.NameSpaces[0]) }, mdoc.DoubledItem},
		{"an empty value", func(i *mdoc.Issue) { i.NameSpaces[0].Elements[0].Value = "" }, mdoc.BadValue},
		{"a number with a fraction", func(i *mdoc.Issue) { i.NameSpaces[0].Elements[0].Value = 1.5 }, mdoc.BadValue},
		{"no day", func(i *mdoc.Issue) { i.NameSpaces[0].Elements[0].Value = mdoc.Date("2026-13-01") }, mdoc.BadValue},
		{"a key of another curve", func(i *mdoc.Issue) { i.DeviceKey = &p384.PublicKey }, mdoc.BadDeviceKey},
		{"no certificate", func(i *mdoc.Issue) { i.Chain = nil }, mdoc.NoCertificate},
		{"the authority signs", func(i *mdoc.Issue) { i.Chain = [][]byte{w.authority.Raw} }, mdoc.BadCertificate},
		{"outlives its certificate", func(i *mdoc.Issue) { i.Validity.Until = w.signer.NotAfter.Add(time.Second) }, mdoc.BadValidity},
		{"ends before it begins", func(i *mdoc.Issue) { i.Validity.Until = i.Validity.From }, mdoc.BadValidity},
	} {
		i := w.issue()
		c.change(&i)
		if _, err := i.Compose(salts()); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	d := formattest.Must[*mdoc.Draft](t)(w.issue().Compose(salts()))
	if _, err := d.Complete(formattest.Sign(t, formattest.Key(t), d.ToSign)); !errors.Is(err, mdoc.BadIssuerSignature) {
		t.Errorf("signed with another key: got %v", err)
	}
	if _, err := w.issue().Compose(bytes.NewReader(nil)); !errors.Is(err, fault.Internal) {
		t.Errorf("without randomness: got %v", err)
	}
	none := func([]byte) ([]byte, error) { return nil, nil }
	if _, err := mdoc.Present(w.issued(t), mdoc.Wanted{docType: {"portrait"}}, transcript(t), none); !errors.Is(err, mdoc.MissingDigest) {
		t.Errorf("showing what is not there: got %v", err)
	}
}

// TestEveryFlippedBitIsNoticed: nothing of a response can be changed but what nobody has signed and nothing depends on.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.shown(t, "name")
	session := transcript(t)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if w.all(bad, session, start) == nil {
			docs := formattest.Must[[]*mdoc.Document](t)(mdoc.ParseResponse(bad))
			if got := docs[0].Issuer.Elements(docType); got["name"] != "海事\u3000太郎" {
				t.Fatalf("bit %d of byte %d flipped: still valid, with %v", i%8, i, got)
			}
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	w := newWorld(f)
	f.Add(w.shown(f, "name", "birth_date"))
	f.Add(w.shown(f))
	f.Add([]byte{0xa3, 0x67})
	f.Fuzz(func(t *testing.T, b []byte) {
		docs, err := mdoc.ParseResponse(b)
		if err != nil {
			var why mdoc.Refusal
			if !errors.Is(err, fault.Invalid) || !errors.As(err, &why) {
				t.Fatalf("not classified: %v", err)
			}
			return
		}
		for _, d := range docs {
			_ = errors.Join(d.Issuer.CheckSignature(), d.Issuer.CheckDigests(), d.Issuer.CheckTime(start), d.CheckDevice(transcript(t)))
			if _, err := mdoc.CheckChain(d.Issuer.Chain, []*x509.Certificate{w.authority}, start); err != nil && !errors.Is(err, fault.Invalid) {
				t.Fatalf("not classified: %v", err)
			}
		}
	})
}

func FuzzParseIssuerSigned(f *testing.F) {
	w := newWorld(f)
	f.Add(w.issued(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := mdoc.ParseIssuerSigned(b)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("not classified: %v", err)
			}
			return
		}
		_ = errors.Join(s.CheckSignature(), s.CheckDigests())
	})
}
