package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type keysQuestion struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of an earlier answer."`
}

type keysAnswer struct {
	Status       int
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	ETag         string `header:"ETag"`
	Body         []byte
}

// keysOperation describes the keys by hand: their members are those of RFC 7517 and eight of ours.
func keysOperation() huma.Operation {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	stamp := func(doc string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: doc}
	}
	key := &huma.Schema{Type: huma.TypeObject, Required: []string{"kty", "kid", "purpose", "registrar", "registers", "not_before"}, Properties: map[string]*huma.Schema{
		"kty": text("Type of the key."), "kid": text("The key id in a credential's unprotected header."), "use": text("Always sig."),
		"alg": text("ES256 or PS256."), "crv": text("Of an EC key: P-256."), "x": text("Of an EC key."), "y": text("Of an EC key."), "n": text("Of an RSA key."), "e": text("Of an RSA key."),
		"x5c":       {Type: huma.TypeArray, Items: text(""), Description: "Its certificates (RFC 7517 §4.7), its own first, the anchor last. Absent while it has none."},
		"purpose":   {Type: huma.TypeString, Enum: []any{"credential", "status", "document", "mdoc"}, Description: "The one thing that it signs: credentials as QR code, SD-JWT VC and W3C credential; status lists; PDF; mobile documents. Believe no signature under anything else."},
		"registrar": text("Id of the body that signs with the key."), "registrar_name": text("Its name in Japanese."),
		"registers":  {Type: huma.TypeArray, Items: text(""), Description: "The four characters with which the credential ids (DN) of its registers begin. Believe a signature for no other."},
		"not_before": stamp("From when the key signs. It is published before."), "not_after": stamp("End of its certificate."), "retired_at": stamp("Since when it signs no more; its earlier signatures stand."),
		"distrusted_at": stamp("When it was found unsafe. Believe none of its signatures, whenever made."),
	}}
	set := &huma.Schema{Type: huma.TypeObject, Required: []string{"keys"}, Properties: map[string]*huma.Schema{"keys": {Type: huma.TypeArray, Items: key}}}
	return huma.Operation{
		OperationID: "keys", Method: http.MethodGet, Path: keysPath, Summary: "The published keys",
		Description: "Every key that was ever published, as a JWK Set (RFC 7517). With them a signature can be checked without this service; whether a credential is in force cannot.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The keys", Content: map[string]*huma.MediaType{"application/jwk-set+json": {Schema: set}}},
			"304": {Description: "They are those of the ETag."},
		},
	}
}

func (s *service) keys(ctx context.Context, q *keysQuestion) (*keysAnswer, error) {
	set, err := s.Verifier.KeySet(ctx)
	if err != nil {
		return nil, s.failed(ctx, "reading the published keys", err)
	}
	body, err := set.JWKS()
	if err != nil {
		return nil, s.failed(ctx, "writing the published keys", err)
	}
	sum := sha256.Sum256(body)
	a := &keysAnswer{Status: http.StatusOK, ContentType: "application/jwk-set+json", CacheControl: "public, max-age=300",
		ETag: `"` + hex.EncodeToString(sum[:16]) + `"`, Body: body}
	if q.IfNoneMatch == a.ETag {
		a.Status, a.Body = http.StatusNotModified, nil
	}
	return a, nil
}
