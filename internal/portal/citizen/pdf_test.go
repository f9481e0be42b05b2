package citizen

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"akashi/internal/credential"
	"akashi/internal/portal/ui"
	"akashi/internal/portal/ui/uitest"
)

// fetchPDF has the PDF made and fetches it, without scripts.
func (v *visitor) fetchPDF(path string) {
	v.t.Helper()
	v.get(path).want(200, "PDFを作る").lacks("ダウンロード")
	v.get(path + "/file").want(404)
	v.post(path).want(http.StatusSeeOther, path)
	v.w.Work(v.t)
	v.get(path).want(200, "PDFをダウンロードする", path+"/file", "必要な相手にだけ").lacks("PDFを作る")
	file := v.get(path + "/file").want(200)
	if !strings.HasPrefix(file.Body, "%PDF-1.7") || file.Header.Get("Content-Type") != "application/pdf" {
		v.t.Errorf("%s: %.20q", file.Header.Get("Content-Type"), file.Body)
	}
	name := file.Header.Get("Content-Disposition")
	if want := "attachment; filename=document.pdf; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape("デジタル資格者証_看護師.pdf"), "+", "%20"); name != want {
		v.t.Errorf("named %q, want %q", name, want)
	}
	if strings.Contains(v.w.log.String(), "花子") || bytes.Contains([]byte(name), []byte("%E8%8A%B1")) {
		v.t.Error("the holder's name is in the log or in the file's name")
	}
	v.get(strings.Replace(path, "/pdf", "x/pdf", 1)).want(404)
}

// TestPDFPage: what the page says in each state.
func TestPDFPage(t *testing.T) {
	t.Parallel()
	page := &ui.Page{Site: uitest.Site(t, ui.Config{Catalogue: uitest.Catalogue(t, Text)}), Lang: "ja", Now: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
	valid := &credential.Credential{State: credential.Valid}
	for name, c := range map[string]struct {
		c    *credential.Credential
		d    *credential.Document
		view func(pdfView) bool
	}{
		"nothing yet":  {valid, nil, func(v pdfView) bool { return v.InForce && !v.Making && v.File.Path == "" && v.Failure == "" }},
		"being made":   {valid, &credential.Document{AskedAt: page.Now}, func(v pdfView) bool { return v.Making && !v.Slow }},
		"for too long": {valid, &credential.Document{AskedAt: page.Now.Add(-2 * slowAfter * time.Second)}, func(v pdfView) bool { return v.Making && v.Slow }},
		"no font":      {valid, &credential.Document{Failure: "pdf.no_glyph"}, func(v pdfView) bool { return strings.Contains(v.Failure, "書体") }},
		"too long":     {valid, &credential.Document{Failure: "pdf.too_long"}, func(v pdfView) bool { return strings.Contains(v.Failure, "長すぎて") }},
		"something":    {valid, &credential.Document{Failure: "credential.not_in_force"}, func(v pdfView) bool { return strings.Contains(v.Failure, "もう一度") }},
		"not in force": {&credential.Credential{State: credential.Suspended}, &credential.Document{AskedAt: page.Now}, func(v pdfView) bool { return !v.InForce && !v.Making && v.File.Path == "" }},
	} {
		if v := fillPDF(page, "/credentials/a/b", c.c, c.d); !c.view(v) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestPDFName: any title is a name of a file.
func TestPDFName(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"看護師":                    "デジタル資格者証_看護師.pdf",
		"a/../b\\c:d\"e\n f":     "デジタル資格者証_a____b_c_d_e__f.pdf",
		strings.Repeat("長", 100): "デジタル資格者証_" + strings.Repeat("長", 60) + ".pdf",
	} {
		if got := pdfName(title); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}
