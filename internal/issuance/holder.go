package issuance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// Holder is the holder's side: offers to wallets, consent to what a wallet asks for, and what wallets were given. All of it
// is required but Wallets.
type Holder struct {
	DB        *pg.DB // role akashi_citizen
	Catalogue *qualification.Catalogue
	RefKey    []byte
	Forms     Forms
	Wallets   Wallets
	Base      string // begins the identifiers of issuers, as Server.Base
}

// Why nothing can be offered; each is the key of a message.
const (
	notInForce = "fault.wallet_not_in_force"
	caseEnded  = "fault.wallet_case_ended"
	notOffered = "fault.wallet_not_offered"
)

// Made is an offer as its holder shows it. Secret and TxCode are told once and kept by nobody: the portal keeps them in the
// holder's session as long as the offer stands.
type Made struct {
	RegisterID string    `json:"register"`
	ID         uuid.UUID `json:"id"`
	Secret     string    `json:"secret"`
	TxCode     string    `json:"tx_code"`
	Until      time.Time `json:"until"`
}

// Link is what a QR code or link to the offer says; a wallet fetches the offer itself at the issuer.
func (h *Holder) Link(m Made) string {
	g, _ := h.Catalogue.Register(m.RegisterID)
	return oauth.LinkTo(h.Base + "/" + g.Registrar + "/offers/" + m.Secret)
}

// door opens what one registrar has filed under the person.
func (h *Holder) door(a application.Applicant, g *qualification.Register) pg.Person {
	return pg.Person{ID: a.ID, Ref: account.RefFor(h.RefKey, a.ID, g.Registrar)}
}

// register finds a register whose registrar issues digital credentials.
func (h *Holder) register(id string) (*qualification.Register, error) {
	g, ok := h.Catalogue.Register(id)
	if !ok || !issues(h.Catalogue, g.Registrar) {
		return nil, fault.New(fault.NotFound, "", "offering a credential of a register that issues none")
	}
	return g, nil
}

// Offer makes an offer that one wallet can take with the transaction code. It fails with fault.NotFound when the entry or
// case is not the person's, and with fault.Conflict when there is nothing to be had of it.
func (h *Holder) Offer(ctx context.Context, a application.Applicant, s Subject) (*Made, error) {
	reg, err := h.register(s.RegisterID)
	if err != nil {
		return nil, err
	}
	g := &Grant{RegisterID: reg.ID, ID: pg.NewID(), State: Offered, Configurations: h.Forms.of(reg.ID)}
	m := &Made{RegisterID: reg.ID, ID: g.ID}
	if m.Secret, err = newSecret(reg.Code, g.ID); err != nil {
		return nil, err
	}
	if m.TxCode, err = newTxCode(); err != nil {
		return nil, err
	}
	code := offerCode(m.Secret)
	g.CodeDigest, g.TxDigest = digest(code), digest(code, m.TxCode)
	return m, h.grant(ctx, a, reg, s, g, audit.WalletOffer, func(tx *pg.Tx) error {
		g.CodeExpiresAt = tx.Now.Add(OfferLife)
		m.Until = g.CodeExpiresAt
		return nil
	})
}

// grant records a grant about something of the person's.
func (h *Holder) grant(ctx context.Context, a application.Applicant, reg *qualification.Register, s Subject, g *Grant, act audit.Act, first func(*pg.Tx) error) error {
	door := h.door(a, reg)
	g.RegistrarID, g.PersonRef = reg.Registrar, door.Ref
	if s.Entry != uuid.Nil {
		g.EntryID = &s.Entry
	} else {
		g.ApplicationID = &s.Case
	}
	err := h.DB.InPerson(ctx, door, func(tx *pg.Tx) error {
		if err := h.own(ctx, tx, g); err != nil {
			return err
		}
		if err := first(tx); err != nil {
			return err
		}
		g.CreatedAt, g.ExpiresAt = tx.Now, tx.Now.Add(grantLife)
		return g.insert(ctx, tx, act)
	})
	if errors.Is(err, fault.NotFound) {
		return errors.Join(err, application.Refused(ctx, h.DB, door, reg))
	}
	return err
}

// own sees that what a grant is about is the person's, that its register gives copies to wallets today, and that a credential can
// come of it.
func (h *Holder) own(ctx context.Context, tx *pg.Tx, g *Grant) error {
	var b pg.Batch
	var there []string
	if g.EntryID != nil {
		pg.ReadBy(&b, &there, pgx.RowTo[string], "looking at an entry", `select state from entry where register_id = $1 and id = $2`, g.RegisterID, *g.EntryID)
	} else {
		pg.ReadBy(&b, &there, pgx.RowTo[string], "looking at a case", `select state from application where register_id = $1 and id = $2`, g.RegisterID, *g.ApplicationID)
	}
	var acts rollout.Watch
	reg, err := h.register(g.RegisterID)
	if err != nil {
		return err
	}
	acts.Queue(&b, reg.Qualification)
	if err := b.Send(ctx, tx); err != nil {
		return err
	}
	switch {
	case len(there) == 0:
		return fault.New(fault.NotFound, "", "granting something that is not the person's")
	case !acts.Uses(h.Catalogue, reg.ID, qualification.FunctionWallet, calendar.Of(tx.Now)):
		return fault.New(fault.Conflict, notOffered, "granting the credential of a register that gives none to wallets")
	}
	at, err := g.find(ctx, tx)
	switch c := at.credential; {
	case err != nil:
		return err
	case at.over || at.open && !Waits(application.State(there[0])):
		return fault.New(fault.Conflict, caseEnded, "granting the credential of a case that leads to none")
	case !at.open && (c == nil || c.State == credential.Suspended || c.Expired(calendar.Of(tx.Now))):
		return fault.New(fault.Conflict, notInForce, "granting a credential that is not in force")
	}
	return nil
}

// Waits tells whether a case in this state has been handed in and is not decided, so that a wallet may wait for what comes
// of it.
func Waits(s application.State) bool {
	switch s {
	case application.AwaitingPayment, application.InReview, application.CorrectionRequested, application.CorrectionSigning, application.Proposed:
		return true
	}
	return false
}

// Find reads one grant of the person's. fault.NotFound when it is not theirs.
func (h *Holder) Find(ctx context.Context, a application.Applicant, registerID string, id uuid.UUID) (*Grant, error) {
	reg, err := h.register(registerID)
	if err != nil {
		return nil, err
	}
	door := h.door(a, reg)
	var found []Grant
	err = h.DB.InPerson(ctx, door, func(tx *pg.Tx) error {
		var b pg.Batch
		found = nil
		queueGrants(&b, &found, `register_id = $1 and id = $2`, reg.ID, id)
		return b.Send(ctx, tx)
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, errors.Join(fault.New(fault.NotFound, "", "reading a grant"), application.Refused(ctx, h.DB, door, reg))
	}
	return &found[0], nil
}

// Withdraw ends an offer, or a wallet's access; copies that a wallet has got stay with it. Doing it again changes nothing.
func (h *Holder) Withdraw(ctx context.Context, a application.Applicant, registerID string, id uuid.UUID) error {
	reg, err := h.register(registerID)
	if err != nil {
		return err
	}
	door := h.door(a, reg)
	err = h.DB.InPerson(ctx, door, func(tx *pg.Tx) error {
		var b pg.Batch
		var found []Grant
		queueGrants(&b, &found, `register_id = $1 and id = $2 for update`, reg.ID, id)
		if err := b.Send(ctx, tx); err != nil {
			return err
		}
		switch {
		case len(found) == 0:
			return fault.New(fault.NotFound, "", "withdrawing a grant")
		case found[0].State == Ended:
			return nil
		}
		return found[0].end(ctx, tx, CauseWithdrawn)
	})
	if errors.Is(err, fault.NotFound) {
		return errors.Join(err, application.Refused(ctx, h.DB, door, reg))
	}
	return err
}

// Given is what wallets were given by one grant.
type Given struct {
	Grant     Grant
	Responses []Response
}

// Response is what a wallet was given in one answer.
type Response struct {
	GrantID       uuid.UUID
	Configuration string
	Copies        []uuid.UUID
	At            time.Time
	Event         string // "" as long as the wallet has told nothing
}

// Form is the form of the copies.
func (r Response) Form() credential.Form {
	for _, f := range []credential.Form{credential.SDJWT, credential.MDoc, credential.VC} {
		if configurationID("", f) == r.Configuration[max(0, len(r.Configuration)-len(f)-1):] {
			return f
		}
	}
	return ""
}

// maxGiven bounds how many grants are listed.
const maxGiven = 50

// Given lists the grants about an entry and what wallets were given by them, newest first; of the case that led to it, too.
func (h *Holder) Given(ctx context.Context, a application.Applicant, s Subject) ([]Given, error) {
	reg, err := h.register(s.RegisterID)
	if err != nil {
		return nil, err
	}
	var grants []Grant
	var all []Response
	err = h.DB.InPerson(ctx, h.door(a, reg), func(tx *pg.Tx) error {
		grants, all = nil, nil
		var b pg.Batch
		queueGrants(&b, &grants, `register_id = $1 and (entry_id = $2 or application_id = $3
			or application_id in (select h.application_id from entry_history h where h.register_id = $1 and h.entry_id = $2))
			order by created_at desc, id desc limit $4`, reg.ID, orNil(s.Entry), orNil(s.Case), maxGiven)
		pg.Read(&b, &all, "reading what wallets were given", `
			select r.grant_id, r.configuration, r.copies, r.at, coalesce(r.event, '') from issuance_response r
			 where r.register_id = $1 and r.grant_id in (select g.id from issuance_grant g where g.register_id = $1 and (g.entry_id = $2 or g.application_id = $3
			   or g.application_id in (select h.application_id from entry_history h where h.register_id = $1 and h.entry_id = $2))
			   order by g.created_at desc, g.id desc limit $4)
			 order by r.at desc, r.id desc`, reg.ID, orNil(s.Entry), orNil(s.Case), maxGiven)
		return b.Send(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	out := make([]Given, len(grants))
	for i, g := range grants {
		out[i].Grant = g
		for _, r := range all {
			if r.GrantID == g.ID {
				out[i].Responses = append(out[i].Responses, r)
			}
		}
	}
	return out, nil
}

func orNil(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Asked is a pushed request that waits for the holder's answer.
type Asked struct {
	URI       string
	Registrar string
	Wallet    Wallet
	Request   oauth.AuthorizationRequest
}

// Configurations are those that the wallet asks for.
func (q *Asked) Configurations() []string {
	out := slices.Clone(q.Request.Details)
	for _, s := range q.Request.Scopes {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Registers are the registers that the wallet asks about.
func (q *Asked) Registers(forms Forms, cat *qualification.Catalogue) (out []string) {
	for _, c := range q.Configurations() {
		if g, _, ok := forms.find(cat, c); ok && !slices.Contains(out, g.ID) {
			out = append(out, g.ID)
		}
	}
	return out
}

type pushedRow struct {
	Registrar string
	Request   []byte
}

// Asked reads a pushed request. It fails with RequestNotPushed, RequestURIUnknown or ClientUnknown: then nobody must be sent
// anywhere, since it is not known whose address it would be.
func (h *Holder) Asked(ctx context.Context, client, uri string) (*Asked, error) {
	if uri == "" {
		return nil, oauth.Refuse(oauth.RequestNotPushed, "reading a wallet's request")
	}
	var found []pushedRow
	err := h.DB.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		found = nil
		pg.Read(&b, &found, "reading a pushed request", `select registrar_id, request from issuance_request where digest = $1 and expires_at > $2`, digest(uri), tx.Now)
		return b.Send(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, oauth.Refuse(oauth.RequestURIUnknown, "reading a wallet's request")
	}
	q := &Asked{URI: uri, Registrar: found[0].Registrar}
	if err := json.Unmarshal(found[0].Request, &q.Request); err != nil {
		return nil, fmt.Errorf("reading a kept request: %w", err)
	}
	if q.Request.ClientID != client {
		return nil, oauth.Refuse(oauth.RequestURIUnknown, "reading another wallet's request")
	}
	q.Wallet, err = h.Wallets.check(client, q.Request.RedirectURI)
	return q, err
}

// Agree answers a request with a code for one of the person's entries or cases, and returns where the browser goes. The
// request is used up. It fails like Offer, and with RequestURIUnknown when it was answered before.
func (h *Holder) Agree(ctx context.Context, a application.Applicant, q *Asked, s Subject) (address string, err error) {
	reg, err := h.register(s.RegisterID)
	if err != nil {
		return "", err
	}
	g := &Grant{RegisterID: reg.ID, ID: pg.NewID(), State: Authorized, ClientID: q.Request.ClientID, Challenge: q.Request.Challenge,
		RedirectURI: q.Request.RedirectURI, HolderKey: q.Request.Key, Identified: len(q.Request.Details) > 0}
	for _, c := range q.Configurations() {
		if at, _, ok := h.Forms.find(h.Catalogue, c); ok && at.ID == reg.ID {
			g.Configurations = append(g.Configurations, c)
		}
	}
	if len(g.Configurations) == 0 || reg.Registrar != q.Registrar {
		return "", fault.New(fault.NotFound, "", "agreeing to something that was not asked for")
	}
	code, err := newSecret(reg.Code, g.ID)
	if err != nil {
		return "", err
	}
	g.CodeDigest = digest(code)
	err = h.grant(ctx, a, reg, s, g, audit.WalletConsent, func(tx *pg.Tx) error {
		g.CodeExpiresAt = tx.Now.Add(codeLife)
		return takeRequest(ctx, tx, q.URI)
	})
	if err != nil {
		return "", err
	}
	return h.back(q, url.Values{"code": {code}})
}

// Deny answers a request with the holder's no.
func (h *Holder) Deny(ctx context.Context, q *Asked) (address string, err error) {
	if err := h.DB.Platform(ctx, func(tx *pg.Tx) error { return takeRequest(ctx, tx, q.URI) }); err != nil {
		return "", err
	}
	return h.back(q, url.Values{"error": {string(oauth.AccessDenied)}, "error_description": {string(oauth.ConsentRefused)}})
}

// takeRequest uses a request up.
func takeRequest(ctx context.Context, tx *pg.Tx, uri string) error {
	done, err := tx.Exec(ctx, `delete from issuance_request where digest = $1`, digest(uri))
	switch {
	case err != nil:
		return fault.Wrap(fault.Internal, err, "using up a pushed request")
	case done.RowsAffected() == 0:
		return oauth.Refuse(oauth.RequestURIUnknown, "answering a request a second time")
	}
	return nil
}

// back is the wallet's address with the answer, the state and the issuer (RFC 9207 §2).
func (h *Holder) back(q *Asked, answer url.Values) (string, error) {
	u, err := url.Parse(q.Request.RedirectURI)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "reading a known wallet's address")
	}
	if q.Request.State != "" {
		answer.Set("state", q.Request.State)
	}
	answer.Set("iss", h.Base+"/"+q.Registrar)
	query := u.Query()
	for name := range answer {
		query.Set(name, answer.Get(name))
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
