package public

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"akashi/internal/credential/form"
	"akashi/internal/fault"
)

// Where wallets and verifiers read what the types and terms of credentials mean. The addresses stand in credentials, so
// they stay (see form.TypeAddress and form.ContextAddress).
const (
	typePattern = "/types/{qualification}"
	contextPath = "/contexts/1"
)

// typeMetadata describes the SD-JWT VCs of one qualification.
func (p *portal) typeMetadata(w http.ResponseWriter, r *http.Request) error {
	d, ok := p.Verifier.Catalogue.Definition(r.PathValue("qualification"))
	if !ok {
		return fault.New(fault.NotFound, "", "describing the type of an unknown qualification")
	}
	document, _, err := form.TypeMetadata(p.Origin, d.ID, form.Text{JA: d.Name.JA, EN: d.Name.EN}).Encode()
	if err != nil {
		return err
	}
	return describe(w, r, "application/json", document)
}

// context explains the terms of W3C credentials.
func (p *portal) context(w http.ResponseWriter, r *http.Request) error {
	document, err := form.Context(p.Origin)
	if err != nil {
		return err
	}
	return describe(w, r, "application/ld+json", document)
}

// describe answers with a document that anybody may keep for a day, for pages of any origin.
func describe(w http.ResponseWriter, r *http.Request, mediaType string, document []byte) error {
	sum := sha256.Sum256(document)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("ETag", tag)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, err := w.Write(document)
	return err
}
