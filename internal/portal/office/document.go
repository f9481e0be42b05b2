package office

import (
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/fault"
)

// documentPolicy is the security policy of a document that somebody has handed in: it may do nothing at all.
const documentPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

// document sends a document of a case. Pictures are shown in the page; everything else is saved to a file, because a PDF
// can hold active content.
func (p *portal) document(w http.ResponseWriter, r *http.Request, o seat) error {
	ctx, id := r.Context(), r.PathValue("id")
	document, err := uuid.Parse(r.PathValue("document"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "reading a document's id")
	}
	standing, err := p.Desk.Standing(ctx, o.Officer, id)
	if err != nil {
		return err
	}
	why, err := p.whyCase(r, o, id, standing)
	if err != nil {
		return err
	}
	if why == "" {
		return p.site.Redirect(w, r, casePath(id))
	}
	u, err := p.Desk.OpenDocument(ctx, o.Officer, id, document, why)
	if err != nil {
		return err
	}
	file, err := p.Blobs.Open(ctx, u.SHA256)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "opening a document that the case has") // missing there, it is lost: not a wrong address
	}
	defer file.Close()
	disposition := "attachment"
	if strings.HasPrefix(u.Media, "image/") {
		disposition = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", u.Media)
	h.Set("Content-Length", strconv.FormatInt(u.Size, 10))
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": u.Name}))
	h.Set("Content-Security-Policy", documentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-store")
	if _, err := io.Copy(w, file); err != nil {
		return fault.Wrap(fault.Internal, err, "sending a document")
	}
	return nil
}
