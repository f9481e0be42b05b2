package citizen

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/person"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// Keys of what this portal keeps in a session.
const (
	keyCard    = "card"    // JSON of holder
	keyVisit   = "visit"   // JSON of visit: a login under way
	keySigning = "signing" // JSON of signing: a signature under way
)

// holder is what the session knows of the person logged in, besides the person's id.
type holder struct {
	Issuer  string             `json:"issuer"`
	Subject string             `json:"subject"`
	Card    person.Particulars `json:"card"`
	At      time.Time          `json:"at"` // of the login
}

// visit is a login under way.
type visit struct {
	Pending []byte             `json:"pending"`
	To      string             `json:"to"`
	Lang    qualification.Lang `json:"lang"`
}

// signing is a signature under way: of which case, over which frozen content, or of a statement that tries the card.
type signing struct {
	Pending   []byte             `json:"pending"`
	PublicID  string             `json:"public_id,omitempty"`
	Request   uuid.UUID          `json:"request"`
	Statement []byte             `json:"statement,omitempty"`
	To        string             `json:"to,omitempty"` // after trying the card
	Lang      qualification.Lang `json:"lang"`
}

// keep writes a value into the session.
func (p *portal) keep(ctx context.Context, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("keeping %s in the session: %w", key, err)
	}
	p.site.Sessions.Put(ctx, key, raw)
	return nil
}

// take reads a value and removes it from the session, so that it is used once. It is false when there is none.
func (p *portal) take(ctx context.Context, key string, v any) (bool, error) {
	raw := p.site.Sessions.PopBytes(ctx, key)
	if len(raw) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("reading %s from the session: %w", key, err)
	}
	return true, nil
}

// known serves f to whoever is logged in, and sends anybody else to the login and back.
func (p *portal) known(f own) ui.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := p.applicant(r.Context())
		if err != nil {
			return err
		}
		return f(w, r, a)
	}
}

// applicant is who is logged in, or fault.Unauthenticated.
func (p *portal) applicant(ctx context.Context) (application.Applicant, error) {
	subject, err := p.site.Sessions.Subject(ctx)
	if err != nil {
		return application.Applicant{}, err
	}
	id, err := uuid.Parse(subject)
	if err != nil {
		return application.Applicant{}, fault.Wrap(fault.Unauthenticated, err, "reading who is logged in")
	}
	h, err := p.holder(ctx)
	return application.Applicant{ID: id, Card: h.Card}, err
}

func (p *portal) holder(ctx context.Context) (h holder, err error) {
	if err := json.Unmarshal(p.site.Sessions.GetBytes(ctx, keyCard), &h); err != nil {
		return h, fault.Wrap(fault.Unauthenticated, err, "reading the card's particulars from the session")
	}
	return h, nil
}

// particulars reads what the login service says about the card's holder. A birth date or sex of another form is its
// failure: nobody can apply under half a record.
func particulars(l Login) (person.Particulars, error) {
	birth, err := calendar.ParseISO(l.BirthDate)
	if err != nil {
		return person.Particulars{}, fault.Wrap(fault.Upstream, err, "reading the birth date of a login")
	}
	sex := person.Sex(l.Sex)
	if l.Name == "" || !sex.Valid() {
		return person.Particulars{}, fault.New(fault.Upstream, "", "reading the name and sex of a login")
	}
	return person.Particulars{Name: person.SplitName(l.Name), BirthDate: birth, Sex: sex, Address: l.Address}, nil
}
