package qualification

import (
	"maps"
	"slices"
	"strings"
)

// Outline draws a definition in Japanese. It is what the golden files hold.
func (d *Definition) Outline() string { return d.OutlineIn(JA) }

// OutlineIn draws a definition for an author in a language: its procedures, pages, questions, documents, fees and routes, one
// per line, with what is not confirmed marked by "?". Ids, kinds and conditions stay as the file has them.
func (d *Definition) OutlineIn(l Lang) string {
	o := &outline{lang: l}
	o.line(0, Say("outline-title", d.ID, d.Name, d.Kana, d.Version))
	o.line(0, Say("outline-basis", d.Row, d.Ministry, d.Kind, d.LegalBasis), doubt(d.LegalFact))
	o.duties(d)
	o.line(0, Say("outline-items"))
	for i := range d.Items {
		o.plain(1, d.Items[i].ID+" "+string(d.Items[i].Kind)+" "+o.text(d.Items[i].Label)+doubt(d.Items[i].Fact))
	}
	if c := d.Classes; c != nil {
		o.line(1, Say("outline-classes", strings.Join(c.Items, " ")), doubt(c.Fact))
	}
	o.line(1, Say("outline-number", d.Number.Format, d.Number.Series, d.Number.First), doubt(d.Number.Fact))
	for i := range d.Procedures {
		o.procedure(&d.Procedures[i])
	}
	o.line(0, Say("outline-credential", d.Credential.Title), doubt(d.Credential.Fact))
	for _, key := range credentialKeys {
		if source, ok := d.Credential.Fields[key]; ok {
			o.plain(1, key+" ← "+source)
		}
	}
	o.line(0, Say("outline-registers", d.Code))
	for i := range d.Patterns {
		o.pattern(&d.Patterns[i])
	}
	return o.b.String()
}

// duties draws what the law says of the whole qualification.
func (o *outline) duties(d *Definition) {
	o.line(1, Say("outline-keeper", d.Keeper.Text), doubt(d.Keeper.Fact))
	if f := d.Forwarding; f != nil {
		o.line(1, Say("outline-forwarding", f.Text, o.mark(!f.EndsOn.IsZero(), " ", Say("outline-until", f.EndsOn.String()))), doubt(f.Fact))
	}
	if d.OnPaper != nil {
		o.line(1, Say("outline-on-paper", d.OnPaper.Text), doubt(d.OnPaper.Fact))
	}
	if d.Disqualification != nil {
		o.line(1, Say("outline-disqualification", d.Disqualification.Text), doubt(d.Disqualification.Fact))
	}
	if d.BaseText.JA != "" {
		o.line(1, Say("outline-requires", strings.Join(d.Base, " "), d.BaseText), doubt(d.BaseFact))
	} else if len(d.Base) > 0 {
		o.line(1, Say("outline-requires", strings.Join(d.Base, " "), ""))
	}
	if v := d.Validity; v != nil {
		o.line(1, Say("outline-validity", v.Months.String(), v.OpensBefore, v.ClosesBefore), doubt(v.Fact))
	}
	for _, r := range d.Reports {
		o.line(1, Say("outline-report", r.ID, r.EveryMonths, r.Text), doubt(r.Fact))
	}
	for _, e := range d.Elsewhere {
		o.line(1, Say("outline-elsewhere", e.ID, e.Name, e.Where), doubt(e.Fact))
	}
	from := ""
	if !d.Rollout.LiveFrom.IsZero() {
		from = " " + d.Rollout.LiveFrom.String()
	}
	o.line(1, Say("outline-begin", d.Rollout.Status, from), doubt(d.Rollout.Fact))
}

// credentialKeys is the order in which the real credential has its keys.
var credentialKeys = []string{"CN", "UN", "UB", "RN", "RD", "ID", "IA", "IN", "CI", "DN", "DT", "UC"}

type outline struct {
	lang Lang
	b    strings.Builder
}

// line writes a sentence, and behind it what it has besides.
func (o *outline) line(depth int, s Saying, besides ...string) {
	o.plain(depth, s.In(o.lang)+strings.Join(besides, ""))
}

func (o *outline) plain(depth int, line string) {
	o.b.WriteString(strings.Repeat("  ", depth) + line + "\n")
}

// text is a wording of the definition, as a sentence would hold it.
func (o *outline) text(t Text) string { return argIn(t, o.lang, withoutReadings) }

// mark is a sentence after a separator, or nothing.
func (o *outline) mark(yes bool, separator string, s Saying) string {
	if !yes {
		return ""
	}
	return separator + s.In(o.lang)
}

// condition is the CEL expression on which something depends.
func (o *outline) condition(when string) string {
	return o.mark(when != "", "", Say("outline-condition", when))
}

// doubt is the mark of a fact that is not confirmed. Where a fact need not stand, there is nothing to doubt.
func doubt(f Fact) string {
	if f.Confidence == Confirmed || f == (Fact{}) {
		return ""
	}
	return " ?"
}

func (o *outline) procedure(p *Procedure) {
	o.line(0, Say("outline-procedure", p.Name, p.ID, string(p.Effect), p.StandardDays), doubt(p.StandardFact))
	if p.Deadline.JA != "" {
		o.line(1, Say("outline-deadline", p.Deadline), doubt(p.DeadlineFact))
	}
	if p.OnPaper != nil && p.OnPaper.None {
		o.line(1, Say("outline-not-on-paper", p.OnPaper.Text), doubt(p.OnPaper.Fact))
	} else if p.OnPaper != nil {
		o.line(1, Say("outline-on-paper", p.OnPaper.Text), doubt(p.OnPaper.Fact))
	}
	for i := range p.Groups {
		o.group(&p.Groups[i])
	}
	for i := range p.Evidence {
		e := &p.Evidence[i]
		o.line(1, Say("outline-evidence", e.ID, e.Label, o.mark(e.Replaces != "", "", Say("outline-replaces", e.Replaces))), o.condition(e.When), doubt(e.Fact))
	}
	for i := range p.Fees {
		o.fee(&p.Fees[i])
	}
	if len(p.Fees) == 0 {
		o.line(1, Say("outline-no-fee"), doubt(p.FeesFact))
	}
	o.decisions(p)
}

// decisions draws what is looked at, for which reasons an application is sent back or refused, and who acts.
func (o *outline) decisions(p *Procedure) {
	for i := range p.Checks {
		c := &p.Checks[i]
		o.line(1, Say("outline-check", c.ID, c.Label), o.mark(c.Machine != "", "", Say("outline-machine")))
	}
	for i := range p.Reasons {
		r := &p.Reasons[i]
		o.line(1, Say("outline-reason", r.Code, r.Label), o.mark(r.Correct, "", Say("outline-correct")), o.mark(r.Reject, "", Say("outline-reject")))
	}
	for i := range p.Routes {
		r := &p.Routes[i]
		o.line(1, Say("outline-route", r.ID, o.condition(r.When), steps(r.Steps)), doubt(r.Fact))
	}
}

func (o *outline) group(g *Group) {
	o.line(1, Say("outline-page", g.Title, g.ID), o.condition(g.When))
	for i := range g.Fields {
		f := &g.Fields[i]
		item := ""
		if f.Item != "" {
			item = "→" + f.Item
		}
		o.plain(2, f.ID+" "+string(f.Kind)+" "+o.text(f.Label)+o.mark(f.Required, "", Say("outline-required"))+
			o.mark(f.Fixed, "", Say("outline-fixed"))+item+o.condition(f.When))
	}
	for i := range g.Rules {
		o.line(2, Say("outline-rule", g.Rules[i].ID, g.Rules[i].Must))
	}
}

func (o *outline) fee(fee *Fee) {
	for i := range fee.Rules {
		r := &fee.Rules[i]
		amount := r.Amount.String()
		switch {
		case r.Fact.Confidence == Unknown:
			amount = Say("outline-no-amount").In(o.lang)
		case r.Amount.CEL == "":
			amount = Say("outline-yen", amount).In(o.lang)
		}
		where := strings.Join(slices.Concat(r.Registrars, r.Channels), " ")
		o.line(1, Say("outline-fee", fee.Label, amount, fee.Collector), o.mark(where != "", "", Say("outline-where", where)), o.condition(r.When), doubt(r.Fact))
	}
}

func (o *outline) pattern(p *RegisterPattern) {
	who := strings.Join(p.Registrars, " ")
	if p.Group != "" {
		who = p.Group
	}
	if p.Group != "" && len(p.Except) > 0 {
		who = Say("outline-except", p.Group, strings.Join(p.Except, " ")).In(o.lang)
	}
	closed := o.mark(!p.ClosedOn.IsZero(), " ", Say("outline-until", p.ClosedOn.String()))
	o.plain(1, who+" "+p.Rollout+" "+p.OpensOn.String()+closed+doubt(p.Fact))
	for _, id := range slices.Sorted(maps.Keys(p.Procedures)) {
		o.line(2, Say("outline-channels", id, p.Procedures[id].Online.String(), p.Procedures[id].Counter.String()))
	}
	if p.Functions != nil {
		o.line(2, Say("outline-functions", strings.Join(p.Functions, " ")))
	}
}

func steps(list []Route) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, s.Step+" "+s.Body+"/"+s.Role)
	}
	return strings.Join(parts, " → ")
}
