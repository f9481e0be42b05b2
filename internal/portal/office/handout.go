package office

import (
	"net/http"
	"slices"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/pg"
	"akashi/internal/portal/ui"
	"akashi/internal/registry"
)

// handoutView is a credential to be printed and handed to a holder who has no login.
type handoutView struct {
	Title, Holder, QR string
	Facts             []ui.Row
}

// inForce finds the credential of an entry that can be handed out now, nil when there is none.
func inForce(issued []credential.Credential) *credential.Credential {
	i := slices.IndexFunc(issued, func(c credential.Credential) bool { return c.State == credential.Valid && c.Signature != nil })
	if i < 0 {
		return nil
	}
	return &issued[i]
}

// handout shows the credential of an entry that nobody has linked, to be printed. It is recorded like a look at the entry.
func (p *portal) handout(w http.ResponseWriter, r *http.Request, o seat) error {
	seen, err := p.openEntry(w, r, o)
	if err != nil || seen == nil {
		return err
	}
	c := inForce(seen.Issued)
	if c == nil || seen.Entry.PersonRef != nil {
		return fault.New(fault.Conflict, "fault.no_handout", "handing out a credential that is not in force, or that somebody holds online")
	}
	page := p.page(r, o, "register", "handout.title")
	page.Back = entryPath(seen.Register, seen.ID.String())
	v, err := newHandout(page, seen.Entry, c, p.VerifyURL)
	if err != nil {
		return err
	}
	err = p.Desk.DB.InRegistrar(r.Context(), o.Body, func(tx *pg.Tx) error {
		return audit.Record(r.Context(), tx, audit.Event{Act: audit.CredentialHandOut, Actor: o.Actor(account.RegisterView), Purpose: seen.Why, Register: seen.Register,
			Registrar: o.Body, Entry: seen.ID})
	})
	if err != nil {
		return err
	}
	return page.Render(w, handoutPage(page, v))
}

func newHandout(page *ui.Page, e *registry.Entry, c *credential.Credential, base string) (v handoutView, err error) {
	facts, err := c.Facts()
	if err != nil {
		return v, err
	}
	v = handoutView{Title: facts[cose.QualificationName], Holder: facts[cose.HolderName], Facts: []ui.Row{
		{Label: page.R("item.birth_date"), Value: factDay(page, e.Facts["birth_date"])},
		{Label: page.R("handout.number"), Value: e.Number},
		{Label: page.R("entry.registered_on"), Value: page.Date(e.RegisteredOn)},
		{Label: page.R("handout.issuer"), Value: facts[cose.IssuerName]},
		{Label: page.R("handout.id"), Value: c.PublicID},
	}}
	if !e.ValidUntil.IsZero() {
		v.Facts = append(v.Facts, ui.Row{Label: page.R("entry.valid_until"), Value: page.Date(e.ValidUntil)})
	}
	address, err := c.URL(base)
	if err != nil {
		return v, err
	}
	v.QR, err = qr.SVG(address, qr.Options{Level: qr.Medium, ID: "handout-qr", Title: page.T("handout.qr"), Description: page.T("handout.qr_text")})
	return v, err
}

// factDay is a date of an entry in words.
func factDay(page *ui.Page, value string) string { return particularText(page, "birth_date", value) }
