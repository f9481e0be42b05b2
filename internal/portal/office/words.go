package office

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// names are the names of members of staff by their ids.
type names map[uuid.UUID]string

// of is somebody's name, "" for nobody and for an account that is no more.
func (n names) of(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return n[*id]
}

// namesOf reads the names of whoever acted on something.
func (p *portal) namesOf(o seat, r *http.Request, ids ...*uuid.UUID) (names, error) {
	wanted := []uuid.UUID{o.Staff.ID}
	for _, id := range ids {
		if id != nil && !slices.Contains(wanted, *id) {
			wanted = append(wanted, *id)
		}
	}
	return account.Names(r.Context(), p.Desk.DB, wanted...)
}

// stateTone is the colour of a case's state.
func stateTone(s application.State) ui.Tone {
	switch s {
	case application.Registered:
		return ui.Success
	case application.Rejected, application.Withdrawn, application.Expired:
		return ui.Neutral
	case application.CorrectionRequested, application.CorrectionSigning, application.AwaitingPayment:
		return ui.Warning
	case application.Draft, application.Signing, application.Forwarding, application.InReview, application.Proposed:
	}
	return ui.Info
}

// procedureName is what a case asks for.
func procedureName(page *ui.Page, d *qualification.Definition, procedure string) string {
	if d != nil {
		if p := d.Procedure(procedure); p != nil {
			return page.Text(p.Name)
		}
	}
	if procedure == review.MeasureProcedure && d != nil {
		return page.R("procedure.measure", d.Name)
	}
	return procedure
}

// left says how much time there is until a day, in business days.
func left(page *ui.Page, today, due calendar.Date) string {
	switch {
	case due.Before(today):
		return page.R("left.over", max(1, calendar.BusinessDaysBetween(due, today)))
	case due == today:
		return page.R("left.today")
	}
	return page.R("left.days", calendar.BusinessDaysBetween(today, due))
}

// shortDay is a day in the width of a table's column.
func shortDay(page *ui.Page, d calendar.Date) string {
	if page.Lang == qualification.EN || d.IsZero() {
		return page.Date(d)
	}
	return fmt.Sprintf("%d/%02d/%02d", d.Year, int(d.Month), d.Day)
}

// shortTime is a moment in the width of a table's column.
func shortTime(page *ui.Page, t time.Time) string {
	if page.Lang == qualification.EN {
		return t.In(clock.JST).Format("2 Jan 2006, 15:04")
	}
	return t.In(clock.JST).Format("2006/01/02 15:04")
}

// valueText is a stored value in words, by the kind of what it is the value of.
func valueText(page *ui.Page, kind qualification.FieldKind, options []qualification.Option, value string) string {
	if value == "" {
		return ""
	}
	switch kind {
	case qualification.KindDate:
		if d, err := calendar.ParseISO(value); err == nil {
			return page.Date(d)
		}
	case qualification.KindYearMonth:
		return qualification.Month(value, page.Lang)
	case qualification.KindPrefecture:
		if name := page.PrefectureName(value); name != "" {
			return name
		}
	case qualification.KindCheckbox:
		return page.R("value.yes")
	case qualification.KindSelect, qualification.KindRadio:
		if i := slices.IndexFunc(options, func(o qualification.Option) bool { return o.Value == value }); i >= 0 {
			return page.Text(options[i].Label)
		}
	case qualification.KindText, qualification.KindTextArea, qualification.KindName, qualification.KindKana, qualification.KindRoman,
		qualification.KindNumber, qualification.KindTel, qualification.KindEmail, qualification.KindPostcode, qualification.KindAddress,
		qualification.KindRegNumber:
	}
	return value
}

// fieldText is the answer to a field in words.
func fieldText(page *ui.Page, d *qualification.Definition, f *qualification.Field, values map[string]string) string {
	var parts []string
	for _, key := range f.Keys() {
		if values[key] != "" {
			parts = append(parts, values[key])
		}
	}
	options := f.Options
	if item := d.Item(f.Item); len(options) == 0 && item != nil {
		options = item.Options
	}
	return valueText(page, f.Kind, options, strings.Join(parts, "　"))
}

// factText is a particular of an entry in words.
func factText(page *ui.Page, item *qualification.Item, value string) string {
	return valueText(page, item.Kind, item.Options, value)
}

// itemKind is the kind of a particular that registries answer, for showing it.
func itemKind(item string) qualification.FieldKind {
	switch item {
	case "birth_date":
		return qualification.KindDate
	case "domicile":
		return qualification.KindPrefecture
	}
	return qualification.KindText
}

// particularText is a particular of a registry's answer in words.
func particularText(page *ui.Page, item, value string) string {
	if item == "sex" && slices.Contains([]string{"1", "2", "3"}, value) {
		return page.R("value.sex." + value)
	}
	return valueText(page, itemKind(item), nil, value)
}

// isName tells whether a particular is shown in the font of names.
func isName(item string) bool { return item == "name" || item == "former_name" || item == "kana" }

// said is the wording under a key that is put together, or its fallback when the catalogue has none: a registry may
// answer with a class that was added after this program.
func said(page *ui.Page, key, fallback string) string {
	if words := page.R(key); words != key {
		return words
	}
	return page.R(fallback)
}

// entryTone is the colour of an entry's state.
func entryTone(s registry.State) ui.Tone {
	switch s {
	case registry.Registered:
		return ui.Success
	case registry.Suspended:
		return ui.Warning
	case registry.Revoked:
		return ui.Danger
	case registry.Cancelled:
	}
	return ui.Neutral
}

// purposeControl asks why somebody looks.
func purposeControl(page *ui.Page, value string) ui.Control {
	c := ui.Control{Name: "purpose", Label: page.R("purpose.label"), Hint: page.R("purpose.hint"), Required: true, Value: value,
		Problem: page.ProblemFor("purpose")}
	for _, one := range registry.Purposes {
		c.Choices = append(c.Choices, ui.Choice{Value: one, Label: page.R("purpose." + one)})
	}
	return c
}

func itoa(n int) string { return strconv.Itoa(n) }
