package ui

import (
	"strings"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

// Control is one input with its label. Strings may carry readings; Value, Name and the tokens are plain.
type Control struct {
	Name         string
	Label        string
	Hint         string
	Required     bool
	Value        string
	Problem      string // message, "" when there is none
	Choices      []Choice
	Type         string // of <input>; "" means text
	InputMode    string
	Autocomplete string
	Width        Width
	Lang         string // language of what is typed, when it is not the page's
	Rows         int    // of a text area
	NoNeed       bool   // leave out the words 必須 and 任意: filters and search boxes, where everything is optional

	invalidBy string // id of a message elsewhere that concerns this input
	partWrong bool   // the message names one of several inputs
}

// Choice is one option of a select, radio or checkbox group.
type Choice struct {
	Value string
	Label string
	Hint  string
}

// Width is the expected length of an answer, which the width of the input shows.
type Width string

// The widths.
const (
	WidthFull   Width = "full"
	WidthLong   Width = "long"   // an address line
	WidthMedium Width = "medium" // one part of a name
	WidthShort  Width = "short"  // a telephone number
	WidthTiny   Width = "tiny"   // a year, a month, a day
)

// FileControl is an input for documents. The server keeps what was sent and shows it in Files.
type FileControl struct {
	Name     string // of the file input
	Label    string
	Hint     string
	Required bool
	Limits   string // what may be sent, said before: kinds, size, number
	Accept   string // e.g. "application/pdf,image/jpeg,image/png"
	Multiple bool
	Full     bool // the number of files is reached: no further input
	Files    []UploadedFile
	Problem  string
	NoNeed   bool // leave out the words 必須 and 任意, as in Control
}

// FormView is a page of a form: what is asked and what is already known. Handlers fill it from application and
// qualification; FormGroup draws it.
type FormView struct {
	Fields   []qualification.Field // those that are asked now, in order, with their options filled in
	Raw      map[string]string     // what was typed, by input name
	Fixed    map[string]string     // official values in the page's language, by field id
	Sources  map[string]string     // where a value comes from (fixed or pre-filled), by field id, in the page's language
	Problems []qualification.Problem
}

// part is one of several inputs of a field.
type part struct {
	name, label, autocomplete, inputMode, problem, value, lang string
	width                                                      Width
}

func (v FormView) problem(p *Page, input string) string { return problemFor(p, v.Problems, input) }

// control fills the one input of a simple field.
func (v FormView) control(p *Page, f qualification.Field) Control {
	c := Control{
		Name: f.ID, Label: p.Text(f.Label), Hint: v.hint(p, f), Required: f.Required, Value: v.Raw[f.ID],
		Problem: v.problem(p, f.ID), Width: WidthFull, Autocomplete: autocompleteOf(f),
	}
	switch f.Kind {
	case qualification.KindTel:
		c.Type, c.InputMode, c.Width = "tel", "tel", WidthShort
	case qualification.KindEmail:
		c.Type, c.InputMode, c.Width = "email", "email", WidthLong
	case qualification.KindNumber, qualification.KindRegNumber, qualification.KindPostcode:
		c.InputMode, c.Width = "numeric", WidthShort
	case qualification.KindPrefecture:
		c.Choices = prefectureChoices(p, !f.Domestic)
	case qualification.KindSelect, qualification.KindRadio:
		c.Choices = choicesOf(p, f.Options)
	case qualification.KindAddress:
		c.Rows, c.Lang = 3, "ja"
	case qualification.KindTextArea:
		c.Rows = 6
	}
	return c
}

// hint is the field's own support text and, after it, what its kind accepts and where a pre-filled value comes from.
func (v FormView) hint(p *Page, f qualification.Field) string {
	lines := []string{p.Text(f.Hint)}
	if key := "hint." + string(f.Kind); p.Site.cfg.Catalogue.Has(key) {
		lines = append(lines, p.R(key))
	}
	if source := v.Sources[f.ID]; source != "" {
		lines = append(lines, source)
	}
	kept := lines[:0]
	for _, line := range lines {
		if line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// nameParts are the two inputs of a name, a reading or a name in Roman letters.
func (v FormView) nameParts(p *Page, f qualification.Field) []part {
	family := part{name: f.ID + ".family", label: p.R("part." + string(f.Kind) + ".family"), width: WidthMedium}
	given := part{name: f.ID + ".given", label: p.R("part." + string(f.Kind) + ".given"), width: WidthMedium}
	if f.Kind == qualification.KindName {
		family.autocomplete, given.autocomplete = "family-name", "given-name"
	}
	if f.Kind != qualification.KindRoman {
		family.lang, given.lang = "ja", "ja"
	}
	return v.filled(p, []part{family, given})
}

// offersSingle tells whether to offer the box for names that do not divide into family and given name. The reading and
// the Roman letters offer it too, each for itself, so that no input depends on another one's page.
func (v FormView) offersSingle(f qualification.Field) bool {
	return f.Kind == qualification.KindName || f.Kind == qualification.KindKana || f.Kind == qualification.KindRoman
}

// dateParts are the text inputs of a date, without the era.
func (v FormView) dateParts(p *Page, f qualification.Field) []part {
	names := []string{"year", "month", "day"}
	if f.Kind == qualification.KindYearMonth {
		names = names[:2]
	}
	parts := make([]part, 0, len(names))
	for _, n := range names {
		one := part{name: f.ID + "." + n, label: p.R("part.date." + n), inputMode: "numeric", width: WidthTiny}
		if isBirthDate(f) {
			one.autocomplete = "bday-" + n
		}
		parts = append(parts, one)
	}
	return v.filled(p, parts)
}

func (v FormView) filled(p *Page, parts []part) []part {
	for i := range parts {
		parts[i].value, parts[i].problem = v.Raw[parts[i].name], v.problem(p, parts[i].name)
	}
	return parts
}

// partWrong tells whether a message names one of the parts.
func (v FormView) partWrong(f qualification.Field) bool {
	for _, problem := range v.Problems {
		if strings.HasPrefix(problem.Input, f.ID+".") {
			return true
		}
	}
	return false
}

// dateProblem is the message about a date: the first that concerns one of its inputs.
func (v FormView) dateProblem(p *Page, f qualification.Field) string {
	for _, problem := range v.Problems {
		if problem.Field == f.ID || problem.Input == f.ID || strings.HasPrefix(problem.Input, f.ID+".") {
			return p.Text(problem.Message)
		}
	}
	return ""
}

func isBirthDate(f qualification.Field) bool {
	return f.Prefill == "resident.birth_date" || f.ID == "birth_date"
}

// autocompleteOf is the token of the HTML standard by which browsers fill in the visitor's own data (WCAG 1.3.5).
func autocompleteOf(f qualification.Field) string {
	switch f.Kind {
	case qualification.KindTel:
		return "tel"
	case qualification.KindEmail:
		return "email"
	case qualification.KindPostcode:
		return "postal-code"
	case qualification.KindAddress:
		return "street-address"
	case qualification.KindName, qualification.KindKana, qualification.KindRoman, qualification.KindDate,
		qualification.KindYearMonth, qualification.KindText, qualification.KindTextArea, qualification.KindSelect,
		qualification.KindRadio, qualification.KindCheckbox, qualification.KindPrefecture, qualification.KindNumber,
		qualification.KindRegNumber:
		return ""
	}
	return ""
}

func choicesOf(p *Page, options []qualification.Option) []Choice {
	choices := make([]Choice, len(options))
	for i, o := range options {
		choices[i] = Choice{Value: o.Value, Label: p.Text(o.Label)}
	}
	return choices
}

// eraChoices are the calendars of a date, the Western one first; its value is empty.
func eraChoices(p *Page) []Choice {
	choices := []Choice{{Value: "", Label: p.T("era.western")}}
	eras := calendar.Eras()
	for i := len(eras) - 1; i >= 0; i-- {
		choices = append(choices, Choice{Value: eras[i].ID, Label: p.T("era." + eras[i].ID)})
	}
	return choices
}

// describedBy lists the ids of a control's support and error text.
func describedBy(name, hint, problem string) string {
	hintID, errorID := "", ""
	if hint != "" {
		hintID = InputID(name) + "-hint"
	}
	if problem != "" {
		errorID = InputID(name) + "-error"
	}
	return joinIDs(hintID, errorID)
}
