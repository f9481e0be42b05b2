package qualification

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"akashi/internal/calendar"
	"akashi/internal/jtext"
	"akashi/internal/person"
)

// trouble is what is wrong with one input of a field. Codes are those of jtext and the ones below.
type trouble struct {
	code string
	args []any
	part string // "family", "given", "era", "year", "month", "day"; "" for a single input
}

// Codes beside those of jtext.
const (
	codeNotChosen   = "not_chosen"
	codeNotTicked   = "not_ticked"
	codeFuture      = "future"
	codeDomestic    = "domestic"
	codeUnreadable  = "unreadable" // an official value
	codeNotReadable = "not_readable"
)

// Limits in user-perceived characters where a field sets none.
const (
	maxName = 60
	maxLine = 200
	maxArea = 2000
)

// Inputs returns the names of the form's inputs for the field.
func (f *Field) Inputs() []string {
	switch f.Kind {
	case KindName, KindKana, KindRoman:
		return []string{f.ID + ".family", f.ID + ".given", f.ID + ".single"}
	case KindDate:
		return []string{f.ID + ".era", f.ID + ".year", f.ID + ".month", f.ID + ".day"}
	case KindYearMonth:
		return []string{f.ID + ".era", f.ID + ".year", f.ID + ".month"}
	}
	return []string{f.ID}
}

// Keys returns the keys of the field's values.
func (f *Field) Keys() []string {
	switch f.Kind {
	case KindName, KindKana, KindRoman:
		return []string{f.ID + ".family", f.ID + ".given"}
	}
	return []string{f.ID}
}

func (f *Field) input(part string) string {
	if part == "" {
		return f.Inputs()[0]
	}
	return f.ID + "." + part
}

// official tells whether the field's value comes from the card or the register alone.
func (f *Field) official(facts Facts) bool { return !f.Typed(facts.Channel) }

// Typed tells whether somebody fills the field in: everything but official values, and those, too, at a counter, where staff
// type what stands on the paper.
func (f *Field) Typed(channel string) bool { return !f.Fixed || channel == ChannelCounter }

// Withheld tells whether the field is an official value that the resident registry, which has answered, did not give: the
// address of a person under support measures (支援措置). Such a field is not asked: nobody types instead what is protected.
func (f *Field) Withheld(facts Facts) bool {
	return f.official(facts) && strings.HasPrefix(f.Prefill, InquiryResident+".") && facts.Official[f.Prefill] == "" && facts.Resident["class"] != ""
}

// asked tells whether the form asks for the field, given the answers so far.
func (f *Field) asked(facts Facts) (bool, error) {
	if f.Withheld(facts) {
		return false, nil
	}
	return f.when.holds(facts)
}

// forget removes what stands under the field's inputs.
func (f *Field) forget(raw map[string]string) {
	maps.DeleteFunc(raw, func(input, _ string) bool { return slices.Contains(f.Inputs(), input) })
}

// rawOf writes an official value as it would be typed.
func (f *Field) rawOf(value string) map[string]string {
	switch f.Kind {
	case KindName, KindKana, KindRoman:
		family, given, two := strings.Cut(strings.ReplaceAll(value, "　", " "), " ")
		if !two {
			return map[string]string{f.ID + ".family": family, f.ID + ".single": "yes"}
		}
		return map[string]string{f.ID + ".family": family, f.ID + ".given": given}
	case KindDate, KindYearMonth:
		parts := strings.Split(value, "-")
		raw := map[string]string{f.ID + ".era": ""}
		for i, input := range f.Inputs()[1:] {
			if i < len(parts) {
				raw[input] = strings.TrimLeft(parts[i], "0")
			}
		}
		return raw
	}
	return map[string]string{f.ID: value}
}

// read turns what was typed into values, by the kind of the field. raw gives an input by its part ("" for a single one).
func (f *Field) read(raw func(part string) string, facts Facts) (map[string]string, []trouble) {
	switch f.Kind {
	case KindName, KindKana, KindRoman:
		return f.readName(raw)
	case KindDate, KindYearMonth:
		return f.readDate(raw, facts)
	case KindSelect, KindRadio, KindPrefecture:
		return f.readChoice(raw(""))
	case KindCheckbox:
		if raw("") == "yes" || !f.Required {
			return map[string]string{f.ID: onlyYes(raw(""))}, nil
		}
		return nil, []trouble{{code: codeNotTicked}}
	}
	return f.readLine(raw(""))
}

func onlyYes(s string) string {
	if s == "yes" {
		return s
	}
	return ""
}

func (f *Field) readName(raw func(part string) string) (map[string]string, []trouble) {
	values := map[string]string{}
	var wrong []trouble
	for _, part := range []string{"family", "given"} {
		v, err := f.normalise(raw(part))
		needed := part == "family" || raw("single") != "yes"
		if part == "given" && !needed {
			v, err = "", nil
		}
		switch {
		case err != nil:
			wrong = append(wrong, f.troubleOf(err, part))
		case v == "" && needed && (f.Required || raw("family")+raw("given") != ""):
			wrong = append(wrong, trouble{code: jtext.CodeEmpty, part: part})
		case jtext.Length(v) > f.limit():
			wrong = append(wrong, trouble{code: jtext.CodeTooLong, args: []any{f.limit()}, part: part})
		}
		values[f.ID+"."+part] = v
	}
	return values, wrong
}

func (f *Field) readDate(raw func(part string) string, facts Facts) (map[string]string, []trouble) {
	if jtext.Clean(raw("year")+raw("month")+raw("day")) == "" {
		if f.Required {
			return nil, []trouble{{code: jtext.CodeEmpty, part: "year"}}
		}
		return map[string]string{f.ID: ""}, nil
	}
	var value string
	var err error
	if f.Kind == KindDate {
		var d calendar.Date
		d, err = jtext.Date(raw("era"), raw("year"), raw("month"), raw("day"))
		value = d.String()
	} else {
		value, err = jtext.YearMonth(raw("era"), raw("year"), raw("month"))
	}
	if err != nil {
		return nil, []trouble{f.troubleOf(err, "year")}
	}
	// ISO dates and months compare as texts.
	if today := calendar.Of(facts.On).String(); f.Past && value > today[:len(value)] {
		return nil, []trouble{{code: codeFuture, part: "year"}}
	}
	return map[string]string{f.ID: value}, nil
}

func (f *Field) readChoice(raw string) (map[string]string, []trouble) {
	v := jtext.Clean(raw)
	if v == "" && !f.Required {
		return map[string]string{f.ID: ""}, nil
	}
	if f.Domestic && v == person.Abroad {
		return nil, []trouble{{code: codeDomestic}}
	}
	if !slices.ContainsFunc(f.Choices(), func(o Option) bool { return o.Value == v }) {
		return nil, []trouble{{code: codeNotChosen}}
	}
	return map[string]string{f.ID: v}, nil
}

func (f *Field) readLine(raw string) (map[string]string, []trouble) {
	v, err := f.normalise(raw)
	switch {
	case err != nil:
		return nil, []trouble{f.troubleOf(err, "")}
	case v == "" && f.Required:
		return nil, []trouble{{code: jtext.CodeEmpty}}
	case jtext.Length(v) > f.limit():
		return nil, []trouble{{code: jtext.CodeTooLong, args: []any{f.limit()}}}
	}
	return map[string]string{f.ID: v}, nil
}

// normalise reads one line of text by the kind of the field. Nothing typed gives "".
func (f *Field) normalise(raw string) (string, error) {
	read := func(s string) (string, error) { return jtext.Clean(s), nil }
	switch f.Kind {
	case KindTextArea:
		return jtext.CleanLines(raw), nil
	case KindKana:
		read = jtext.Kana
	case KindRoman:
		read = jtext.Roman
	case KindNumber:
		read = jtext.Digits
	case KindTel:
		read = jtext.Tel
	case KindEmail:
		read = jtext.Email
	case KindPostcode:
		read = jtext.Postcode
	case KindRegNumber:
		read = jtext.RegistrationNumber
	}
	if jtext.Clean(raw) == "" {
		return "", nil
	}
	return read(raw)
}

func (f *Field) limit() int {
	switch {
	case f.Max > 0:
		return f.Max
	case f.Kind == KindTextArea:
		return maxArea
	case f.Kind == KindName || f.Kind == KindKana || f.Kind == KindRoman:
		return maxName
	}
	return maxLine
}

// troubleOf takes the code out of an error of jtext; part is where it belongs unless the error says so itself.
func (f *Field) troubleOf(err error, part string) trouble {
	var e *jtext.Error
	if !errors.As(err, &e) {
		return trouble{code: codeNotReadable, part: part}
	}
	if e.Part != "" && slices.Contains(f.Inputs(), f.ID+"."+e.Part) {
		part = e.Part
	}
	return trouble{code: e.Code, args: e.Args, part: part}
}

// Choices returns what a select, radio or prefecture field offers.
func (f *Field) Choices() []Option {
	if f.Kind != KindPrefecture {
		return f.Options
	}
	return prefectureOptions(f.Domestic)
}

// Show words the field's value for a page: the label of a choice, both calendars for a date.
func (f *Field) Show(values map[string]string, l Lang) string {
	return showValue(f.Kind, f.joined(values), f.Options, l)
}

// Show words a value of the item for a page or a document.
func (i *Item) Show(value string, l Lang) string { return showValue(i.Kind, value, i.Options, l) }

func showValue(kind FieldKind, value string, options []Option, l Lang) string {
	switch kind {
	case KindSelect, KindRadio:
		return labelOf(options, value, l)
	case KindPrefecture:
		return labelOf(prefectureOptions(false), value, l)
	case KindCheckbox:
		if value == "yes" {
			return Text{JA: "はい", EN: "Yes", Easy: "はい"}.In(l)
		}
	case KindDate:
		if d, err := calendar.ParseISO(value); err == nil {
			return d.In(string(l))
		}
	case KindYearMonth:
		return Month(value, l)
	}
	return value
}

func labelOf(options []Option, value string, l Lang) string {
	i := slices.IndexFunc(options, func(o Option) bool { return o.Value == value })
	if i < 0 {
		return value
	}
	return options[i].Label.In(l)
}

// Month words "2026-02" as a month; what is none comes back as it is.
func Month(value string, l Lang) string {
	d, err := calendar.ParseISO(value + "-01")
	if err != nil {
		return value
	}
	year, month := strconv.Itoa(d.Year), strconv.Itoa(int(d.Month))
	switch l {
	case EN:
		return d.Month.String() + " " + year
	case Easy:
		return year + "年" + month + "月"
	}
	// The era is that of the month's last day: an examination in the month of a change is counted to the new one.
	last := calendar.Date{Year: d.Year, Month: d.Month, Day: calendar.DaysIn(d.Year, d.Month)}
	if era, n, ok := last.Era(); ok {
		return year + "年（" + era.Year(n) + "）" + month + "月"
	}
	return year + "年" + month + "月"
}
