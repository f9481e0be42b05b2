package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/credential/paper"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/pades"
	"akashi/internal/typeface"
	"akashi/internal/verification"
)

// samplePDF writes the signed PDF: with a timestamp and the evidence behind it (PAdES B-LT) when an authority was named,
// without both (B-B) when none was.
func samplePDF(s *sample) error {
	key, chain, err := s.certified("sample-document", "document")
	if err != nil {
		return err
	}
	prepared, err := s.prepared(chain, placeValid)
	if err != nil {
		return err
	}
	signature, err := raw(key)(prepared.ToSign)
	if err != nil {
		return err
	}
	document, err := s.seal(prepared, signature)
	if err != nil {
		return err
	}
	read, err := pades.Read(document)
	if err != nil {
		return err
	}
	s.add("signer.pem", certificatePEM(chain[0]), "the certificate that signed the PDF; it also stands in it", "")
	anchors := ""
	if s.stamps != nil {
		var all []byte
		for _, c := range s.stamps.Anchors() {
			all = append(all, certificatePEM(c)...)
		}
		s.add("timestamp-anchor.pem", all, "certificate that vouches for the timestamp authority's", "")
		anchors = " --timestamp-anchors timestamp-anchor.pem"
	}
	s.add("certificate.pdf", document, "the signed PDF, PAdES "+string(read.Level), verification.Valid)
	if err := s.spoiltPDFs(document); err != nil {
		return err
	}
	s.judge, s.how = s.judgePDF, pdfHow(string(read.Level), anchors, s.stamps != nil)
	return nil
}

// prepared lays the certificate out, with the QR code in it, and makes it ready to be signed for a place of the list.
func (s *sample) prepared(chain []*x509.Certificate, index int) (*pades.Prepared, error) {
	message, err := s.message()
	if err != nil {
		return nil, err
	}
	shelf, err := typeface.Open("")
	if err != nil {
		return nil, err
	}
	text, names, err := shelf.Families()
	if err != nil {
		return nil, err
	}
	code := cose.URL(sampleSite+"/w/", message)
	since := s.definition.LegalOriginalFrom
	original := !since.IsZero() && !since.After(calendar.Of(s.now))
	unsigned, err := paper.New(text, names).Print(paper.Paper{Facts: s.facts, Words: paper.WordsOf(s.definition, original), Signer: s.issuer.Name.JA,
		QR: code, Check: sampleSite + "/", Made: s.now})
	if err != nil {
		return nil, err
	}
	return pades.Prepare(unsigned, pades.Options{Chain: chain, At: s.now, Name: s.issuer.Name.JA, Reason: "デジタル資格者証", Credential: code, Status: s.place(index).Place(), Timestamped: s.stamps != nil})
}

// seal completes the document as credential.Sealer does, with the list of the sample's own authority as evidence.
func (s *sample) seal(p *pades.Prepared, signature []byte) ([]byte, error) {
	signed, err := p.Signature(signature)
	if err != nil {
		return nil, err
	}
	if s.stamps == nil {
		return p.Complete(signed, nil)
	}
	token, err := s.stamps.Stamp(s.ctx, sha256.Sum256(signed.Signature))
	if err != nil {
		return nil, err
	}
	document, err := p.Complete(signed, token)
	if err != nil {
		return nil, err
	}
	var evidence pades.Evidence
	if evidence.Certificates, evidence.Lists, err = s.stamps.Evidence(s.ctx, token); err != nil {
		return nil, err
	}
	list, err := s.ca.List(big.NewInt(1), nil, s.now.Add(-time.Minute), s.now.Add(sampleTerm))
	if err != nil {
		return nil, err
	}
	evidence.Certificates, evidence.Lists = append(evidence.Certificates, s.ca.Certificate.Raw), append(evidence.Lists, list)
	return pades.Extend(document, evidence)
}

// spoiltPDFs writes the document with one byte of what was signed changed, and with something put behind everything.
func (s *sample) spoiltPDFs(document []byte) error {
	i := bytes.Index(document, []byte("/CreationDate (D:"))
	if i < 0 {
		return fault.New(fault.Internal, "", "the document does not say when it was made")
	}
	spoilt := slices.Clone(document)
	spoilt[i+len("/CreationDate (D:")+3] ^= 1
	s.add("tampered.pdf", spoilt, "the PDF with another year in it", verification.Tampered)
	more, err := updatedPDF(document)
	if err != nil {
		return err
	}
	s.add("appended.pdf", more, "the PDF with an update behind everything that was signed, which gives it another title", verification.Tampered)
	return nil
}

// updatedPDF puts an incremental update (ISO 32000-1 §7.5.6) behind a document, as anybody can.
func updatedPDF(document []byte) ([]byte, error) {
	ends := regexp.MustCompile(`/Size (\d+)[^>]*/Root 1 0 R/Info 3 0 R[\s\S]*?startxref\s+(\d+)\s+%%EOF`).FindAllSubmatch(document, -1)
	if len(ends) == 0 {
		return nil, fault.New(fault.Internal, "", "the document's end is not found")
	}
	size, before := ends[len(ends)-1][1], ends[len(ends)-1][2]
	out := bytes.NewBuffer(slices.Clone(document))
	at := out.Len()
	out.WriteString("3 0 obj\n<</Title (Another title)>>\nendobj\n")
	start := out.Len()
	fmt.Fprintf(out, "xref\n3 1\n%010d 00000 n \ntrailer\n<</Size %s/Root 1 0 R/Info 3 0 R/ID[<00><00>]/Prev %s>>\nstartxref\n%d\n%%%%EOF\n", at, size, before, start)
	return out.Bytes(), nil
}

func (s *sample) judgePDF(trust *verification.Trust, content []byte) verification.Result {
	if s.stamps != nil {
		trust.Timestamps = s.stamps.Anchors()
	}
	r, _ := trust.CheckPDF(content, clock.System{}.Now().Add(time.Second)) // the timestamp is later than s.now, and as exact as a second
	return r
}

func certificatePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// pdfHow tells how to check the PDF. The commands are for a POSIX shell; a test runs them as they stand.
func pdfHow(level, anchors string, stamped bool) string {
	how := `
The PDF is signed by PAdES (ETSI EN 319 142-1), level ` + level + `.`
	if stamped {
		how += ` It has a timestamp (RFC 3161) inside the signature, and behind it, in an update of its own, the certificates and
revocation lists by which both can be judged later.`
	} else {
		how += ` No timestamp authority was named when it was made, so it has neither a timestamp nor evidence for later (that
would be B-LT): when it was signed is what the signer says, and when the certificate has ended the signature proves nothing. With an authority:

    akashi credential sample --format pdf --timestamp-url URL --timestamp-lists URL --timestamp-anchors FILE --out DIR`
	}
	how += `

Its place in the status list stands in the signature's dictionary (` + "`AKSH_Status`" + `), so that the list tells whether the credential is in force.

## Checking it

    akashi verify --trust trust.jwks.json --status status-list.jwt` + anchors + ` certificate.pdf

With poppler, qpdf and OpenSSL, in a shell in this directory; F may be another of the files. pdfsig says ` + "`Signature is Valid`" + ` of the good one and
` + "`Digest Mismatch`" + ` of the tampered one, and OpenSSL the same of the signature (CAdES) over the signed bytes, which it finds by the byte range:

    F=certificate.pdf
    qpdf --check "$F"
    pdfsig -nocert "$F"
    pdfsig -dump "$F"
    openssl verify -purpose any -CAfile anchor.pem signer.pem
    range=$(grep -a -o '/ByteRange *\[[0-9 ]*\]' "$F" | head -n 1 | tr -d '[]')
    set -- ${range#/ByteRange}
    { head -c "$2" "$F"; tail -c +"$(($3 + 1))" "$F" | head -c "$4"; } >signed.bin
    openssl cms -verify -cades -binary -inform DER -in "$F.sig0" -content signed.bin -CAfile anchor.pem -purpose any -out signed.out
`
	if stamped {
		how += `
The timestamp is over the signature's value:

    openssl asn1parse -inform DER -in "$F.sig0" >structure.txt
    place() { sed -n "s/^ *\([0-9]*\):.*/\1/p"; }
    token=$(grep -A 2 'id-smime-aa-timeStampToken' structure.txt | tail -n 1 | place)
    value=$(grep -B 1 'cont \[ 1 \]' structure.txt | grep 'OCTET STRING' | tail -n 1 | place)
    openssl asn1parse -inform DER -in "$F.sig0" -strparse "$token" -noout -out token.der
    openssl asn1parse -inform DER -in "$F.sig0" -strparse "$value" -noout -out value.bin
    openssl ts -verify -data value.bin -token_in -in token.der -CAfile timestamp-anchor.pem
`
	}
	return how + `
pdfsig says of ` + "`appended.pdf`" + ` no more than ` + "`Not total document signed`" + `, and OpenSSL nothing, since the signed bytes are all there; of the evidence that B-LT
puts behind a signature pdfsig says the same. akashi verify and the registrar's verification page take no update that they do not know.
`
}
