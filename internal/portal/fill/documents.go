package fill

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
	maxFile     = 10 << 20 // bytes of one document, said on the page
	maxFiles    = 5        // files of one request
	maxFileName = 120      // user-perceived characters

	// MaxUploadBody is how many bytes a request with documents may have.
	MaxUploadBody = maxFiles*maxFile + 1<<20
)

// DocumentsView is the page on which documents are handed in.
type DocumentsView struct {
	Case, Lead string
	Documents  []DocumentView
	Done       ui.Link // where one goes on
}

// DocumentView is one document with its own form.
type DocumentView struct {
	Action       string
	Reason, Note string   // in a correction
	Earlier      []ui.Row // in a correction: what was handed in before
	File         ui.FileControl
}

// DocumentsNow lists the documents that can be handed in now and counts those that are missing. With a paper may come a certificate
// for which a registry is asked all the same.
func DocumentsNow(v *application.View) ([]qualification.Evidence, int, error) {
	var open []qualification.Evidence
	if k := v.Correction(); k != nil {
		for _, i := range k.Items {
			if id, ok := EvidenceOf(i.Item); ok && v.Procedure.Document(id) != nil {
				open = append(open, *v.Procedure.Document(id))
			}
		}
	} else {
		var err error
		if open, err = v.Procedure.EvidenceFor(v.Facts); err != nil {
			return nil, 0, err
		}
		if v.Case.OnPaper() {
			open = withReplaced(v.Procedure, open)
		}
	}
	if v.Case.OnPaper() {
		open = append([]qualification.Evidence{*application.DocumentOf(v.Procedure, application.EvidencePaper)}, open...)
	}
	missing, err := v.MissingDocuments()
	return open, len(missing), err
}

// withReplaced adds the documents that stand for a registry's answer, which may be there and need not.
func withReplaced(q *qualification.Procedure, open []qualification.Evidence) []qualification.Evidence {
	var out []qualification.Evidence
	for _, e := range q.Evidence {
		i := slices.IndexFunc(open, func(o qualification.Evidence) bool { return o.ID == e.ID })
		switch {
		case i >= 0:
			out = append(out, open[i])
		case e.Replaces != "":
			e.Required, e.Hint = false, qualification.Text{} // which says why it is asked for
			out = append(out, e)
		}
	}
	return out
}

// Documents fills the page on which documents are handed in.
func Documents(page *ui.Page, v *application.View, base string) (DocumentsView, error) {
	if !v.Case.State.Editable() {
		return DocumentsView{}, fault.New(fault.Conflict, "fault.not_editable", "opening the documents of a closed case")
	}
	open, _, err := DocumentsNow(v)
	if err != nil {
		return DocumentsView{}, err
	}
	view := DocumentsView{Case: page.Text(v.Procedure.Name), Lead: page.R("documents.lead"), Done: ui.Link{Path: base, Text: page.R("documents.done")}}
	if len(open) == 0 {
		view.Lead = page.R("documents.none_now")
	}
	for i := range open {
		e := &open[i]
		d := DocumentView{Action: DocumentsPath(base) + "/" + url.PathEscape(e.ID), File: fileControl(page, v, e, base)}
		if k := v.Correction(); k != nil {
			if i := slices.IndexFunc(k.Items, func(i application.CorrectionItem) bool { return i.Item == "evidence:"+e.ID }); i >= 0 {
				d.Reason, d.Note = ReasonWords(page, v.Procedure, k.Items[i].Reason), k.Items[i].Note
			}
			for _, u := range v.Uploads {
				if u.EvidenceID == e.ID && u.Round < v.Case.Round {
					d.Earlier = append(d.Earlier, ui.Row{Label: u.Name, Value: page.R("documents.earlier", page.Time(u.UploadedAt), SizeWords(u.Size))})
				}
			}
		}
		view.Documents = append(view.Documents, d)
	}
	return view, nil
}

func fileControl(page *ui.Page, v *application.View, e *qualification.Evidence, base string) ui.FileControl {
	c := ui.FileControl{Name: "evidence." + e.ID, Label: page.Text(e.Label), Hint: page.Text(e.Hint), Required: e.Required || v.Correction() != nil,
		Limits: page.R("documents.limits", e.MaxFiles), Accept: "application/pdf,image/jpeg,image/png", Multiple: e.MaxFiles > 1,
		Problem: page.ProblemFor("evidence." + e.ID)}
	if e.Hint == (qualification.Text{}) && e.Replaces != "" {
		c.Hint = page.R("documents.with_paper")
	}
	all := 0
	for _, u := range v.Uploads {
		if u.EvidenceID != e.ID {
			continue
		}
		all++
		if u.Round == v.Case.Round {
			c.Files = append(c.Files, ui.UploadedFile{ID: u.ID.String(), Name: u.Name, Detail: mediaWords(u.Media) + " " + SizeWords(u.Size),
				View: base + "/uploads/" + u.ID.String(), Remove: "remove:" + u.ID.String()})
		}
	}
	c.Full = all >= e.MaxFiles
	return c
}

// Taker takes what a request with documents asks for, for one case: the desk of applicants, or that of a counter.
type Taker struct {
	Blobs  *blob.Store
	Stored func(ref blob.Ref) error // tells of a content that serves no document yet
	Add    func(evidence, name, media string, ref blob.Ref) error
	Remove func(upload uuid.UUID) error
}

// Received is what one request with documents led to.
type Received struct {
	Added    int
	Problems []qualification.Problem

	files, removed int
}

// Receive takes the files of one document, or removes one. The files go from the request into the store without a stop in between.
// page has the language of the problems.
func Receive(r *http.Request, page *ui.Page, v *application.View, evidence string, t Taker) (got Received, err error) {
	if got, err = receive(r, page, v, evidence, t); err != nil {
		return got, err
	}
	if len(got.Problems) == 0 && got.Added+got.removed == 0 {
		got.Problems = append(got.Problems, fileProblem(page, evidence, "upload.none"))
	}
	return got, nil
}

func receive(r *http.Request, page *ui.Page, v *application.View, evidence string, t Taker) (got Received, err error) {
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
			err = got.remove(part, t)
		case part.FileName() != "":
			if got.files++; got.files > maxFiles { // each takes a place in the store and a write to the disk, also when it is refused
				got.Problems = append(got.Problems, fileProblem(page, evidence, "upload.at_once", maxFiles))
				return got, nil
			}
			err = got.add(r, page, v, evidence, part.FileName(), part, t)
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
func (got *Received) remove(part io.Reader, t Taker) error {
	value, err := io.ReadAll(io.LimitReader(part, 200))
	if err != nil {
		return badBody(err)
	}
	upload, err := uuid.Parse(strings.TrimPrefix(string(value), "remove:"))
	if err != nil {
		return nil // the button that adds
	}
	got.removed++
	return t.Remove(upload)
}

// add stores one file. What somebody can put right becomes a problem beside the input, in words that name the file.
func (got *Received) add(r *http.Request, page *ui.Page, v *application.View, evidence, name string, content io.Reader, t Taker) error {
	if err := v.MayUpload(evidence); errors.Is(err, fault.NotFound) || errors.Is(err, fault.Conflict) {
		return err
	}
	name = fileName(name)
	ref, err := t.Blobs.Put(r.Context(), content, maxFile)
	if err == nil {
		err = t.Stored(ref)
	}
	if err == nil {
		var media blob.Media
		if media, err = t.Blobs.Sniff(r.Context(), ref.SHA256); err == nil {
			err = t.Add(evidence, name, string(media), ref)
		}
	}
	key, mine := uploadProblem(err)
	switch {
	case err == nil:
		got.Added++
		return nil
	case mine:
		got.Problems = append(got.Problems, fileProblem(page, evidence, key, name))
		return nil
	}
	return err
}

// uploadProblem names the message for an error that somebody can put right.
func uploadProblem(err error) (string, bool) {
	var e *fault.Error
	if !errors.As(err, &e) {
		return "", false
	}
	key := map[string]string{"too_large": "upload.too_large", "kind": "upload.kind", "broken": "upload.broken", "pixels": "upload.pixels",
		"too_many_files": "upload.too_many"}[e.Key[strings.LastIndexByte(e.Key, '.')+1:]]
	return key, key != "" && (errors.Is(err, fault.Invalid) || errors.Is(err, fault.TooLarge))
}

func fileProblem(page *ui.Page, evidence, key string, args ...any) qualification.Problem {
	said := page.R(key, args...)
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

// Send sends a document back to whoever handed it in, always as a download: its content is not ours to run.
func Send(w http.ResponseWriter, r *http.Request, files *blob.Store, u application.Upload) error {
	f, err := files.Open(r.Context(), u.SHA256)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "opening a document that the case has") // missing there, it is lost: not a wrong address
	}
	defer f.Close()
	w.Header().Set("Content-Type", u.Media)
	w.Header().Set("Content-Disposition", Disposition(u.Name))
	http.ServeContent(w, r, "", u.UploadedAt, f)
	return nil
}

// Disposition names a download in ASCII and, for browsers that read it, as it is (RFC 6266 §4.3, RFC 8187).
func Disposition(name string) string {
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

// SizeWords writes a size in the units that people know.
func SizeWords(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KB", max(1, (bytes+1023)>>10))
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}
