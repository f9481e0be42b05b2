package qualification

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Outline draws a definition for an author: its procedures, pages, questions, documents, fees and routes, one per line
// in Japanese, with what is not confirmed marked by "?". It is what the golden files hold.
func (d *Definition) Outline() string {
	o := &outline{}
	o.line(0, "%s %s（%s） %s", d.ID, d.Name.In(JA), d.Kana, d.Version)
	o.line(0, "%d行 %s・%s・%s%s", d.Row, d.Ministry.In(JA), d.Kind, d.LegalBasis.In(JA), doubt(d.LegalFact))
	o.duties(d)
	o.line(0, "名簿の項目")
	for i := range d.Items {
		o.line(1, "%s %s %s%s", d.Items[i].ID, d.Items[i].Kind, d.Items[i].Label.In(JA), doubt(d.Items[i].Fact))
	}
	if c := d.Classes; c != nil {
		o.line(1, "区分 %s%s", strings.Join(c.Items, " "), doubt(c.Fact))
	}
	o.line(1, "登録番号 %s（%s、%dから）%s", d.Number.Format, d.Number.Series, d.Number.First, doubt(d.Number.Fact))
	for i := range d.Procedures {
		o.procedure(&d.Procedures[i])
	}
	o.line(0, "デジタル資格者証 %s%s", d.Credential.Title.In(JA), doubt(d.Credential.Fact))
	for _, key := range credentialKeys {
		if source, ok := d.Credential.Fields[key]; ok {
			o.line(1, "%s ← %s", key, source)
		}
	}
	o.line(0, "名簿 %s", d.Code)
	for i := range d.Patterns {
		o.pattern(&d.Patterns[i])
	}
	return o.b.String()
}

// duties draws what the law says of the whole qualification.
func (o *outline) duties(d *Definition) {
	o.line(1, "備える者 %s%s", d.Keeper.Text.In(JA), doubt(d.Keeper.Fact))
	if d.Forwarding != nil {
		o.line(1, "経由 %s%s%s", d.Forwarding.Text.In(JA), mark(!d.Forwarding.EndsOn.IsZero(), " 〜"+d.Forwarding.EndsOn.String()), doubt(d.Forwarding.Fact))
	}
	if d.Disqualification != nil {
		o.line(1, "欠格 %s%s", d.Disqualification.Text.In(JA), doubt(d.Disqualification.Fact))
	}
	if len(d.Base)+len(d.BaseText.JA) > 0 {
		o.line(1, "前提 %s %s%s", strings.Join(d.Base, " "), d.BaseText.In(JA), mark(d.BaseText.JA != "", doubt(d.BaseFact)))
	}
	if v := d.Validity; v != nil {
		o.line(1, "有効期間 %s月（%d日前から%d日前まで）%s", v.Months, v.OpensBefore, v.ClosesBefore, doubt(v.Fact))
	}
	for _, r := range d.Reports {
		o.line(1, "届出 %s %d月ごと %s%s", r.ID, r.EveryMonths, r.Text.In(JA), doubt(r.Fact))
	}
	for _, e := range d.Elsewhere {
		o.line(1, "ほかで %s %s: %s%s", e.ID, e.Name.In(JA), e.Where.In(JA), doubt(e.Fact))
	}
	o.line(1, "開始 %s%s%s", d.Rollout.Status, mark(!d.Rollout.LiveFrom.IsZero(), " "+d.Rollout.LiveFrom.String()), doubt(d.Rollout.Fact))
}

// credentialKeys is the order in which the real credential has its keys.
var credentialKeys = []string{"CN", "UN", "UB", "RN", "RD", "ID", "IA", "IN", "CI", "DN", "DT", "UC"}

type outline struct{ b strings.Builder }

func (o *outline) line(depth int, format string, args ...any) {
	fmt.Fprintf(&o.b, strings.Repeat("  ", depth)+format+"\n", args...)
}

// doubt is the mark of a fact that is not confirmed. Where a fact need not stand, there is nothing to doubt.
func doubt(f Fact) string {
	if f.Confidence == Confirmed || f == (Fact{}) {
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
	if len(p.Fees) == 0 {
		o.line(1, "費用 なし%s", doubt(p.FeesFact))
	}
	for i := range p.Checks {
		o.line(1, "確認 %s %s%s", p.Checks[i].ID, p.Checks[i].Label.In(JA), mark(p.Checks[i].Machine != "", "（機械）"))
	}
	for i := range p.Reasons {
		r := &p.Reasons[i]
		o.line(1, "理由 %s %s%s%s", r.Code, r.Label.In(JA), mark(r.Correct, "・補正"), mark(r.Reject, "・却下"))
	}
	for i := range p.Routes {
		o.line(1, "経路 %s%s %s%s", p.Routes[i].ID, condition(p.Routes[i].When), steps(p.Routes[i].Steps), doubt(p.Routes[i].Fact))
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
		amount := r.Amount.String() + mark(r.Amount.CEL == "", "円")
		if r.Fact.Confidence == Unknown {
			amount = "額は未確認"
		}
		where := strings.Join(slices.Concat(r.Registrars, r.Channels), " ")
		o.line(1, "費用 %s %s %s%s%s%s", fee.Label.In(JA), amount, fee.Collector, mark(where != "", "（"+where+"）"), condition(r.When), doubt(r.Fact))
	}
}

func (o *outline) pattern(p *RegisterPattern) {
	who := strings.Join(p.Registrars, " ")
	if p.Group != "" {
		who = p.Group + mark(len(p.Except) > 0, "（"+strings.Join(p.Except, " ")+"を除く）")
	}
	o.line(1, "%s %s %s%s%s", who, p.Rollout, p.OpensOn, mark(!p.ClosedOn.IsZero(), "〜"+p.ClosedOn.String()), doubt(p.Fact))
	for _, id := range slices.Sorted(maps.Keys(p.Procedures)) {
		o.line(2, "%s online %s counter %s", id, p.Procedures[id].Online, p.Procedures[id].Counter)
	}
	if p.Functions != nil {
		o.line(2, "使う機能 %s", strings.Join(p.Functions, " "))
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
