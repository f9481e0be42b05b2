package public

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// The inputs of the forms. checkdata is the name that the national verification page uses.
const (
	inputText   = "checkdata"
	inputFile   = "picture"
	inputResult = "result" // what was found of a file, sealed (seal.go)
)

// entryView is the ways in. Text is what was pasted and could not be read: it is given back, to be corrected.
type entryView struct {
	Wallets bool   // wallets can be asked
	Site    string // host of this site, to compare with a link before it is opened
	Text    string
	Number  string
}

func (p *portal) home(w http.ResponseWriter, r *http.Request) error {
	return p.entry(w, r, entryView{}, nil)
}

// entry draws the ways in, with what is to be put right.
func (p *portal) entry(w http.ResponseWriter, r *http.Request, v entryView, problems []qualification.Problem) error {
	page := p.site.Page(r, "home.title")
	page.Current, page.Path, page.Problems = "check", "/", problems
	page.Camera, page.Scripts, v.Site = true, []string{"scan.js", "pick.js"}, hostOf(p.Origin)
	v.Wallets = p.Wallets != nil
	return page.Render(w, entryPage(page, v))
}

// refuse draws the ways in with one message.
func (p *portal) refuse(w http.ResponseWriter, r *http.Request, input, key, text string) error {
	return p.refused(w, r, input, key, entryView{Text: text})
}

// refuseNumber is refuse for a number.
func (p *portal) refuseNumber(w http.ResponseWriter, r *http.Request, key, typed string) error {
	return p.refused(w, r, inputNumber, key, entryView{Number: typed})
}

func (p *portal) refused(w http.ResponseWriter, r *http.Request, input, key string, v entryView) error {
	words := (&ui.Page{Site: p.site, Lang: ui.LangOf(r)}).R(key)
	problem := qualification.Problem{Input: input, Field: input, Message: qualification.Text{JA: words, EN: words, Easy: words}}
	return p.entry(w, r, v, []qualification.Problem{problem})
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
		return "", tooLargeOr(err, unreadableForm())
	}
	return strings.TrimSpace(r.PostForm.Get(inputText)), nil
}

func unreadableForm() error { return fault.New(fault.Invalid, "", "reading a form") }

func tooLargeOr(err, other error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return tooLarge
	}
	return other
}
