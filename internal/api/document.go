package api

import (
	"context"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// maxDocument is the largest PDF that is checked, in bytes. Ours have a few hundred thousand.
const maxDocument = 8 << 20

type document struct {
	RawBody []byte `contentType:"application/pdf"`
}

func (s *service) verifyDocumentOperation() huma.Operation {
	return huma.Operation{
		OperationID: "verify-document", Method: http.MethodPost, Path: documentsPath, Summary: "Verify a signed PDF",
		Description: "Checks a PDF as the registrars sign it: whole, with the one signature of the registrar and nothing added but timestamps and evidence; recorded in the register; " +
			"and the credential inside, which gives the answer. The document is neither stored nor logged.",
		MaxBodyBytes: maxDocument, Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests},
		Middlewares: huma.Middlewares{s.limit, pdfOnly},
	}
}

// pdfOnly answers 415 to a body that does not say that it is a PDF.
func pdfOnly(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	if kind, _, err := mime.ParseMediaType(ctx.Header("Content-Type")); err != nil || kind != "application/pdf" {
		problem(w, http.StatusUnsupportedMediaType, "Send the PDF itself, as application/pdf.")
		return
	}
	next(ctx)
}

func (s *service) verifyDocument(ctx context.Context, d *document) (*verdict, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return &verdict{Body: answer(s.Verifier.CheckPDF(ctx, d.RawBody))}, nil
}
