// Package qualtest makes answers for the forms of any definition, so that tests of every stage can be walked for every
// qualification without a line of code about one of them.
package qualtest

import (
	"fmt"
	"maps"
	"math/rand/v2"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

// tries is how often a page is drawn anew until its rules hold. A page with two yes-or-no rules holds after a few.
const tries = 400

// Fill walks a form from front to back as a person does and returns answers in which everything is in order. Typed holds
// inputs that are not drawn, e.g. a registration number. The same source gives the same answers.
func Fill(r *rand.Rand, p *qualification.Procedure, f qualification.Facts, typed map[string]string) (qualification.Answers, error) {
	var a qualification.Answers
	for i := range p.Groups {
		next, err := fillPage(r, p, &p.Groups[i], a, f, typed)
		if err != nil {
			return a, err
		}
		a = next
	}
	return a, nil
}

// fillPage draws the fields of one page until it is in order. Drawn answers that a rule refuses are drawn again.
func fillPage(r *rand.Rand, p *qualification.Procedure, g *qualification.Group, a qualification.Answers, f qualification.Facts, typed map[string]string) (qualification.Answers, error) {
	var last []qualification.Problem
	page := p.Prefill(g, a, f)
	for range tries {
		raw := maps.Clone(page.Raw)
		for j := range g.Fields {
			if field := &g.Fields[j]; !field.Fixed || f.Channel == qualification.ChannelCounter {
				maps.Copy(raw, Draw(r, field, f))
			}
		}
		for input, value := range typed {
			if _, asked := raw[input]; asked {
				raw[input] = value
			}
		}
		next, problems, err := p.Validate(g, qualification.Answers{Raw: raw, Values: page.Values}, f)
		if err != nil {
			return a, err
		}
		if len(problems) == 0 {
			return next, nil
		}
		last = problems
	}
	return a, fmt.Errorf("the page %s of %s cannot be filled: %s: %s", g.ID, p.ID, last[0].Input, last[0].Message.JA)
}

// Draw makes inputs that a field takes, in the widths and calendars that people use; an optional one is often left empty.
func Draw(r *rand.Rand, f *qualification.Field, facts qualification.Facts) map[string]string {
	if !f.Required && r.IntN(2) == 0 {
		return empty(f)
	}
	one := func(options ...string) string { return options[r.IntN(len(options))] }
	switch f.Kind {
	case qualification.KindName:
		return map[string]string{f.ID + ".family": one("髙橋", "　辻󠄀 ", "O'Neil"), f.ID + ".given": one("花子", "﨑男", "Mary Ann")}
	case qualification.KindKana:
		return map[string]string{f.ID + ".family": one("タカハシ", "たかはし", "ﾀｶﾊｼ"), f.ID + ".given": one("ハナコ", "じょーじ", "ｼﾞｮｰｼﾞ")}
	case qualification.KindRoman:
		return map[string]string{f.ID + ".family": one("Takahashi", "ＴＡＫＡ"), f.ID + ".given": "hanako"}
	case qualification.KindDate, qualification.KindYearMonth:
		return drawDay(r, f, facts)
	case qualification.KindSelect, qualification.KindRadio, qualification.KindPrefecture:
		choices := f.Choices()
		return map[string]string{f.ID: choices[r.IntN(len(choices))].Value}
	}
	return map[string]string{f.ID: one(lines(f)...)}
}

// drawDay draws a day of the last ten years, or, where the field allows it, of the coming ones.
func drawDay(r *rand.Rand, f *qualification.Field, facts qualification.Facts) map[string]string {
	days := -r.IntN(3650)
	if !f.Past && r.IntN(2) == 0 {
		days = r.IntN(1500)
	}
	day := calendar.Of(facts.On).AddDays(days)
	raw := map[string]string{f.ID + ".era": "", f.ID + ".year": fmt.Sprint(day.Year), f.ID + ".month": fmt.Sprint(int(day.Month))}
	if era, year, ok := day.Era(); ok && r.IntN(2) == 0 {
		raw[f.ID+".year"] = era.Year(year)
	}
	if f.Kind == qualification.KindDate {
		raw[f.ID+".day"] = fmt.Sprint(day.Day)
	}
	return raw
}

func lines(f *qualification.Field) []string {
	switch f.Kind {
	case qualification.KindCheckbox:
		return []string{"yes"}
	case qualification.KindNumber:
		return []string{"12345", "１２３-４５", "3"}
	case qualification.KindRegNumber:
		return []string{"第 1234567 号", "１２３４５６７"}
	case qualification.KindTel:
		return []string{"090-1234-5678", "０９５２（２４）２１１１"}
	case qualification.KindEmail:
		return []string{"hanako@example.jp", " Hanako@EXAMPLE.jp "}
	case qualification.KindPostcode:
		return []string{"840-8570", "〒８４０ー８５７０"}
	}
	return []string{"説明です", "ベトナム", "a"}
}

func empty(f *qualification.Field) map[string]string {
	raw := map[string]string{}
	for _, input := range f.Inputs() {
		raw[input] = ""
	}
	return raw
}
