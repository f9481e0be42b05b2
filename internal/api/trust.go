package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"akashi/internal/fault"
	"akashi/internal/verification"
)

// TrustListPath is where the API publishes the trust list.
const TrustListPath = trustPath

func trustOperation() huma.Operation {
	return huma.Operation{
		OperationID: "trust-list", Method: http.MethodGet, Path: trustPath, Summary: "The trust list",
		Description: "Every registrar with its keys by purpose, their certificates, and the addresses of its status lists, in one signed document with an end (JWS in the compact form; its type is akashi-trust-list+jwt). With it and the status lists credentials are checked without this service.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The list", Content: map[string]*huma.MediaType{verification.MediaTrustList: {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"304": {Description: "It is that of the ETag."},
			"404": {Description: "None is published here."},
			"503": {Description: "The newest one has ended: nothing is known now."},
		},
	}
}

func (s *service) trustList(ctx context.Context, q *keysQuestion) (*keysAnswer, error) {
	v, err := verification.CurrentTrustList(ctx, s.Verifier.DB)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, huma.Error404NotFound("No trust list is published here.")
	case errors.Is(err, fault.Upstream):
		s.Log.Error("the trust list is not published", "cause", err)
		return nil, huma.Error503ServiceUnavailable("The trust list cannot be told now.")
	case err != nil:
		return nil, s.failed(ctx, "reading the trust list", err)
	}
	left := v.ExpiresAt.Sub(s.Verifier.DB.Clock.Now())
	a := &keysAnswer{Status: http.StatusOK, ContentType: verification.MediaTrustList, CacheControl: fmt.Sprintf("public, max-age=%d", int(min(left, 5*time.Minute)/time.Second)),
		ETag: fmt.Sprintf(`"%d"`, v.Version), Body: []byte(v.Token)}
	if q.IfNoneMatch == a.ETag {
		a.Status, a.Body = http.StatusNotModified, nil
	}
	return a, nil
}
