package qualification

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// lint reports what a schema cannot see: references that lead nowhere, cases that no rule covers, one pair of eyes
// where the law wants two. With no registrars, what depends on them is not checked.
func lint(d *Definition, registrars []Registrar, tried *trials, r *reporter) {
	l := &linter{d: d, registrars: registrars, trials: tried, r: r}
	l.lintNumber()
	l.lintValidity()
	l.lintCredential()
	for i := range d.Procedures {
		l.lintProcedure(&d.Procedures[i])
	}
	l.lintOffers("offers", d.Offers)
	for i := range d.Patterns {
		l.lintPattern(&d.Patterns[i], fmt.Sprintf("registers[%d]", i))
	}
	l.lintClasses()
	l.lintRow()
	l.lintSources()
	if l.trials != nil && len(r.found) == 0 {
		l.lintCases()
	}
}

// lintCases looks for cases that would come to a stand: it tries what people can answer. What is wrong in itself is said first.
func (l *linter) lintCases() {
	l.lintTerm()
	for i := range l.d.Procedures {
		l.lintTries(&l.d.Procedures[i])
	}
	if len(l.r.found) > 0 {
		return
	}
	for i := range l.d.Procedures {
		l.lintBodies(&l.d.Procedures[i])
		l.lintNeeds(&l.d.Procedures[i])
		l.lintTogether(&l.d.Procedures[i])
	}
}

// copiedBy are hosts that show other people's pages as they found them some day: what they have is not the source and can be gone
// tomorrow. An archive that keeps a page under its day is another thing.
var copiedBy = regexp.MustCompile(`https?://[^/\s、。]*\b(cache\.yimg\.jp|webcache\.googleusercontent\.com|cc\.bingj\.com|translate\.goog|cdn\.ampproject\.org)\b`)

// lintSources refuses copies of pages as sources.
func (l *linter) lintSources() {
	for _, f := range l.d.Facts() {
		if at := copiedBy.FindStringSubmatch(f.Fact.Source); at != nil {
			l.r.add(f.Path, "source-copy", at[1])
		}
	}
}

// numberFormat accepts any text with one %d, which may have a width and leading zeros.
var numberFormat = regexp.MustCompile(`^[^%]*%(0[1-9][0-9]?)?d[^%]*$`)

type linter struct {
	d          *Definition
	registrars []Registrar
	trials     *trials // nil for a stored version: what it was taken with holds, and nobody could put it right any more
	r          *reporter
}

func (l *linter) lintValidity() {
	if l.d.Validity == nil {
		return
	}
	keys := map[string]bool{}
	for _, item := range l.d.Items {
		keys[item.ID] = true
	}
	l.lintReads(l.d.Validity.Months.expr, "validity.months", keys, "read-no-item")
}

// lintReads holds what an expression reads to what there is.
func (l *linter) lintReads(e *expression, path string, answers map[string]bool, missing Code) {
	if e == nil {
		return
	}
	for _, read := range e.reads {
		known, code := answers[read.key], missing
		switch read.root {
		case "resident":
			known, code = slices.Contains(residentKeys, read.key), "read-no-resident"
		case "family":
			known, code = slices.Contains(familyKeys, read.key), "read-no-family"
		}
		if !known {
			l.r.add(path, code, fmt.Sprintf("%s[%q]", read.root, read.key))
		}
	}
}

func (l *linter) lintCredential() {
	for lang, title := range map[Lang]string{JA: l.d.Credential.Title.JA, EN: l.d.Credential.Title.EN, Easy: l.d.Credential.Title.Easy} {
		for _, found := range itemPattern.FindAllStringSubmatch(title, -1) {
			if l.d.Item(found[1]) == nil {
				l.r.add("credential.title."+string(lang), "item-none", found[1])
			}
		}
	}
	for key, source := range l.d.Credential.Fields {
		item, isItem := strings.CutPrefix(source, "item.")
		known := slices.Contains(credentialSources, source) || strings.HasPrefix(source, literalPrefix)
		if isItem {
			known = l.d.Item(item) != nil
		}
		if !known {
			l.r.add("credential.fields."+key, "credential-nothing", source)
		}
	}
}

func (l *linter) lintOffers(path string, offers map[string]Offer) {
	for id, offer := range offers {
		p := l.d.Procedure(id)
		if p == nil {
			l.r.add(join(path, id), "offer-no-procedure")
			continue
		}
		if !offer.Online.IsZero() && !slices.Contains(p.Channels, ChannelOnline) {
			l.r.add(join(path, id)+".online", "offer-no-channel")
		}
		if !offer.Counter.IsZero() && !slices.Contains(p.Channels, ChannelCounter) {
			l.r.add(join(path, id)+".counter", "offer-no-channel")
		}
	}
}

func (l *linter) lintPattern(p *RegisterPattern, at string) {
	l.lintOffers(at+".procedures", p.Procedures)
	if !p.ClosedOn.IsZero() && p.ClosedOn.Before(p.OpensOn) {
		l.r.add(at+".closed_on", "days-swapped", "opens_on")
	}
}

// lintClasses holds the class of an entry to items that list their values.
func (l *linter) lintClasses() {
	if l.d.Classes == nil {
		return
	}
	for i, id := range l.d.Classes.Items {
		item, at := l.d.Item(id), fmt.Sprintf("classes.items[%d]", i)
		switch {
		case item == nil:
			l.r.add(at, "item-none", id)
		case len(item.Options) == 0:
			l.r.add(at, "class-no-values", id)
		}
	}
}

// lintRow holds statements about the whole qualification together.
func (l *linter) lintRow() {
	for _, p := range l.d.Procedures {
		if p.Effect == EffectRenew && l.d.Validity == nil {
			l.r.add(procedurePath(&p)+".effect", "renewal-no-term", "validity")
		}
	}
}

func (l *linter) knowsRegistrar(id string) bool {
	return l.registrars == nil || slices.ContainsFunc(l.registrars, func(g Registrar) bool { return g.ID == id })
}

// keeps tells whether a body keeps a register of this qualification.
func (l *linter) keeps(id string) bool {
	return l.registrars == nil || slices.ContainsFunc(l.d.Registers, func(g Register) bool { return g.Registrar == id })
}

func (l *linter) lintRegistrarList(path string, list []string) {
	for i, id := range list {
		if !l.keeps(id) {
			l.r.add(fmt.Sprintf("%s[%d]", path, i), "registrar-keeps-none", id)
		}
	}
}

func (l *linter) lintProcedure(p *Procedure) {
	l.lintForm(p)
	l.lintReach(p)
	l.lintEvidence(p)
	l.lintPasser(p)
	l.lintChecks(p)
	l.lintReasons(p)
	l.lintFees(p)
	l.lintRoutes(p)
}

func (l *linter) lintEvidence(p *Procedure) {
	keys := answerKeys(p)
	for i := range p.Evidence {
		e := &p.Evidence[i]
		at := fmt.Sprintf("%s.evidence[%s]", procedurePath(p), e.ID)
		l.lintReads(e.when, at+".when", keys, "read-no-answer")
		if e.Replaces != "" && !slices.Contains(p.Inquiries, e.Replaces) {
			l.r.add(at+".replaces", "inquiry-none", registryName(e.Replaces))
		}
		if p.Field(e.ID) != nil {
			l.r.add(at, "document-id-taken")
		}
	}
}

func (l *linter) lintPasser(p *Procedure) {
	if p.Passer == nil {
		return
	}
	for particular, id := range p.Passer.Fields {
		if p.Field(id) == nil {
			l.r.add(procedurePath(p)+".passer.fields."+particular, "field-none", id)
		}
	}
}

func (l *linter) lintChecks(p *Procedure) {
	machines := map[string]bool{}
	for i := range p.Checks {
		c := &p.Checks[i]
		at := fmt.Sprintf("%s.checks[%s]", procedurePath(p), c.ID)
		if c.Evidence != "" && !hasEvidence(p, c.Evidence) {
			l.r.add(at+".evidence", "document-none", c.Evidence)
		}
		if c.Machine != "" && machines[c.Machine] {
			l.r.add(at+".machine", "check-twice", c.Machine)
		}
		machines[c.Machine] = true
		l.lintMachine(p, c, at+".machine")
	}
	for _, inquiry := range p.Inquiries {
		if !machines[inquiry] {
			l.r.add(procedurePath(p)+".checks", "check-no-inquiry", registryName(inquiry))
		}
	}
	if !machines["signature"] {
		l.r.add(procedurePath(p)+".checks", "check-no-signature")
	}
	if len(l.d.Base) > 0 && p.Effect == EffectRegister && !machines["base"] {
		l.r.add(procedurePath(p)+".checks", "check-no-base")
	}
}

func (l *linter) lintMachine(p *Procedure, c *Check, path string) {
	switch c.Machine {
	case InquiryResident, InquiryFamily:
		if !slices.Contains(p.Inquiries, c.Machine) {
			l.r.add(path, "inquiry-none", registryName(c.Machine))
		}
	case "passer":
		if p.Passer == nil {
			l.r.add(path, "check-no-passer")
		}
	case "base":
		if len(l.d.Base) == 0 || p.Effect != EffectRegister {
			l.r.add(path, "check-base-missing")
		}
	case "payment":
		if len(p.Fees) == 0 {
			l.r.add(path, "check-no-fee")
		}
	case "evidence":
		if len(p.Evidence) == 0 {
			l.r.add(path, "check-no-documents")
		}
	}
}

// registryName names the registry that an inquiry asks.
func registryName(inquiry string) Saying {
	if inquiry == InquiryFamily {
		return Say("registry-family")
	}
	return Say("registry-resident")
}

func hasEvidence(p *Procedure, id string) bool {
	return slices.ContainsFunc(p.Evidence, func(e Evidence) bool { return e.ID == id })
}

func (l *linter) lintReasons(p *Procedure) {
	for i := range p.Reasons {
		n := &p.Reasons[i]
		at := fmt.Sprintf("%s.reasons[%s]", procedurePath(p), n.Code)
		if n.Item != "" && p.Field(n.Item) == nil && !hasEvidence(p, n.Item) {
			l.r.add(at+".item", "reason-item", n.Item)
		}
		if !n.Correct && !n.Reject {
			l.r.add(at, "reason-nowhere")
		}
	}
}
