package public

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// The inputs of the forms. checkdata is the name that the national verification page uses.
const (
	inputText = "checkdata"
	inputFile = "picture"
)

// entryView is the ways in. Text is what was pasted and could not be read: it is given back, to be corrected.
type entryView struct {
	Site string // host of this site, to compare with a link before it is opened
	Text string
}

func (p *portal) home(w http.ResponseWriter, r *http.Request) error {
	return p.entry(w, r, "", nil)
}

// entry draws the ways in, with what is to be put right.
func (p *portal) entry(w http.ResponseWriter, r *http.Request, text string, problems []qualification.Problem) error {
	page := p.site.Page(r, "home.title")
	page.Current, page.Path, page.Problems = "check", "/", problems
	return page.Render(w, entryPage(page, entryView{Site: hostOf(p.Origin), Text: text}))
}

// refuse draws the ways in with one message.
func (p *portal) refuse(w http.ResponseWriter, r *http.Request, input, key, text string) error {
	words := (&ui.Page{Site: p.site, Lang: ui.LangOf(r)}).R(key)
	problem := qualification.Problem{Input: input, Field: input, Message: qualification.Text{JA: words, EN: words, Easy: words}}
	return p.entry(w, r, text, []qualification.Problem{problem})
}

func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	return host
}

// scannedView is the page that a QR code's address opens. It holds the credential and shows nothing of it.
type scannedView struct {
	Code string // base64; "" when the query has none, where the fragment may have it
	entryView
}

// scanned answers the address in a QR code, /w/?c=…, and the one whose code stays in the browser, /w/#c=….
func (p *portal) scanned(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "scanned.title")
	page.Current = "check"
	return page.Render(w, scannedPage(page, scannedView{Code: codeIn(r.URL.RawQuery), entryView: entryView{Site: hostOf(p.Origin)}}))
}

// codeIn takes the message out of a query, "" when there is none that could be one.
func codeIn(query string) string {
	message, err := cose.ParseURL("?" + query)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(message)
}

// posted reads the text to be checked. The cause of an unreadable form is left out: it could repeat what was scanned.
func posted(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", tooLargeOr(err, fault.New(fault.Invalid, "", "reading a form"))
	}
	return strings.TrimSpace(r.PostForm.Get(inputText)), nil
}

func tooLargeOr(err, other error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return tooLarge
	}
	return other
}

// picture reads the uploaded file into memory and nowhere else. A form without one gives none.
func picture(r *http.Request) ([]byte, error) {
	broken := fault.New(fault.Invalid, "", "reading an uploaded picture")
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, broken
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, tooLargeOr(err, broken)
		case part.FormName() == inputFile:
			return contents(part, broken)
		}
	}
}

func contents(part *multipart.Part, broken error) ([]byte, error) {
	var file bytes.Buffer
	if _, err := file.ReadFrom(part); err != nil {
		return nil, tooLargeOr(err, broken)
	}
	return file.Bytes(), nil
}

// decode reads the QR code in a picture. Decoding takes a core for a second, so only a few run at once; whoever hangs up
// while waiting is gone.
func (p *portal) decode(r *http.Request, file []byte) (string, error) {
	select {
	case p.decoding <- struct{}{}:
		defer func() { <-p.decoding }()
		return qr.Decode(file)
	case <-r.Context().Done():
		return "", fault.Wrap(fault.TooMany, r.Context().Err(), "waiting to read a picture")
	}
}
