package pades

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"akashi/internal/fault"
	"akashi/internal/format/cms"
	"akashi/internal/format/tsp"
)

// How much room the signature gets beside its certificates, in bytes.
const (
	roomSignature = 1 << 10
	roomToken     = 8 << 10 // a token with a chain of RSA certificates has about 6,000
	roomStamp     = 10 << 10
)

// The two kinds of signature that are written (ETSI EN 319 142-1 §6.3, ISO 32000-2 §12.8.5).
const (
	subfilterSignature = name("ETSI.CAdES.detached")
	subfilterTimestamp = name("ETSI.RFC3161")
)

// Our own entries of the signature dictionary (second-class names, ISO 32000-1 annex E).
const (
	keyCredential = name("AKSH_Credential")
	keyCopy       = name("AKSH_Copy")
	keyStatus     = name("AKSH_Status")
)

// The names of form fields.
const (
	fieldSignature = "Signature"
	fieldTimestamp = "Timestamp"
)

// Prepared is a document that waits for its signature.
type Prepared struct {
	// ToSign are the signed attributes (DER). ES256 over them is the signature.
	ToSign []byte
	// Digest is SHA-256 of everything that is signed of the document.
	Digest [sha256.Size]byte

	o        Options
	doc      []byte
	from, to int // the place of the signature, with its angle brackets
}

// Prepare adds a signature field to a document and leaves room for the signature. It refuses a document that has a form
// already, and one that is encrypted.
func Prepare(pdf []byte, o Options) (*Prepared, error) {
	if len(o.Chain) == 0 {
		return nil, fault.New(fault.Internal, "", "signing a PDF without a certificate")
	}
	room := roomSignature
	for _, c := range o.Chain {
		room += len(c.Raw)
	}
	if o.Timestamped {
		room += roomToken
	}
	f, err := open(pdf)
	if err != nil {
		return nil, fmt.Errorf("signing a PDF: %w", err)
	}
	p := &Prepared{o: o}
	if err := p.lay(f, room); err != nil {
		return nil, fmt.Errorf("signing a PDF: %w", err)
	}
	if p.ToSign, err = cms.ToSign(cms.TypeData(), p.Digest[:], o.Chain[0].Raw); err != nil {
		return nil, fmt.Errorf("signing a PDF: %w", err)
	}
	return p, nil
}

// lay writes the update and computes the digest.
func (p *Prepared) lay(f *file, room int) error {
	root, catalog, err := f.catalog()
	if err != nil {
		return err
	}
	if catalog.has("AcroForm") || catalog.has("Perms") || catalog.has("DSS") {
		return refuse(SeveralSignatures, "the document has a form, permissions or evidence already")
	}
	u := newUpdate(f, 2*room+4096)
	signature := u.reserve()
	widget := u.reserve()
	if err := p.putWidget(u, widget, signature); err != nil {
		return err
	}
	catalog = catalog.with("AcroForm", dict{{"Fields", array{widget}}, {"SigFlags", int64(3)}}).
		with("Perms", dict{{"DocMDP", signature}})
	u.put(root, catalog)
	at := putSignature(u, signature, p.dictionary(), room)
	p.doc = u.finish()
	p.from, p.to = at.contents, at.contents+2*room+2
	at.fill(p.doc, p.from, p.to)
	p.Digest = digest(p.doc, p.from, p.to)
	return nil
}

// digest is SHA-256 of everything outside the place of the signature.
func digest(doc []byte, from, to int) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(doc[:from])
	h.Write(doc[to:])
	h.Sum(sum[:0])
	return sum
}

// dictionary is the signature dictionary without ByteRange and Contents (ISO 32000-1 table 252). It certifies the document
// and permits no change (DocMDP with P 1); evidence and document timestamps are none (ISO 32000-2 table 257).
func (p *Prepared) dictionary() dict {
	d := dict{{"Type", name("Sig")}, {"Filter", name("Adobe.PPKLite")}, {"SubFilter", subfilterSignature}, {"M", date(p.o.At)}}
	for _, e := range []struct {
		key   name
		value string
	}{{"Name", p.o.Name}, {"Reason", p.o.Reason}, {"Location", p.o.Place}, {keyCredential, p.o.Credential}, {keyCopy, p.o.Copy}, {keyStatus, p.o.Status}} {
		if e.value != "" {
			d = append(d, entry{e.key, textString(e.value)})
		}
	}
	parameters := dict{{"Type", name("TransformParams")}, {"P", int64(1)}, {"V", name("1.2")}}
	return append(d, entry{"Reference", array{dict{{"Type", name("SigRef")}, {"TransformMethod", name("DocMDP")}, {"TransformParams", parameters}}}})
}

// places are where a signature dictionary is filled in later.
type places struct{ byteRange, contents int }

// byteRangeWidth leaves room for three numbers of ten digits.
const byteRangeWidth = len("[0 0123456789 0123456789 0123456789]")

// putSignature writes a signature dictionary with room for ByteRange and for so many bytes of Contents.
func putSignature(u *update, r ref, d dict, room int) (at places) {
	u.begin(r)
	write(&u.out, d)
	u.out.Truncate(u.out.Len() - len(">>"))
	u.out.WriteString("/ByteRange ")
	at.byteRange = u.out.Len()
	u.out.Write(bytes.Repeat([]byte(" "), byteRangeWidth))
	u.out.WriteString("/Contents ")
	at.contents = u.out.Len()
	u.out.WriteByte('<')
	u.out.Write(bytes.Repeat([]byte("0"), 2*room))
	u.out.WriteString(">>>")
	u.end()
	return at
}

// fill writes the ByteRange: everything but the bytes from..to.
func (at places) fill(doc []byte, from, to int) {
	copy(doc[at.byteRange:], fmt.Appendf(nil, "[0 %d %d %d]", from, to, len(doc)-to))
}

// printed is the annotation flag Print, which PDF/A asks for (ISO 19005-2 §6.3.2), with Locked.
const printed = 4 | 128

// putWidget writes the field, which is its own widget, and ties it to its page.
func (p *Prepared) putWidget(u *update, widget, signature ref) error {
	pageRef, page, err := u.f.page(p.o.Page)
	if err != nil {
		return err
	}
	rect := array{}
	for _, v := range p.o.Rect {
		rect = append(rect, real(fmt.Sprintf("%.2f", v)))
	}
	d := field(fieldSignature, signature, pageRef, rect)
	if p.o.Rect != [4]float64{} {
		form := ref{p.o.Appearance, u.f.where[p.o.Appearance].gen}
		if p.o.Appearance == 0 {
			form = u.add(emptyForm(p.o.Rect))
		}
		d = append(d, entry{"AP", dict{{"N", form}}})
	}
	u.put(widget, d)
	return annotate(u, pageRef, page, widget)
}

// field is a signature field that is its own widget.
func field(title string, signature, page ref, rect array) dict {
	return dict{{"Type", name("Annot")}, {"Subtype", name("Widget")}, {"FT", name("Sig")}, {"T", textString(title)}, {"V", signature},
		{"F", int64(printed)}, {"P", page}, {"Rect", rect}}
}

// emptyForm draws nothing: PDF/A wants an appearance for whatever has an extent (ISO 19005-2 §6.3.3).
func emptyForm(r [4]float64) *stream {
	width, height := real(fmt.Sprintf("%.2f", r[2]-r[0])), real(fmt.Sprintf("%.2f", r[3]-r[1]))
	return &stream{dict{{"Type", name("XObject")}, {"Subtype", name("Form")}, {"BBox", array{int64(0), int64(0), width, height}}}, nil}
}

// annotate adds an annotation to a page, wherever the page keeps its list.
func annotate(u *update, pageRef ref, page dict, widget ref) error {
	switch list := page.get("Annots").(type) {
	case nil:
		u.put(pageRef, page.with("Annots", array{widget}))
	case array:
		u.put(pageRef, page.with("Annots", append(append(array{}, list...), widget)))
	case ref:
		o, err := u.f.load(list)
		if err != nil {
			return err
		}
		all, ok := o.(array)
		if !ok {
			return refuse(Malformed, "annotations of a page")
		}
		u.put(list, append(append(array{}, all...), widget))
	default:
		return refuse(Malformed, "annotations of a page")
	}
	return nil
}

// Signature makes the CMS structure from a raw signature over ToSign: r and s of ES256 in 64 bytes.
func (p *Prepared) Signature(raw []byte) (*cms.Attributed, error) {
	signature, err := cms.RawECDSA(raw)
	if err != nil {
		return nil, fmt.Errorf("signing a PDF: %w", err)
	}
	a, err := cms.NewAttributed(cms.TypeData(), nil, p.ToSign, signature, p.o.Chain)
	if err != nil {
		return nil, fmt.Errorf("signing a PDF: %w", err)
	}
	if err := a.Verify(p.Digest[:], p.o.Chain[0]); err != nil {
		return nil, fmt.Errorf("signing a PDF: what was signed does not fit the certificate: %w", err)
	}
	return a, nil
}

// Complete puts the signature in its place and returns the signed document; it is called once. token is a timestamp over SHA-256 of the
// signature's value (Signature.Signature), or nil.
func (p *Prepared) Complete(signature *cms.Attributed, token []byte) ([]byte, error) {
	if token != nil {
		t, err := tsp.ParseToken(token)
		if err != nil {
			return nil, fmt.Errorf("signing a PDF: %w", err)
		}
		imprint := sha256.Sum256(signature.Signature)
		if !bytes.Equal(t.Info.Imprint, imprint[:]) {
			return nil, fmt.Errorf("signing a PDF: %w", tsp.ErrImprint)
		}
		signature.Unsigned = []cms.Attribute{{Type: cms.TypeTimestamp(), Value: token}}
	}
	der, err := signature.Encode()
	if err != nil {
		return nil, fmt.Errorf("signing a PDF: %w", err)
	}
	return fillContents(p.doc, p.from, p.to, der)
}

// complete is Complete at the end of steps that may have failed.
func (p *Prepared) complete(signature *cms.Attributed, token []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return p.Complete(signature, token)
}

// fillContents writes DER in hexadecimal into the place left for it.
func fillContents(doc []byte, from, to int, der []byte) ([]byte, error) {
	if 2*len(der) > to-from-2 {
		return nil, fault.Wrap(fault.Internal, errors.New("the signature is longer than the place left for it"), "signing a PDF")
	}
	hex.Encode(doc[from+1:], der)
	return doc, nil
}
