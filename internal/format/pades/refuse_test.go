package pades_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/format/cms"
	"akashi/internal/format/pades"
)

// signed is a document of level B-T.
func (w *world) signed(t testing.TB, pdf []byte) []byte {
	t.Helper()
	out, err := pades.Sign(t.Context(), pdf, w.options(), w.signer.sign, w.stamper.stamp(noon))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lastNumber finds the last number behind a word.
func lastNumber(pdf []byte, word string) int {
	m := regexp.MustCompile(word+`\s+(\d+)`).FindAllSubmatch(pdf, -1)
	n, err := strconv.Atoi(string(m[len(m)-1][1]))
	if err != nil {
		panic(err)
	}
	return n
}

// updated appends an update with these objects, as any program may write it. at places objects elsewhere.
func updated(pdf []byte, objects map[int]string, at map[int]int) []byte {
	out := bytes.NewBuffer(bytes.Clone(pdf))
	places, size := map[int]int{}, lastNumber(pdf, "/Size")
	for _, n := range slices.Sorted(maps.Keys(objects)) {
		places[n] = out.Len()
		size = max(size, n+1)
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", n, objects[n])
	}
	maps.Copy(places, at)
	start := out.Len()
	out.WriteString("xref\n")
	for _, n := range slices.Sorted(maps.Keys(places)) {
		fmt.Fprintf(out, "%d 1\n%010d 00000 n \n", n, places[n])
	}
	fmt.Fprintf(out, "trailer\n<</Size %d/Root 1 0 R/ID[<0123><4567>]/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", size, lastNumber(pdf, "startxref"), start)
	return out.Bytes()
}

// newest is the newest text of an object.
func newest(pdf []byte, num int) string {
	head := fmt.Appendf(nil, "\n%d 0 obj\n", num)
	at := bytes.LastIndex(pdf, head) + len(head)
	return string(pdf[at : at+bytes.Index(pdf[at:], []byte("\nendobj"))])
}

// edited replaces the first occurrence by a text of the same length.
func edited(t testing.TB, pdf []byte, old, new string) []byte {
	t.Helper()
	if len(old) < len(new) || !bytes.Contains(pdf, []byte(old)) {
		t.Fatalf("cannot replace %q by %q", old, new)
	}
	return bytes.Replace(pdf, []byte(old), []byte(new+strings.Repeat(" ", len(old)-len(new))), 1)
}

// contents finds the hexadecimal digits of the first signature.
func contents(pdf []byte) (from, to int) {
	from = bytes.Index(pdf, []byte("/Contents <")) + len("/Contents <")
	return from, from + bytes.IndexByte(pdf[from:], '>')
}

// withContents puts another signature into the place.
func withContents(pdf, der []byte) []byte {
	from, to := contents(pdf)
	out := bytes.Clone(pdf)
	copy(out[from:], strings.Repeat("0", to-from))
	hex.Encode(out[from:], der)
	return out
}

// der reads the first signature.
func der(t testing.TB, pdf []byte) []byte {
	t.Helper()
	from, to := contents(pdf)
	raw, err := hex.DecodeString(string(pdf[from:to]))
	if err != nil {
		t.Fatal(err)
	}
	var v asn1.RawValue
	if _, err := asn1.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v.FullBytes
}

// covered is what the first signature covers.
func covered(pdf []byte) []byte {
	from, to := contents(pdf)
	return append(bytes.Clone(pdf[:from-1]), pdf[to+1:]...)
}

func read(pdf []byte) error {
	_, err := pades.Read(pdf)
	return err
}

func wantReason(t *testing.T, name string, err error, want pades.Reason) {
	t.Helper()
	if !errors.Is(err, want) || !errors.Is(err, fault.Invalid) {
		t.Errorf("%s: %v, want %s", name, err, want)
	}
}

// A document that was changed by an update, in whatever shape.
func TestReadRefusesUpdates(t *testing.T) {
	w := newWorld(t)
	pdf := w.signed(t, base(""))
	if err := read(pdf); err != nil {
		t.Fatal(err)
	}
	size := lastNumber(pdf, "/Size")
	catalog, page, sig := newest(pdf, 1), newest(pdf, 3), newest(pdf, 6)
	twoFields := strings.Replace(catalog, "[7 0 R]", fmt.Sprintf("[7 0 R %d 0 R]", size), 1)
	field := fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Two)/V %d 0 R/F 132/P 3 0 R/Rect[0 0 0 0]>>", size+1)
	annotated := strings.Replace(page, "[7 0 R]", fmt.Sprintf("[7 0 R %d 0 R]", size), 1)
	stampDict := "<</Type/DocTimeStamp/SubFilter/ETSI.RFC3161" + sig[strings.Index(sig, "/ByteRange"):]
	content := bytes.Index(pdf, []byte("4 0 obj"))
	evil := "<</Length 40>>\nstream\nBT /F 24 Tf 100 700 Td (Surgeon ) Tj ET \nendstream"
	for name, c := range map[string]struct {
		pdf  []byte
		want pades.Reason
	}{
		"second signature": {updated(pdf, map[int]string{1: twoFields, 3: annotated, size: field, size + 1: sig}, nil), pades.SeveralSignatures},
		"signature replaced by another field": {updated(pdf, map[int]string{1: strings.Replace(catalog, "[7 0 R]", fmt.Sprintf("[%d 0 R]", size), 1), size: field, size + 1: sig}, nil),
			pades.PartlySigned},
		"form removed":        {updated(pdf, map[int]string{1: "<</Type/Catalog/Pages 2 0 R>>"}, nil), pades.NotSigned},
		"content replaced":    {updated(pdf, map[int]string{4: evil}, nil), pades.ChangedAfter},
		"font replaced":       {updated(pdf, map[int]string{5: "<</Type/Font/Subtype/Type1/BaseFont/Courier>>"}, nil), pades.ChangedAfter},
		"overlay":             {updated(pdf, map[int]string{3: strings.Replace(page, "[7 0 R]", fmt.Sprintf("[7 0 R %d 0 R]", size), 1), size: "<</Type/Annot/Subtype/Stamp/Rect[0 0 595 842]>>"}, nil), pades.ChangedAfter},
		"page's content":      {updated(pdf, map[int]string{3: strings.Replace(page, "/Contents 4 0 R", fmt.Sprintf("/Contents %d 0 R", size), 1), size: evil}, nil), pades.ChangedAfter},
		"other pages":         {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages 2 0 R", fmt.Sprintf("/Pages %d 0 R", size), 1), size: "<</Type/Pages/Kids[3 0 R]/Count 1>>"}, nil), pades.ChangedAfter},
		"open action":         {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages", "/OpenAction[3 0 R/Fit]/Pages", 1)}, nil), pades.ChangedAfter},
		"layers":              {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages", "/OCProperties<<>>/Pages", 1)}, nil), pades.ChangedAfter},
		"hidden content":      {updated(pdf, nil, map[int]int{5: content}), pades.UnknownUpdate},
		"hidden catalog":      {updated(pdf, nil, map[int]int{1: bytes.Index(pdf, []byte("1 0 obj"))}), pades.NotSigned},
		"listed, not there":   {updated(pdf, map[int]string{}, map[int]int{4: content}), pades.UnknownUpdate},
		"there, not listed":   {bytes.Replace(updated(pdf, nil, nil), []byte("xref\ntrailer"), []byte("4 0 obj null endobj\nxref\ntrailer"), 1), pades.Malformed},
		"stray object":        {updated(pdf, map[int]string{size: "(extra)"}, nil), pades.UnknownUpdate},
		"stray bytes":         {append(bytes.Clone(pdf), "<script>"...), pades.Malformed},
		"stray comment":       {bytes.Replace(updated(pdf, map[int]string{size: "(extra)"}, nil), fmt.Appendf(nil, "\n%d 0 obj\n(extra)", size), fmt.Appendf(nil, "\n%%%d 0 obj\n(extra)", size), 1), pades.UnknownUpdate},
		"free object defined": {updated(pdf, map[int]string{0: "(extra)"}, nil), pades.ChangedAfter},
		"timestamp that is none": {updated(pdf, map[int]string{1: twoFields, 3: annotated, size: field, size + 1: stampDict}, nil),
			pades.PartlySigned},
		"timestamp that shows": {updated(pdf, map[int]string{1: twoFields, 3: annotated, size: strings.Replace(field, "[0 0 0 0]", "[0 0 9 9]", 1), size + 1: stampDict}, nil),
			pades.UnknownUpdate},
		"field with an action": {updated(pdf, map[int]string{1: twoFields, 3: annotated, size: strings.Replace(field, "/F 132", "/F 132/A<</S/JavaScript/JS(x)>>", 1), size + 1: stampDict}, nil),
			pades.UnknownUpdate},
		"evidence that is the page": {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages", fmt.Sprintf("/DSS %d 0 R/Pages", size), 1), size: "<</Certs[4 0 R]>>"}, nil),
			pades.UnknownUpdate},
		"evidence that is no DER": {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages", fmt.Sprintf("/DSS %d 0 R/Pages", size), 1),
			size: fmt.Sprintf("<</Certs[%d 0 R]>>", size+1), size + 1: "<</Length 2>>\nstream\nab\nendstream"}, nil), pades.UnknownUpdate},
		"evidence of other kind": {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages", fmt.Sprintf("/DSS %d 0 R/Pages", size), 1),
			size: fmt.Sprintf("<</Certs[%d 0 R]>>", size+1), size + 1: "<</Length 2/Type/XObject/Subtype/Form>>\nstream\n0\x00\nendstream"}, nil), pades.UnknownUpdate},
		"evidence in place of an object": {updated(pdf, map[int]string{1: strings.Replace(catalog, "/Pages", "/DSS 5 0 R/Pages", 1), 5: "<</Certs[]>>"}, nil), pades.ChangedAfter},
		"signature again":                {updated(pdf, map[int]string{6: sig}, nil), pades.PartlySigned},
		"signature without ranges":       {updated(pdf, map[int]string{6: regexp.MustCompile(`/ByteRange \[[^]]*\]`).ReplaceAllString(sig, "")}, nil), pades.BadByteRange},
		"ranges that are null":           {updated(pdf, map[int]string{6: regexp.MustCompile(`/ByteRange \[[^]]*\]`).ReplaceAllString(sig, "/ByteRange null")}, nil), pades.BadByteRange},
		"signature without contents":     {updated(pdf, map[int]string{6: regexp.MustCompile(`/Contents <[^>]*>`).ReplaceAllString(sig, "")}, nil), pades.BadContents},
		"contents that are null":         {updated(pdf, map[int]string{6: regexp.MustCompile(`/Contents <[^>]*>`).ReplaceAllString(sig, "/Contents null")}, nil), pades.BadContents},
		"empty contents":                 {updated(pdf, map[int]string{6: regexp.MustCompile(`/Contents <[^>]*>`).ReplaceAllString(sig, "/Contents <>")}, nil), pades.BadContents},
	} {
		wantReason(t, name, read(c.pdf), c.want)
	}
}

// A document that was changed where it stands.
func TestReadRefusesEdits(t *testing.T) {
	w := newWorld(t)
	pdf := w.signed(t, base(""))
	m := regexp.MustCompile(`/ByteRange (\[0 (\d+) (\d+) (\d+)\])`).FindSubmatch(pdf)
	n := func(i int) int {
		v, err := strconv.Atoi(string(m[i]))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	from, to, rest := n(2), n(3), n(4)
	ranges := func(a, b, c, d int) []byte {
		return edited(t, pdf, string(m[1]), fmt.Sprintf("[%d %d %d %d]", a, b, c, d))
	}
	filled := bytes.Clone(pdf)
	_, end := contents(pdf)
	copy(filled[end-2:], "01")
	for name, c := range map[string]struct {
		pdf  []byte
		want pades.Reason
	}{
		"empty":                   {nil, pades.Malformed},
		"no PDF":                  {[]byte("hello"), pades.Malformed},
		"not signed":              {base(""), pades.NotSigned},
		"encrypted":               {edited(t, base(""), "/ID[<0123><4567>]", "/Encrypt 5 0 R"), pades.Encrypted},
		"cut":                     {pdf[:len(pdf)-10], pades.Malformed},
		"content":                 {edited(t, pdf, "(Certificate)", "(CertificatE)"), pades.WrongDigest},
		"claimed time":            {edited(t, pdf, "D:20261201", "D:20261202"), pades.WrongDigest},
		"credential":              {edited(t, pdf, "c=0123", "c=0124"), pades.WrongDigest},
		"beginning left out":      {ranges(1, from, to, rest), pades.PartlySigned},
		"gap begins early":        {ranges(0, from-1, to, rest), pades.PartlySigned},
		"gap ends late":           {ranges(0, from, to+1, rest-1), pades.PartlySigned},
		"end left out":            {ranges(0, from, to, rest-60), pades.NotARevision},
		"overlapping":             {ranges(0, from, from-9, rest), pades.BadByteRange},
		"beyond the end":          {ranges(0, from, to, rest+1), pades.BadByteRange},
		"negative":                {edited(t, pdf, string(m[1]), fmt.Sprintf("[0 -%d %d %d", from/100, to, rest/100)+"]"), pades.BadByteRange},
		"nothing":                 {ranges(0, 0, 0, 0), pades.BadByteRange},
		"three numbers":           {edited(t, pdf, string(m[1]), fmt.Sprintf("[0 %d %d]", from, to)), pades.BadByteRange},
		"other kind of signature": {edited(t, pdf, "ETSI.CAdES.detached", "adbe.pkcs7.detached"), pades.WrongSubfilter},
		"SHA-1 kind":              {edited(t, pdf, "ETSI.CAdES.detached", "adbe.pkcs7.sha1"), pades.WrongSubfilter},
		"bytes after contents":    {filled, pades.BadContents},
		"spaces in contents":      {edited(t, pdf, "/Contents <30", "/Contents <  "), pades.BadContents},
		"text in contents":        {withContents(pdf, []byte("hello")), pades.BadContents},
		"contents of another":     {withContents(pdf, []byte{0x30, 0}), pades.BadCMS},
		"no catalog":              {edited(t, pdf, "/Type /Catalog", "/Type /Catolog"), pades.Malformed},
		"key twice":               {edited(t, pdf, "/SigFlags 3", "/Fields [ ]"), pades.Malformed},
	} {
		wantReason(t, name, read(c.pdf), c.want)
	}
}

// attribute writes one attribute of CMS.
func attribute(t testing.TB, id asn1.ObjectIdentifier, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct {
		ID     asn1.ObjectIdentifier
		Values []any `asn1:"set"`
	}{id, []any{value}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// resigned signs a document's digest anew with these attributes, as a signer would who leaves something out.
func resigned(t testing.TB, pdf []byte, h holder, signed []byte, change func(*cms.Attributed)) []byte {
	t.Helper()
	digest := sha256.Sum256(signed)
	signature, err := h.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	a, err := cms.NewAttributed(cms.TypeData(), nil, signed, signature, h.chain)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(a)
	}
	out, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return withContents(pdf, out)
}

func TestReadRefusesCMS(t *testing.T) {
	w := newWorld(t)
	pdf := w.signed(t, base(""))
	digest := sha256.Sum256(covered(pdf))
	good, err := cms.ToSign(cms.TypeData(), digest[:], w.signer.chain[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := read(resigned(t, pdf, w.signer, good, nil)); err != nil {
		t.Fatal(err)
	}
	otherDigest, err := cms.ToSign(cms.TypeData(), make([]byte, 32), w.signer.chain[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	otherCert, err := cms.ToSign(cms.TypeData(), digest[:], w.stamper.chain[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	set := func(parts ...[]byte) []byte {
		slices.SortFunc(parts, bytes.Compare)
		der, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: bytes.Join(parts, nil)})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	kind := attribute(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}, cms.TypeData())
	message := attribute(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}, digest[:])
	time := attribute(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}, noon)
	hash := sha256.Sum256(w.signer.chain[0].Raw)
	ess := attribute(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}, struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{hash[:]}}})
	stranger := w.signer
	stranger.key = formattest.Key(t)
	twin := w.documents.issue(t, 10, nil) // the same name and serial number, another key
	twin.key = w.signer.key
	p384 := p384Signer(t, w)
	token := cms.Attribute{Type: cms.TypeTimestamp(), Value: []byte{0x30, 0}}
	strayToken, err := w.stamper.stamp(noon)(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		pdf  []byte
		want pades.Reason
	}{
		"no attribute for the certificate": {resigned(t, pdf, w.signer, set(kind, message), nil), pades.NotBound},
		"no digest":                        {resigned(t, pdf, w.signer, set(kind, ess), nil), pades.NotBound},
		"no content type":                  {resigned(t, pdf, w.signer, set(message, ess), nil), pades.NotBound},
		"digest twice":                     {resigned(t, pdf, w.signer, set(kind, message, message, ess), nil), pades.NotBound},
		"signing time":                     {resigned(t, pdf, w.signer, set(kind, message, ess, time), nil), pades.BadCMS},
		"another digest":                   {resigned(t, pdf, w.signer, otherDigest, nil), pades.WrongDigest},
		"another certificate":              {resigned(t, pdf, w.signer, otherCert, nil), pades.NotBound},
		"certificate exchanged":            {resigned(t, pdf, twin, good, nil), pades.NotBound},
		"another's key":                    {resigned(t, pdf, stranger, good, nil), pades.BadSignature},
		"P-384":                            {withContents(pdf, p384(good)), pades.BadCMS},
		"content inside":                   {resigned(t, pdf, w.signer, good, func(a *cms.Attributed) { a.Content = covered(pdf)[:64] }), pades.BadCMS},
		"no certificates":                  {resigned(t, pdf, w.signer, good, func(a *cms.Attributed) { a.Certificates = nil }), pades.BadCMS},
		"certificate that is none":         {resigned(t, pdf, w.signer, good, func(a *cms.Attributed) { a.Certificates = [][]byte{{0x30, 0}} }), pades.BadCMS},
		"other unsigned attribute":         {resigned(t, pdf, w.signer, good, func(a *cms.Attributed) { a.Unsigned = []cms.Attribute{{Type: cms.TypeData(), Value: []byte{5, 0}}} }), pades.BadCMS},
		"timestamp that is none":           {resigned(t, pdf, w.signer, good, func(a *cms.Attributed) { a.Unsigned = []cms.Attribute{token} }), pades.BadTimestamp},
		"timestamp of something else": {resigned(t, pdf, w.signer, good, func(a *cms.Attributed) {
			a.Unsigned = []cms.Attribute{{Type: cms.TypeTimestamp(), Value: strayToken}}
		}), pades.BadTimestamp},
	} {
		wantReason(t, name, read(c.pdf), c.want)
	}
}

// p384Signer signs with a key of another curve.
func p384Signer(t testing.TB, w *world) func(signed []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := certify(t, w.signer.chain[0], w.documents.cert, key.Public(), w.documents.key)
	return func([]byte) []byte {
		digest := sha256.Sum256(covered(w.signed(t, base(""))))
		signed, err := cms.ToSign(cms.TypeData(), digest[:], cert.Raw)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(signed)
		signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		a := &cms.Attributed{ContentType: cms.TypeData(), Certificates: [][]byte{cert.Raw}, Issuer: cert.RawIssuer, Serial: cert.SerialNumber,
			Hash: crypto.SHA256, Signed: signed, Algorithm: x509.ECDSAWithSHA256, Signature: signature}
		out, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}
