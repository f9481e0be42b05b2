package citizen

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/qr"
	"akashi/internal/issuance"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/server"
)

// AuthorizePath is where a wallet sends its holder with a pushed request: the authorization endpoint of every issuer.
const AuthorizePath = "/wallet/authorize"

// keyOffer is where the session keeps the newest offer: its address and transaction code are known to nobody else.
const keyOffer = "offer" // JSON of issuance.Made

// walletRoutes adds the pages of wallets.
func (p *portal) walletRoutes(mux *server.Mux, known func(pattern string, f own)) {
	if p.Offers == nil {
		return
	}
	known("GET /credentials/{register}/{entry}/wallet", p.walletPage)
	known("POST /credentials/{register}/{entry}/wallet", p.makeOffer)
	known("GET /applications/{id}/wallet", p.caseWalletPage)
	known("POST /applications/{id}/wallet", p.makeCaseOffer)
	known("GET /wallet/offers/{register}/{offer}", p.offerPage)
	known("GET /wallet/offers/{register}/{offer}/code", p.offerCodePage)
	known("POST /wallet/offers/{register}/{offer}/end", p.endOffer)
	known("GET "+AuthorizePath, p.authorizePage)
	known("POST "+AuthorizePath, p.authorize)
}

// walletView is the page from which a credential goes into a wallet, with what wallets have got.
type walletView struct {
	Title, Action string
	Waits         bool       // the case is not decided: the wallet waits
	Open          bool       // an offer can be made now
	Lack          *ui.Notice // that the register gives nothing to wallets today
	Grants        []grantLine
}

// grantLine is what one wallet was let have.
type grantLine struct {
	Tag     string
	Tone    ui.Tone
	When    string
	Lines   []string // what was fetched
	EndPath string   // "" when it is over
}

// walletPath is the page for putting an entry's credential into a wallet.
func walletPath(register string, entry uuid.UUID) string {
	return "/credentials/" + url.PathEscape(register) + "/" + entry.String() + "/wallet"
}

func offerPath(register string, id uuid.UUID, more string) string {
	return "/wallet/offers/" + url.PathEscape(register) + "/" + id.String() + more
}

// heldFor reads the entry that an address names.
func (p *portal) heldFor(r *http.Request, a application.Applicant) (*credential.Held, error) {
	entry, err := uuid.Parse(r.PathValue("entry"))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading an entry for a wallet")
	}
	return p.Wallet.Find(r.Context(), a, r.PathValue("register"), entry)
}

func (p *portal) walletPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.heldFor(r, a)
	if err != nil {
		return err
	}
	given, err := p.Offers.Given(r.Context(), a, issuance.Subject{RegisterID: h.Entry.RegisterID, Entry: h.Entry.ID})
	if err != nil {
		return err
	}
	page := p.site.Page(r, "wallet.title")
	page.Current, page.Back = "credentials", credentialPath(h)
	key, _ := status(*h, calendar.Of(page.Now))
	v := walletView{Title: qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID), Action: walletPath(h.Entry.RegisterID, h.Entry.ID),
		Open: key == "valid" || key == "making"}
	v.Grants = grantLines(page, given)
	v.Lack = lack(page, p.Desk.Catalogue, h.Entry.RegisterID, qualification.FunctionWallet)
	return page.Render(w, walletPage(page, v))
}

func grantLines(page *ui.Page, given []issuance.Given) (out []grantLine) {
	for _, g := range given {
		key, tone := grantState(&g.Grant, page.Now)
		l := grantLine{Tag: page.R("wallet.grant." + key), Tone: tone, When: page.R("wallet.grant.since", page.Time(g.Grant.CreatedAt))}
		if g.Grant.State != issuance.Ended && !g.Grant.Lapsed(page.Now) {
			l.EndPath = offerPath(g.Grant.RegisterID, g.Grant.ID, "/end")
		}
		for _, r := range g.Responses {
			line := page.R("wallet.copies", page.Time(r.At), page.R("wallet.form."+string(r.Form())), len(r.Copies))
			if r.Event != "" {
				line += page.R("list.comma") + page.R("wallet.event."+strings.TrimPrefix(r.Event, "credential_"))
			}
			l.Lines = append(l.Lines, line)
		}
		out = append(out, l)
	}
	return out
}

// grantState is the word under which a holder sees a grant.
func grantState(g *issuance.Grant, now time.Time) (string, ui.Tone) {
	switch {
	case g.State == issuance.Ended && g.Cause == issuance.CauseTries:
		return "locked", ui.Danger
	case g.State == issuance.Ended && g.Cause == issuance.CauseReused:
		return "misused", ui.Danger
	case g.State == issuance.Ended:
		return "ended", ui.Neutral
	case g.Lapsed(now):
		return "lapsed", ui.Neutral
	case g.State == issuance.Active:
		return "active", ui.Success
	}
	return "waiting", ui.Info
}

func (p *portal) makeOffer(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	h, err := p.heldFor(r, a)
	if err != nil {
		return err
	}
	return p.offer(w, r, a, issuance.Subject{RegisterID: h.Entry.RegisterID, Entry: h.Entry.ID})
}

func (p *portal) offer(w http.ResponseWriter, r *http.Request, a application.Applicant, s issuance.Subject) error {
	m, err := p.Offers.Offer(r.Context(), a, s)
	if err != nil {
		return err
	}
	if err := p.keep(r.Context(), keyOffer, m); err != nil {
		return err
	}
	return p.site.Redirect(w, r, offerPath(m.RegisterID, m.ID, ""))
}

// caseFor reads a case from which a credential may come.
func (p *portal) caseFor(r *http.Request, a application.Applicant) (*application.View, error) {
	v, err := p.Desk.View(r.Context(), a, r.PathValue("id"))
	if err == nil && !mayWait(v.Case, v.Procedure) {
		err = fault.New(fault.Conflict, "fault.wallet_case_ended", "opening the wallet page of a case that leads to no credential")
	}
	return v, err
}

// mayWait tells whether a wallet may be let wait for what comes of a case.
func mayWait(c *application.Case, procedure *qualification.Procedure) bool {
	return issuance.Waits(c.State) && procedure.Effect == qualification.EffectRegister
}

func (p *portal) caseWalletPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	c, err := p.caseFor(r, a)
	if err != nil {
		return err
	}
	given, err := p.Offers.Given(r.Context(), a, issuance.Subject{RegisterID: c.Case.RegisterID, Case: c.Case.ID})
	if err != nil {
		return err
	}
	page := p.casePage(r, c, "wallet.title")
	v := walletView{Title: page.Text(c.Procedure.Name), Action: casePath(c.Case.PublicID, "wallet"), Waits: true, Open: true, Grants: grantLines(page, given),
		Lack: lack(page, p.Desk.Catalogue, c.Case.RegisterID, qualification.FunctionWallet)}
	return page.Render(w, walletPage(page, v))
}

func (p *portal) makeCaseOffer(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	c, err := p.caseFor(r, a)
	if err != nil {
		return err
	}
	return p.offer(w, r, a, issuance.Subject{RegisterID: c.Case.RegisterID, Case: c.Case.ID})
}

// offerView is an offer that waits for a wallet, or what became of it.
type offerView struct {
	Title    string
	Tag      string
	Tone     ui.Tone
	Said     string // what the state means
	Open     bool   // it waits, and this session knows its address
	QR, Link string
	Until    string
	CodePath string
	SelfPath string
	EndPath  string
	BackPath string
}

// readOffer reads the offer that an address names; m is nil when this session does not know its secrets.
func (p *portal) readOffer(r *http.Request, a application.Applicant) (g *issuance.Grant, m *issuance.Made, err error) {
	id, err := uuid.Parse(r.PathValue("offer"))
	if err != nil {
		return nil, nil, fault.Wrap(fault.NotFound, err, "showing an offer")
	}
	if g, err = p.Offers.Find(r.Context(), a, r.PathValue("register"), id); err != nil {
		return nil, nil, err
	}
	raw := p.site.Sessions.GetBytes(r.Context(), keyOffer)
	var kept issuance.Made
	if len(raw) > 0 && json.Unmarshal(raw, &kept) == nil && kept.ID == g.ID {
		m = &kept
	}
	return g, m, nil
}

func (p *portal) offerPage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	g, m, err := p.readOffer(r, a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "wallet.offer.title")
	page.Current = "credentials"
	key, tone := grantState(g, page.Now)
	v := offerView{Title: qualificationName(page, p.Desk.Catalogue, g.RegisterID), Tag: page.R("wallet.grant." + key), Tone: tone,
		Said: page.R("wallet.offer." + key), SelfPath: offerPath(g.RegisterID, g.ID, ""), BackPath: "/credentials"}
	if g.EntryID != nil {
		v.BackPath = walletPath(g.RegisterID, *g.EntryID)
	}
	page.Back = v.BackPath
	if key == "waiting" {
		v.EndPath = offerPath(g.RegisterID, g.ID, "/end")
	}
	if key == "waiting" && m != nil {
		v.Open, v.CodePath, v.Until = true, offerPath(g.RegisterID, g.ID, "/code"), page.Time(g.CodeExpiresAt)
		v.Link = p.Offers.Link(*m)
		if v.QR, err = qr.SVG(v.Link, qr.Options{Level: qr.Medium, ID: "offer-qr", Title: page.T("wallet.offer.qr"), Description: page.T("wallet.offer.qr.text")}); err != nil {
			return err
		}
	}
	return page.Render(w, offerPage(page, v))
}

// codeView is the transaction code, apart from the QR code: whoever photographs one has not got the other.
type codeView struct {
	Code     string // "" when it is not to be shown any more
	Until    string
	BackPath string
}

func (p *portal) offerCodePage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	g, m, err := p.readOffer(r, a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "wallet.code.title")
	page.Current = "credentials"
	v := codeView{BackPath: offerPath(g.RegisterID, g.ID, "")}
	page.Back = v.BackPath
	if key, _ := grantState(g, page.Now); key == "waiting" && m != nil {
		v.Code, v.Until = m.TxCode, page.Time(g.CodeExpiresAt)
	}
	return page.Render(w, offerCodePage(page, v))
}

// endOffer takes an offer back, or a wallet's access; what the wallet has got stays with it.
func (p *portal) endOffer(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	g, _, err := p.readOffer(r, a)
	if err != nil {
		return err
	}
	if err := p.Offers.Withdraw(r.Context(), a, g.RegisterID, g.ID); err != nil {
		return err
	}
	if err := p.site.Sessions.Flash(r.Context(), ui.Notice{Tone: ui.Success, Title: p.words(r).R("wallet.end.done")}); err != nil {
		return err
	}
	if g.EntryID != nil {
		return p.site.Redirect(w, r, walletPath(g.RegisterID, *g.EntryID))
	}
	return p.site.Redirect(w, r, "/credentials")
}

// authorizeView is a wallet's request.
type authorizeView struct {
	Refused   string // why the request cannot be answered; then there is nothing else
	Wallet    string
	Issuer    string
	Forms     []offeredForm
	Subject   ui.Control // which credential; without choices there is none
	ClientID  string
	URI       string
	Action    string
	Qualified bool // the person has something that can be given
}

// asked reads the request that brought the browser here. refused is the name of what is wrong with it.
func (p *portal) asked(r *http.Request) (q *issuance.Asked, refused string, err error) {
	q, err = p.Offers.Asked(r.Context(), r.FormValue("client_id"), r.FormValue("request_uri"))
	if errors.Is(err, fault.Invalid) {
		return nil, reasonOf(err), nil
	}
	return q, "", err
}

func (p *portal) authorizePage(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	return p.drawAuthorize(w, r, a, nil)
}

func (p *portal) drawAuthorize(w http.ResponseWriter, r *http.Request, a application.Applicant, problems []qualification.Problem) error {
	page := p.site.Page(r, "authorize.title")
	page.Current, page.Problems = "credentials", problems
	q, refused, err := p.asked(r)
	if err != nil {
		return err
	}
	if refused != "" {
		if !slices.Contains([]string{"request_uri_unknown", "request_not_pushed", "client_unknown"}, refused) {
			refused = "client_unknown"
		}
		page.Status = http.StatusBadRequest
		return page.Render(w, authorizePage(page, authorizeView{Refused: page.R("authorize.refused." + refused)}))
	}
	held, err := p.Wallet.List(r.Context(), a)
	if err != nil {
		return err
	}
	return page.Render(w, authorizePage(page, p.fillAuthorize(page, q, held)))
}

func (p *portal) fillAuthorize(page *ui.Page, q *issuance.Asked, held []credential.Held) authorizeView {
	v := authorizeView{Wallet: page.Text(q.Wallet.Name), Issuer: registrarName(page, p.Desk.Catalogue, q.Registrar), ClientID: q.Request.ClientID,
		URI: q.URI, Action: AuthorizePath}
	if v.Wallet == "" {
		v.Wallet = q.Wallet.ID
	}
	for _, c := range q.Configurations() {
		form := offered(page, c[strings.LastIndexByte(c, '.')+1:])
		if !slices.Contains(v.Forms, form) {
			v.Forms = append(v.Forms, form)
		}
	}
	registers := q.Registers(p.Offers.Forms, p.Desk.Catalogue)
	v.Subject = ui.Control{Name: "subject", Label: page.R("authorize.subject"), Required: true, Problem: page.ProblemFor("subject")}
	for _, h := range held {
		key, _ := status(h, calendar.Of(page.Now))
		given := p.Desk.Catalogue.Uses(h.Entry.RegisterID, qualification.FunctionWallet, calendar.Of(page.Now))
		if !given || !slices.Contains(registers, h.Entry.RegisterID) || key != "valid" && key != "making" {
			continue
		}
		v.Subject.Choices = append(v.Subject.Choices, ui.Choice{Value: h.Entry.RegisterID + "/" + h.Entry.ID.String(),
			Label: qualificationName(page, p.Desk.Catalogue, h.Entry.RegisterID),
			Hint:  page.R("credential.number", h.Entry.Number) + page.R("list.comma") + page.R("credential.since", h.Entry.RegisteredOn)})
	}
	v.Qualified = len(v.Subject.Choices) > 0
	if len(v.Subject.Choices) == 1 {
		v.Subject.Value = v.Subject.Choices[0].Value
	}
	return v
}

// offeredForm is a form that a wallet gets.
type offeredForm struct{ Name, Shows string }

// offered words a form, and what whoever it is shown to learns: a W3C credential cannot be shown in part.
func offered(page *ui.Page, form string) offeredForm {
	shows := "authorize.shows.some"
	if form == string(credential.VC) {
		shows = "authorize.shows.all"
	}
	return offeredForm{Name: page.R("wallet.form." + form), Shows: page.R(shows)}
}

// authorize answers a wallet: with the holder's yes to one credential, or the no.
func (p *portal) authorize(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	q, refused, err := p.asked(r)
	if err != nil {
		return err
	}
	if refused != "" {
		return p.drawAuthorize(w, r, a, nil)
	}
	var address string
	if r.PostFormValue("answer") == "yes" {
		register, id, _ := strings.Cut(r.PostFormValue("subject"), "/")
		entry, bad := uuid.Parse(id)
		if bad != nil {
			return p.drawAuthorize(w, r, a, []qualification.Problem{said("subject", p.words(r).R("authorize.choose"))})
		}
		address, err = p.Offers.Agree(r.Context(), a, q, issuance.Subject{RegisterID: register, Entry: entry})
	} else {
		address, err = p.Offers.Deny(r.Context(), q)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// said is a problem of an input, worded already.
func said(input, text string) qualification.Problem {
	return qualification.Problem{Input: input, Message: qualification.Text{JA: text, EN: text, Easy: text}}
}
