package qualification

import (
	"fmt"
	"slices"
	"strings"
)

// Outline draws a definition for an author: its procedures, pages, questions, documents, fees and routes, one per line
// in Japanese, with what is not confirmed marked by "?". It is what the golden files hold.
func (d *Definition) Outline() string {
	o := &outline{}
	o.line(0, "%s %s（%s） %s", d.ID, d.Name.In(JA), d.Kana, d.Version)
	o.line(0, "%s・%s・%s", d.Ministry.In(JA), d.Kind, d.LegalBasis.In(JA))
	o.line(0, "名簿の項目")
	for i := range d.Items {
		o.line(1, "%s %s %s%s", d.Items[i].ID, d.Items[i].Kind, d.Items[i].Label.In(JA), doubt(d.Items[i].Fact))
	}
	for i := range d.Procedures {
		o.procedure(&d.Procedures[i])
	}
	o.line(0, "デジタル資格者証 %s", d.Credential.Title.In(JA))
	for _, key := range credentialKeys {
		if source, ok := d.Credential.Fields[key]; ok {
			o.line(1, "%s ← %s", key, source)
		}
	}
	o.line(0, "名簿")
	for _, g := range d.Registers {
		o.line(1, "%s %s %s %s", g.Code, g.ID, g.OpensOn, g.Rollout)
	}
	return o.b.String()
}

// credentialKeys is the order in which the real credential has its keys.
var credentialKeys = []string{"CN", "UN", "UB", "RN", "RD", "ID", "IA", "IN", "CI", "DN", "DT", "UC"}

type outline struct{ b strings.Builder }

func (o *outline) line(depth int, format string, args ...any) {
	fmt.Fprintf(&o.b, strings.Repeat("  ", depth)+format+"\n", args...)
}

func doubt(f Fact) string {
	if f.Confidence == Confirmed {
		return ""
	}
	return " ?"
}

func (o *outline) procedure(p *Procedure) {
	o.line(0, "手続 %s（%s） %s・%d営業日%s", p.Name.In(JA), p.ID, p.Effect, p.StandardDays, doubt(p.StandardFact))
	if p.Deadline.JA != "" {
		o.line(1, "期限 %s%s", p.Deadline.In(JA), doubt(p.DeadlineFact))
	}
	for i := range p.Groups {
		o.group(&p.Groups[i])
	}
	for i := range p.Evidence {
		e := &p.Evidence[i]
		o.line(1, "書類 %s %s%s%s%s", e.ID, e.Label.In(JA), mark(e.Replaces != "", "（"+e.Replaces+"で確認できないとき）"), condition(e.When), doubt(e.Fact))
	}
	for i := range p.Fees {
		o.fee(&p.Fees[i])
	}
	for i := range p.Checks {
		o.line(1, "確認 %s %s%s", p.Checks[i].ID, p.Checks[i].Label.In(JA), mark(p.Checks[i].Machine != "", "（機械）"))
	}
	for i := range p.Reasons {
		r := &p.Reasons[i]
		o.line(1, "理由 %s %s%s%s", r.Code, r.Label.In(JA), mark(r.Correct, "・補正"), mark(r.Reject, "・却下"))
	}
	for i := range p.Routes {
		o.line(1, "経路 %s%s %s", p.Routes[i].ID, condition(p.Routes[i].When), steps(p.Routes[i].Steps))
	}
}

func (o *outline) group(g *Group) {
	o.line(1, "頁 %s（%s）%s", g.Title.In(JA), g.ID, condition(g.When))
	for i := range g.Fields {
		f := &g.Fields[i]
		o.line(2, "%s %s %s%s%s%s%s", f.ID, f.Kind, f.Label.In(JA), mark(f.Required, "・必須"), mark(f.Fixed, "・公的情報"),
			mark(f.Item != "", "→"+f.Item), condition(f.When))
	}
	for i := range g.Rules {
		o.line(2, "規則 %s: %s", g.Rules[i].ID, g.Rules[i].Must)
	}
}

func (o *outline) fee(fee *Fee) {
	for i := range fee.Rules {
		r := &fee.Rules[i]
		amount := fmt.Sprintf("%d円", r.Amount.Number)
		if r.Amount.CEL != "" {
			amount = r.Amount.CEL
		}
		where := strings.Join(slices.Concat(r.Registrars, r.Channels), " ")
		o.line(1, "費用 %s %s %s%s%s%s", fee.Label.In(JA), amount, fee.Collector, mark(where != "", "（"+where+"）"), condition(r.When), doubt(r.Fact))
	}
}

func steps(list []Route) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, s.Step+" "+s.Body+"/"+s.Role)
	}
	return strings.Join(parts, " → ")
}

func mark(yes bool, word string) string {
	if yes {
		return word
	}
	return ""
}

func condition(when string) string { return mark(when != "", " 条件 "+when) }
