package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"akashi/internal/account"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// Keys of what this portal keeps in a session.
const (
	keyVisit      = "visit"      // JSON of visit: a login under way
	keyBody       = "body"       // the body for which somebody works now
	keyStepUp     = "step_up"    // when the second factor was given, by the clock of the rules
	keyPurposes   = "purposes"   // JSON of []purpose: why somebody looks at what
	keyCorrection = "correction" // JSON of correctionDraft
	keyDecision   = "decision"   // JSON of decisionDraft: what was typed before the second factor was asked for
	keyMeasure    = "measure"    // JSON of measureDraft
	keySearch     = "search"     // JSON of searchForm
	keyFound      = "found"      // JSON of searchResult: what the search has listed
	keyAct        = "act"        // JSON of actDraft: an act of selective use that was not proposed yet
)

// visit is a login under way.
type visit struct {
	Pending []byte             `json:"pending"`
	StepUp  bool               `json:"step_up"`
	To      string             `json:"to"`
	Lang    qualification.Lang `json:"lang"`
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

// kept reads a value from the session. It is false when there is none.
func (p *portal) kept(ctx context.Context, key string, v any) (bool, error) {
	raw := p.site.Sessions.GetBytes(ctx, key)
	if len(raw) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("reading %s from the session: %w", key, err)
	}
	return true, nil
}

// taken reads a value and removes it from the session, so that it is used once.
func (p *portal) taken(ctx context.Context, key string, v any) (bool, error) {
	found, err := p.kept(ctx, key, v)
	p.site.Sessions.Remove(ctx, key)
	return found, err
}

// seat is a member of staff working for one body.
type seat struct {
	review.Officer
	bodies []string // those that the member can choose from
}

// May tells whether the roles at the body permit p.
func (o seat) May(p account.Permission) bool { return o.Staff.May(o.Body, p) }

// seated is a handler for somebody who is logged in and works for a body.
type seated func(w http.ResponseWriter, r *http.Request, o seat) error

// known serves f to staff who are logged in and whose body is known. The roles are read at every request, so that one
// withdrawn ends at once.
func (p *portal) known(f seated) ui.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		staff, err := p.staff(r.Context())
		if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Forbidden) {
			return p.refuse(w, r, err)
		}
		if err != nil {
			return err
		}
		bodies := bodiesOf(staff)
		body := p.site.Sessions.GetString(r.Context(), keyBody)
		switch {
		case len(bodies) == 0:
			return p.refuse(w, r, fault.New(fault.Forbidden, "refused.no_role", "serving staff without a role"))
		case len(bodies) == 1:
			body = bodies[0]
		case !slices.Contains(bodies, body):
			return p.site.Redirect(w, r, "/body?to="+url.QueryEscape(localOf(r)))
		}
		return f(w, r, seat{review.Officer{Staff: staff, Body: body}, bodies})
	}
}

// need refuses what somebody's roles at the body do not permit, and records that.
func (p *portal) need(ctx context.Context, o seat, permission account.Permission) error {
	if o.May(permission) {
		return nil
	}
	return review.Refused(ctx, p.Desk.DB, o.Officer, permission, "", fault.New(fault.Forbidden, "", "asking for a page without "+string(permission)))
}

// staff reads the account behind the session.
func (p *portal) staff(ctx context.Context) (account.Staff, error) {
	subject, err := p.site.Sessions.Subject(ctx)
	if err != nil {
		return account.Staff{}, err
	}
	return account.ByLogin(ctx, p.Desk.DB, subject)
}

func bodiesOf(s account.Staff) []string {
	var bodies []string
	for _, g := range s.Grants {
		if !slices.Contains(bodies, g.Body) {
			bodies = append(bodies, g.Body)
		}
	}
	return bodies
}

// confirmed tells whether the second factor was given a short while ago.
func (p *portal) confirmed(ctx context.Context) bool {
	at := time.Unix(p.site.Sessions.GetInt64(ctx, keyStepUp), 0)
	age := p.now().Sub(at)
	return age >= -time.Minute && age < StepUpFor
}

// needStepUp refuses an act that changes rights when the second factor was not given a short while ago: the kit then
// leads to the confirmation and back to the page of the act.
func (p *portal) needStepUp(ctx context.Context, needs account.Permission) error {
	if needs.StepUp() && !p.confirmed(ctx) {
		return fault.New(fault.StepUp, "", "confirming the login before an act that changes rights")
	}
	return nil
}

// purpose is why somebody looks at one thing: a case by its public id, an entry by its id.
type purpose struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// maxPurposes bounds what a session remembers; the oldest is asked for again.
const maxPurposes = 20

// purposeOf returns the purpose that was stated for a thing, "" when none was.
func (p *portal) purposeOf(ctx context.Context, what string) (string, error) {
	var all []purpose
	if _, err := p.kept(ctx, keyPurposes, &all); err != nil {
		return "", err
	}
	for _, one := range all {
		if one.What == what {
			return one.Why, nil
		}
	}
	return "", nil
}

// keepPurpose remembers why somebody looks at a thing. An unknown purpose is fault.Invalid.
func (p *portal) keepPurpose(ctx context.Context, what, why string) error {
	if !slices.Contains(registry.Purposes, why) {
		return fault.New(fault.Invalid, "fault.purpose", "stating an unknown purpose")
	}
	var all []purpose
	if _, err := p.kept(ctx, keyPurposes, &all); err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(one purpose) bool { return one.What == what })
	all = append(all, purpose{what, why})
	return p.keep(ctx, keyPurposes, all[max(0, len(all)-maxPurposes):])
}

// localOf is where a visitor wanted to go: the address of a page, home for an act.
func localOf(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/"
	}
	return r.URL.RequestURI()
}
