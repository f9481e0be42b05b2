package ui

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"akashi/internal/qualification"
)

// DateControl is a date to be typed. Its inputs are Name.era, Name.year, Name.month and Name.day.
type DateControl struct {
	Control
	Era   string // id of calendar.Era, "" for the Western calendar
	parts []part
}

// NewDateControl makes a date input of its own, outside a qualification's form. raw holds what was typed, by input name.
func NewDateControl(p *Page, c Control, raw map[string]string, problems []qualification.Problem) DateControl {
	f := qualification.Field{ID: c.Name, Kind: qualification.KindDate}
	v := FormView{Raw: raw, Problems: problems}
	c.Problem, c.partWrong = v.dateProblem(p, f), v.partWrong(f)
	if c.Hint == "" {
		c.Hint = p.R("hint.date")
	}
	return DateControl{Control: c, Era: raw[c.Name+".era"], parts: v.dateParts(p, f)}
}

func (v FormView) dateControl(p *Page, f qualification.Field) DateControl {
	c := Control{Name: f.ID, Label: p.Text(f.Label), Hint: v.hint(p, f), Required: f.Required}
	c.Problem, c.partWrong = v.dateProblem(p, f), v.partWrong(f)
	return DateControl{Control: c, Era: v.Raw[f.ID+".era"], parts: v.dateParts(p, f)}
}

// control is the text box of one part of a name.
func (one part) control() Control {
	return Control{Name: one.name, Value: one.value, Width: one.width, Autocomplete: one.autocomplete, InputMode: one.inputMode,
		Lang: one.lang, Problem: one.problem}
}

// dateControl is the text box of one part of a date. The message stands below all parts and describes the wrong one.
func (one part) dateControl(whole Control) Control {
	c := one.control()
	c.Problem = ""
	if one.problem != "" || (whole.Problem != "" && strings.HasSuffix(one.name, ".year") && !whole.partWrong) {
		c.invalidBy = InputID(whole.Name) + "-error"
	}
	return c
}

func anyProblem(parts []part) bool {
	return slices.ContainsFunc(parts, func(one part) bool { return one.problem != "" })
}

// described are the attributes by which a screen reader finds an input's support text and message.
func described(c Control) templ.Attributes {
	a := describedOnly(c)
	if c.Problem != "" {
		a["aria-invalid"] = "true"
	}
	if c.invalidBy != "" {
		a["aria-invalid"], a["aria-describedby"] = "true", c.invalidBy
	}
	return a
}

// describedOnly leaves aria-invalid to the single inputs: it is not allowed on a group.
func describedOnly(c Control) templ.Attributes {
	a := templ.Attributes{}
	if ids := describedBy(c.Name, c.Hint, c.Problem); ids != "" {
		a["aria-describedby"] = ids
	}
	return a
}

func inputType(t string) string {
	if t == "" {
		return "text"
	}
	return t
}

// choiceID is the id of the n-th choice; the first has the control's own, so that the error summary finds it.
func choiceID(name string, n int) string {
	if n == 0 {
		return InputID(name)
	}
	return InputID(name) + "-" + strconv.Itoa(n)
}

func chosen(joined, value string) bool { return slices.Contains(strings.Split(joined, ","), value) }
