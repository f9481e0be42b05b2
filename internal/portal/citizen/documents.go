package citizen

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

const (
	maxFile       = 10 << 20                 // bytes of one document, said on the page
	maxFiles      = 5                        // files of one request
	maxUploadBody = maxFiles*maxFile + 1<<20 // bytes of one request
	maxFileName   = 120                      // user-perceived characters
)

// documentsView is the page on which documents are handed in.
type documentsView struct {
	Case      string
	Documents []documentView
	Done      string // where the applicant goes on
}

// documentView is one document with its own form.
type documentView struct {
	Action       string
	Reason, Note string   // in a correction
	Earlier      []ui.Row // in a correction: what was handed in before
	File         ui.FileControl
}

// documentsNow lists the documents that can be handed in now and counts those that are missing.
func documentsNow(v *application.View) ([]qualification.Evidence, int, error) {
	var open []qualification.Evidence
	if k := v.Correction(); k != nil {
		for _, i := range k.Items {
			if id, ok := evidenceOf(i.Item); ok && v.Procedure.Document(id) != nil {
				open = append(open, *v.Procedure.Document(id))
			}
		}
	} else {
		var err error
		if open, err = v.Procedure.EvidenceFor(v.Facts); err != nil {
			return nil, 0, err
		}
	}
	missing, err := v.MissingDocuments()
	return open, len(missing), err
}

func (p *portal) documents(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.drawDocuments(w, r, v, nil)
}

func (p *portal) drawDocuments(w http.ResponseWriter, r *http.Request, v *application.View, problems []qualification.Problem) error {
	if !v.Case.State.Editable() {
		return fault.New(fault.Conflict, "fault.not_editable", "opening the documents of a closed case")
	}
	open, _, err := documentsNow(v)
	if err != nil {
		return err
	}
	page := p.casePage(r, v, "documents.title")
	page.Problems = problems
	return page.Render(w, documentsPage(page, fillDocuments(page, v, open)))
}

func fillDocuments(page *ui.Page, v *application.View, open []qualification.Evidence) documentsView {
	view := documentsView{Case: page.Text(v.Procedure.Name), Done: casePath(v.Case.PublicID)}
	for i := range open {
		e := &open[i]
		d := documentView{Action: casePath(v.Case.PublicID, "documents", e.ID), File: fileControl(page, v, e)}
		if k := v.Correction(); k != nil {
			if i := slices.IndexFunc(k.Items, func(i application.CorrectionItem) bool { return i.Item == "evidence:"+e.ID }); i >= 0 {
				d.Reason, d.Note = reasonWords(page, v.Procedure, k.Items[i].Reason), k.Items[i].Note
			}
			for _, u := range v.Uploads {
				if u.EvidenceID == e.ID && u.Round < v.Case.Round {
					d.Earlier = append(d.Earlier, ui.Row{Label: u.Name, Value: page.R("documents.earlier", page.Time(u.UploadedAt), sizeWords(u.Size))})
				}
			}
		}
		view.Documents = append(view.Documents, d)
	}
	return view
}

func fileControl(page *ui.Page, v *application.View, e *qualification.Evidence) ui.FileControl {
	c := ui.FileControl{Name: "evidence." + e.ID, Label: page.Text(e.Label), Hint: page.Text(e.Hint), Required: e.Required || v.Correction() != nil,
		Limits: page.R("documents.limits", e.MaxFiles), Accept: "application/pdf,image/jpeg,image/png", Multiple: e.MaxFiles > 1,
		Problem: page.ProblemFor("evidence." + e.ID)}
	all := 0
	for _, u := range v.Uploads {
		if u.EvidenceID != e.ID {
			continue
		}
		all++
		if u.Round == v.Case.Round {
			c.Files = append(c.Files, ui.UploadedFile{ID: u.ID.String(), Name: u.Name, Detail: mediaWords(u.Media) + " " + sizeWords(u.Size),
				View: casePath(v.Case.PublicID, "uploads", u.ID.String()), Remove: "remove:" + u.ID.String()})
		}
	}
	c.Full = all >= e.MaxFiles
	return c
}

// saveDocuments takes the files of one document, or removes one. The files go from the request into the store without a
// stop in between.
func (p *portal) saveDocuments(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	id, evidence := r.PathValue("id"), r.PathValue("evidence")
	v, err := p.Desk.View(r.Context(), a, id)
	if err != nil {
		return err
	}
	got, err := p.receive(r, a, v, evidence)
	if err != nil {
		return err
	}
	if len(got.problems) == 0 && got.added+got.removed == 0 {
		got.problems = append(got.problems, p.fileProblem(r, evidence, "upload.none"))
	}
	if len(got.problems) > 0 {
		if v, err = p.Desk.View(r.Context(), a, id); err != nil {
			return err
		}
		return p.drawDocuments(w, r, v, got.problems)
	}
	if got.added > 0 {
		if err := p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: p.words(r).R("documents.added", got.added)}); err != nil {
			return err
		}
	}
	return p.site.Redirect(w, r, casePath(v.Case.PublicID, "documents"))
}

// received is what one request with documents led to.
type received struct {
	files          int // sent, taken or not
	added, removed int
	problems       []qualification.Problem
}

func (p *portal) receive(r *http.Request, a application.Applicant, v *application.View, evidence string) (got received, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return got, fault.Wrap(fault.Invalid, err, "reading a form with documents")
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, badBody(err)
		}
		switch {
		case part.FormName() == "action":
			err = p.remove(r, a, v, part, &got)
		case part.FileName() != "":
			if got.files++; got.files > maxFiles { // each takes a place in the store and a write to the disk, also when it is refused
				got.problems = append(got.problems, p.fileProblem(r, evidence, "upload.at_once", maxFiles))
				return got, nil
			}
			err = p.add(r, a, v, evidence, part.FileName(), part, &got)
		}
		if err != nil {
			return got, err
		}
	}
}

// badBody classifies an error of reading the request: too much of it, or not of its form.
func badBody(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.Wrap(fault.TooLarge, err, "reading a form with documents")
	}
	return fault.Wrap(fault.Invalid, err, "reading a form with documents")
}

// remove takes the document out that the pressed button names.
func (p *portal) remove(r *http.Request, a application.Applicant, v *application.View, part io.Reader, got *received) error {
	value, err := io.ReadAll(io.LimitReader(part, 200))
	if err != nil {
		return badBody(err)
	}
	upload, err := uuid.Parse(strings.TrimPrefix(string(value), "remove:"))
	if err != nil {
		return nil // the button that adds
	}
	got.removed++
	return p.Desk.RemoveUpload(r.Context(), a, v.Case.PublicID, upload)
}

// add stores one file. What the applicant can put right becomes a problem beside the input, in words that name the file.
func (p *portal) add(r *http.Request, a application.Applicant, v *application.View, evidence, name string, content io.Reader, got *received) error {
	if err := v.MayUpload(evidence); errors.Is(err, fault.NotFound) || errors.Is(err, fault.Conflict) {
		return err
	}
	name = fileName(name)
	ref, err := p.Desk.Blobs.Put(r.Context(), content, maxFile)
	if err == nil {
		err = p.Desk.Stored(r.Context(), ref)
	}
	if err == nil {
		var media blob.Media
		if media, err = p.Desk.Blobs.Sniff(r.Context(), ref.SHA256); err == nil {
			err = p.Desk.AddUpload(r.Context(), a, v.Case.PublicID, evidence, name, string(media), ref)
		}
	}
	key, mine := uploadProblem(err)
	switch {
	case err == nil:
		got.added++
		return nil
	case mine:
		got.problems = append(got.problems, p.fileProblem(r, evidence, key, name))
		return nil
	}
	return err
}

// uploadProblem names the message for an error that the applicant can put right.
func uploadProblem(err error) (string, bool) {
	key := map[string]string{"too_large": "upload.too_large", "kind": "upload.kind", "broken": "upload.broken", "pixels": "upload.pixels",
		"too_many_files": "upload.too_many"}[reasonOf(err)]
	return key, key != "" && (errors.Is(err, fault.Invalid) || errors.Is(err, fault.TooLarge))
}

func (p *portal) fileProblem(r *http.Request, evidence, key string, args ...any) qualification.Problem {
	said := p.words(r).R(key, args...)
	return qualification.Problem{Input: "evidence." + evidence, Field: "evidence:" + evidence, Message: qualification.Text{JA: said, EN: said, Easy: said}}
}

// fileName is the name under which a document is shown: without a path, cleaned, cut to a length.
func fileName(sent string) string {
	name := jtext.Clean(filepath.Base(strings.ReplaceAll(sent, "\\", "/")))
	if all := jtext.Characters(name); len(all) > maxFileName {
		name = strings.Join(all[len(all)-maxFileName:], "") // the end, so that the extension stays
	}
	if name == "" || name == "." || name == "/" {
		return "document"
	}
	return name
}

// upload sends a document back to whoever handed it in, always as a download: its content is not ours to run.
func (p *portal) upload(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	id, err := uuid.Parse(r.PathValue("upload"))
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening a document")
	}
	u, err := p.Desk.OpenUpload(r.Context(), a, r.PathValue("id"), id)
	if err != nil {
		return err
	}
	f, err := p.Desk.Blobs.Open(r.Context(), u.SHA256)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "opening a document that the case has") // missing there, it is lost: not a wrong address
	}
	defer f.Close()
	w.Header().Set("Content-Type", u.Media)
	w.Header().Set("Content-Disposition", disposition(u.Name))
	http.ServeContent(w, r, "", u.UploadedAt, f)
	return nil
}

// disposition names a download in ASCII and, for browsers that read it, as it is (RFC 6266 §4.3, RFC 8187).
func disposition(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": "document" + strings.ToLower(filepath.Ext(asciiOnly(name)))}) +
		"; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '!' || r > '~' {
			return -1
		}
		return r
	}, s)
}

func mediaWords(media string) string {
	switch blob.Media(media) {
	case blob.PDF:
		return "PDF"
	case blob.JPEG:
		return "JPEG"
	case blob.PNG:
		return "PNG"
	}
	return media
}

// sizeWords writes a size in the units that people know.
func sizeWords(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KB", max(1, (bytes+1023)>>10))
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}
