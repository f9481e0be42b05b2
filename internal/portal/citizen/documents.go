package citizen

import (
	"net/http"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/fault"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

func (p *portal) documents(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawDocuments(w, r, v, nil)
}

func (p *portal) drawDocuments(w http.ResponseWriter, r *http.Request, v *application.View, problems []qualification.Problem) error {
	page := p.casePage(r, v, "documents.title")
	page.Problems = problems
	view, err := fill.Documents(page, v, casePath(v.Case.PublicID))
	if err != nil {
		return err
	}
	return page.Render(w, fill.DocumentsPage(page, view))
}

// saveDocuments takes the files of one document, or removes one.
func (p *portal) saveDocuments(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	id, evidence := r.PathValue("id"), r.PathValue("evidence")
	v, err := p.Desk.View(r.Context(), a, id)
	if err != nil {
		return err
	}
	got, err := fill.Receive(r, p.words(r), v, evidence, p.taker(r, a, id))
	if err != nil {
		return err
	}
	if len(got.Problems) > 0 {
		if v, err = p.Desk.View(r.Context(), a, id); err != nil {
			return err
		}
		return p.drawDocuments(w, r, v, got.Problems)
	}
	if got.Added > 0 {
		if err := p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: p.words(r).R("documents.added", got.Added)}); err != nil {
			return err
		}
	}
	return p.site.Redirect(w, r, casePath(v.Case.PublicID, "documents"))
}

// taker hands an applicant's documents in.
func (p *portal) taker(r *http.Request, a application.Applicant, id string) fill.Taker {
	return fill.Taker{Blobs: p.Desk.Blobs,
		Stored: func(ref blob.Ref) error { return p.Desk.Stored(r.Context(), ref) },
		Add: func(evidence, name, media string, ref blob.Ref) error {
			return p.Desk.AddUpload(r.Context(), a, id, evidence, name, media, ref)
		},
		Remove: func(upload uuid.UUID) error { return p.Desk.RemoveUpload(r.Context(), a, id, upload) }}
}

// upload sends a document back to whoever handed it in.
func (p *portal) upload(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	id, err := uuid.Parse(r.PathValue("upload"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening a document")
	}
	u, err := p.Desk.OpenUpload(r.Context(), a, r.PathValue("id"), id)
	if err != nil {
		return err
	}
	return fill.Send(w, r, p.Desk.Blobs, u)
}
