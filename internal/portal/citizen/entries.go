package citizen

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// entryInput is the input by which a person with several entries in one register says which one a procedure is about.
const entryInput = "entry"

// livingIn keeps the living entries of a register, of which a person holds one of each class at most.
func livingIn(held []credential.Held, register string) []credential.Held {
	return slices.DeleteFunc(slices.Clone(held), func(h credential.Held) bool {
		return h.Entry.RegisterID != register || !h.Entry.State.Living()
	})
}

// entryChoice offers entries by what tells them apart. A choice with a draft goes on with it, and its hint says so.
func entryChoice(page *ui.Page, o offer, living []credential.Held, drafts []application.Summary) ui.Control {
	c := ui.Control{Name: entryInput, Label: page.R("start.entry"), Required: true, Problem: page.ProblemFor(entryInput)}
	for _, h := range living {
		hint := page.R("credential.number", h.Entry.Number) + page.R("list.comma") + page.R("credential.since", h.Entry.RegisteredOn)
		if !h.Entry.ValidUntil.IsZero() {
			hint += page.R("list.comma") + page.R("start.entry.until", h.Entry.ValidUntil)
		}
		if slices.ContainsFunc(drafts, func(d application.Summary) bool { return d.EntryID != nil && *d.EntryID == h.Entry.ID }) {
			hint += page.R("list.comma") + page.R("start.entry.begun")
		}
		c.Choices = append(c.Choices, ui.Choice{Value: h.Entry.ID.String(), Label: className(page, o.Def, h.Entry.Facts), Hint: hint})
	}
	return c
}

// className words the class of an entry by the labels of its options, e.g. 1級、配管（建築配管作業）; the name of the
// qualification when it has no classes.
func className(page *ui.Page, def *qualification.Definition, facts map[string]string) string {
	if def.Classes == nil {
		return page.Text(def.Name)
	}
	var words []string
	for _, id := range def.Classes.Items {
		if item := def.Item(id); item != nil && facts[id] != "" {
			words = append(words, optionWords(page, item, facts[id]))
		}
	}
	if len(words) == 0 {
		return page.Text(def.Name)
	}
	return strings.Join(words, page.R("list.comma"))
}

// optionWords is the label of an option with its readings, or the value as it is shown elsewhere.
func optionWords(page *ui.Page, item *qualification.Item, value string) string {
	for _, option := range item.Options {
		if option.Value == value {
			return page.Text(option.Label)
		}
	}
	return item.Show(value, page.Lang)
}

// chosenEntry reads which entry a procedure is to be about, uuid.Nil when the form does not say. What is no id names
// nothing (fault.NotFound).
func chosenEntry(r *http.Request) (uuid.UUID, error) {
	said := r.PostFormValue(entryInput)
	if said == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(said)
	if err != nil {
		return uuid.Nil, fault.Wrap(fault.NotFound, err, "choosing an entry")
	}
	return id, nil
}

// mustChoose tells whether a start names no entry although the person holds several that it can be about. It is asked
// before anything is begun: a draft about one of them must not answer for the choice.
func (p *portal) mustChoose(r *http.Request, a application.Applicant, o offer, entry uuid.UUID) (bool, error) {
	if entry != uuid.Nil || !application.NeedsEntry(o.Procedure.Effect) {
		return false, nil
	}
	held, err := p.Wallet.List(r.Context(), a)
	return len(livingIn(held, o.Register.ID)) > 1, err
}

// entryProblem is what is wrong with the chosen entry, in the visitor's language: nil for an error of another kind.
func (p *portal) entryProblem(r *http.Request, entry uuid.UUID, err error) []qualification.Problem {
	var f *fault.Error
	if entry == uuid.Nil || !errors.Is(err, fault.Invalid) || !errors.As(err, &f) || !strings.HasPrefix(f.Key, "fault.renewal_") {
		return nil
	}
	return atEntry(p.words(r).R(f.Key, f.Args...))
}

// atEntry is a problem of the choice of an entry, worded already.
func atEntry(said string) []qualification.Problem {
	return []qualification.Problem{{Input: entryInput, Message: qualification.Text{JA: said, EN: said, Easy: said}}}
}
