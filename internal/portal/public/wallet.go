package public

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/fault"
	"akashi/internal/format/mdoc"
	"akashi/internal/format/qr"
	"akashi/internal/format/sdjwt"
	"akashi/internal/portal/ui"
	"akashi/internal/presentation"
	"akashi/internal/verification"
)

const (
	walletPath  = "/wallet"
	inputWanted = "qualification"
	anyWanted   = "any"
)

// walletView is the page on which a wallet is asked.
type walletView struct {
	Wanted ui.Control
}

// wallet asks what is to be asked.
func (p *portal) wallet(w http.ResponseWriter, r *http.Request) error {
	if p.Wallets == nil {
		return fault.New(fault.NotFound, "", "asking a wallet, which is not offered here")
	}
	page := p.site.Page(r, "wallet.title")
	page.Current = "wallet"
	choices := []ui.Choice{{Value: anyWanted, Label: page.R("wallet.any")}}
	for _, d := range p.Verifier.Catalogue.Named(page.Lang) {
		choices = append(choices, ui.Choice{Value: d.ID, Label: page.Text(d.Name)})
	}
	return page.Render(w, walletPage(page, walletView{Wanted: ui.Control{Name: inputWanted, Label: page.R("wallet.which"), NoNeed: true, Choices: choices, Value: anyWanted}}))
}

// askWallet asks, and leads to the page that waits for the answer. The address of that page is the only key to the result.
func (p *portal) askWallet(w http.ResponseWriter, r *http.Request) error {
	if p.Wallets == nil {
		return fault.New(fault.NotFound, "", "asking a wallet, which is not offered here")
	}
	if err := r.ParseForm(); err != nil {
		return tooLargeOr(err, fault.New(fault.Invalid, "", "reading a form"))
	}
	wanted := r.PostForm.Get(inputWanted)
	if wanted == anyWanted {
		wanted = ""
	}
	asked, err := p.Wallets.Start(r.Context(), presentation.Question{Subject: presentation.Subject{Qualification: wanted}})
	if err != nil {
		return err
	}
	return p.site.Redirect(w, r, walletPath+"/"+asked.Token)
}

// waitingView is the page that shows the QR code and waits.
type waitingView struct {
	QR      string
	Link    templ.SafeURL // opens a wallet on this device
	Until   string
	Again   string // this page
	Refused string // why the last answer was not taken
	State   string // what the page waits in
}

// endedView says that there is no result here.
type endedView struct {
	Title, Body string
}

// waiting shows what became of a question: the QR code while nobody has answered, then the result.
func (p *portal) waiting(w http.ResponseWriter, r *http.Request) error {
	if p.Wallets == nil {
		return fault.New(fault.NotFound, "", "asking a wallet, which is not offered here")
	}
	token := r.PathValue("token")
	v, err := p.Wallets.View(r.Context(), token)
	page := p.site.Page(r, "wallet.waiting")
	page.Current = "wallet"
	switch {
	case errors.Is(err, presentation.Unknown):
		return p.ended(w, page, "wallet.gone", http.StatusNotFound)
	case err != nil:
		return err
	case v.Result != nil:
		return p.walletResult(w, page, *v.Result)
	case v.Elsewhere:
		return p.ended(w, page, "wallet.elsewhere", http.StatusOK)
	case v.Stage == presentation.Declined:
		return p.ended(w, page, "wallet.declined", http.StatusOK)
	case v.WornOut:
		return p.ended(w, page, "wallet.worn_out", http.StatusOK)
	case v.Expired:
		return p.ended(w, page, "wallet.expired", http.StatusOK)
	}
	view, err := fillWaiting(page, v, walletPath+"/"+token)
	if err != nil {
		return err
	}
	return page.Render(w, waitingPage(page, view))
}

func fillWaiting(page *ui.Page, v *presentation.View, path string) (waitingView, error) {
	// The link is ours from its scheme on: its parts are escaped where it is made.
	out := waitingView{State: strings.TrimSpace("waiting " + v.Refusal), Link: templ.SafeURL(v.Links[presentation.Here]), Until: page.Time(v.ExpiresAt), Again: path}
	if v.Refusal != "" {
		out.Refused = page.R(refusedKey(v.Refusal))
	}
	svg, err := qr.SVG(v.Links[presentation.There], qr.Options{Level: qr.Low, ID: "wallet-qr", Title: page.T("wallet.qr"), Description: page.T("wallet.qr_text")})
	out.QR = string(svg)
	return out, err
}

// refusedKey words why an answer was not taken, as far as the person at the page can do something about it.
func refusedKey(reason string) string {
	switch reason {
	case string(mdoc.Expired), string(sdjwt.Ended):
		return "wallet.refused_ended"
	case string(presentation.WrongType), string(presentation.WrongValue):
		return "wallet.refused_other"
	case string(presentation.MissingClaim), string(presentation.NothingShown):
		return "wallet.refused_little"
	}
	return "wallet.refused"
}

// ended draws why there is nothing to see. key and key_body are its wordings.
func (p *portal) ended(w http.ResponseWriter, page *ui.Page, key string, status int) error {
	page.Status, page.Title = status, page.T(key)
	return page.Render(w, walletEndedPage(page, endedView{Title: page.R(key), Body: page.R(key + "_body")}))
}

// returned is where a wallet on the same device leads back to. Only the code that the wallet got opens the result.
func (p *portal) returned(w http.ResponseWriter, r *http.Request) error {
	if p.Wallets == nil {
		return fault.New(fault.NotFound, "", "asking a wallet, which is not offered here")
	}
	page := p.site.Page(r, "result.title")
	page.Current, page.Path = "wallet", walletPath
	result, err := p.Wallets.Result(r.Context(), r.URL.Query().Get("response_code"))
	if errors.Is(err, presentation.Unknown) {
		return p.ended(w, page, "wallet.gone", http.StatusNotFound)
	}
	if err != nil {
		return err
	}
	return p.walletResult(w, page, *result)
}

func (p *portal) walletResult(w http.ResponseWriter, page *ui.Page, result verification.Result) error {
	sealed, err := p.seal.close(result)
	if err != nil {
		return err
	}
	view := fillResult(page, result, resultView{Sealed: sealed})
	page.Title = page.T("verdict." + string(view.Panel.Verdict))
	return page.Render(w, walletResultPage(page, view))
}

// keptFor is how long a result can be seen, in minutes.
func keptFor() string {
	return strings.TrimSuffix((presentation.Kept / time.Minute * time.Minute).String(), "m0s")
}
