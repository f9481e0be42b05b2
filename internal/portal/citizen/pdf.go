package citizen

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// pdfView is the page from which a holder gets the PDF of a credential.
type pdfView struct {
	Path     string // of the credential
	InForce  bool
	Making   bool
	Slow     bool // it takes longer than it should
	Failure  string
	Lack     *ui.Notice // that the register makes no PDFs today
	File     ui.Link    // "" while there is none
	Detail   string
	Contents []string
}

// slowAfter is after how many seconds a page says that something takes longer than usual.
const slowAfter = 60

// pdfAddress reads the register and the entry from the address.
func pdfAddress(r *http.Request) (register string, entry uuid.UUID, path string, err error) {
	register = r.PathValue("register")
	entry, err = uuid.Parse(r.PathValue("entry"))
	if err != nil {
		return "", entry, "", fault.Wrap(fault.NotFound, err, "showing the PDF of a credential")
	}
	return register, entry, credentialAddress(register, entry), nil
}

func (p *portal) pdfPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	register, entry, path, err := pdfAddress(r)
	if err != nil {
		return err
	}
	c, d, err := p.Wallet.Document(r.Context(), a, register, entry)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "pdf.title")
	page.Title = ui.Plain(page.R("pdf.title.of", qualificationName(page, p.Desk.Catalogue, register)))
	page.Current, page.Back = "credentials", path
	view := fillPDF(page, path, c, d)
	view.Lack = lack(page, p.Desk.Catalogue, register, qualification.FunctionPDF)
	return page.Render(w, pdfPage(page, view))
}

func fillPDF(page *ui.Page, path string, c *credential.Credential, d *credential.Document) pdfView {
	v := pdfView{Path: path, InForce: c.State == credential.Valid && !c.Expired(calendar.Of(page.Now)),
		Contents: []string{page.R("pdf.contents.certificate"), page.R("pdf.contents.card"), page.R("pdf.contents.signature")}}
	switch {
	case !v.InForce:
	case d.Ready():
		v.File = ui.Link{Path: path + "/pdf/file", Text: page.R("pdf.download")}
		v.Detail = page.R("pdf.detail", page.Time(*d.MadeAt), fill.SizeWords(*d.Size))
	case d.Awaited():
		v.Making, v.Slow = true, page.Now.Sub(d.AskedAt).Seconds() > slowAfter
	case d != nil:
		v.Failure = failureWords(page, d.Failure)
	}
	return v
}

func failureWords(page *ui.Page, key string) string {
	switch key {
	case "pdf.no_glyph":
		return page.R("pdf.failed.no_glyph")
	case "pdf.too_long":
		return page.R("pdf.failed.too_long")
	case string(credential.NotOffered):
		return page.R("credential.not_offered")
	}
	return page.R("pdf.failed.other")
}

func (p *portal) askPDF(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	register, entry, path, err := pdfAddress(r)
	if err != nil {
		return err
	}
	if err := p.Wallet.Ask(r.Context(), a, register, entry); err != nil {
		return err
	}
	return p.site.Redirect(w, r, path+"/pdf")
}

// pdfFile hands the PDF out. It is named after the qualification, not after the holder: names of files end in logs and lists.
func (p *portal) pdfFile(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	register, entry, _, err := pdfAddress(r)
	if err != nil {
		return err
	}
	c, d, err := p.Wallet.Download(r.Context(), a, register, entry)
	if err != nil {
		return err
	}
	facts, err := c.Facts()
	if err != nil {
		return err
	}
	f, err := p.Desk.Blobs.Open(r.Context(), *d.SHA256)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "opening the PDF of a credential") // missing there, it is lost: not a wrong address
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", fill.Disposition(pdfName(facts[cose.QualificationName])))
	http.ServeContent(w, r, "", *d.MadeAt, f)
	return nil
}

// pdfName is a name that every file system takes.
func pdfName(title string) string {
	const most = 60 // characters
	title = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`/\:*?"<>|.`, r) {
			return '_'
		}
		return r
	}, title)
	if chars := []rune(title); len(chars) > most {
		title = string(chars[:most])
	}
	return "デジタル資格者証_" + title + ".pdf"
}
