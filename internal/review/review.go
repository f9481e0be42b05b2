// Package review is the work of a registrar's staff on submitted cases: the inbox, the machine's findings beside the
// reviewer's verdicts, itemised correction requests, a proposal by one person and the decision by another.
//
// What the machine finds is computed from stored facts each time a case is opened, by the pure function Examine, so that
// a reviewer never sees a stale result; the findings are written down when a decision is proposed. The approval, the
// register's entry, the credential's intent and the audit lines are one transaction: the Desk is given Enter, the later
// stages' part of it, by cmd.
package review

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/jtext"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Result is what the machine found for one check.
type Result string

// The results: nothing to say; in order; a person must look; contradicts; the answer is not there yet.
const (
	None      Result = "none"
	Pass      Result = "pass"
	Attention Result = "attention"
	Fail      Result = "fail"
	Pending   Result = "pending"
)

// Comparison puts what the applicant declared beside what a registry answered.
type Comparison struct {
	Item     string `json:"item"` // name | birth_date | sex | address | domicile
	Declared string `json:"-"`
	Official string `json:"-"`
	Tier     string `json:"tier"` // how they agree: exact | variant | ... | different
	Same     bool   `json:"same"`
}

// Finding is the machine's part of one check. Values stay out of what is stored with a decision.
type Finding struct {
	Check  string       `json:"check"`
	Result Result       `json:"result"`
	Code   string       `json:"code"` // message of the catalogue, "finding.<code>"
	Rows   []Comparison `json:"rows,omitempty"`
}

// Facts is everything that Examine looks at.
type Facts struct {
	Case        *application.Case
	Procedure   *qualification.Procedure
	Submissions []application.Submission
	Inquiries   []application.Inquiry
	Uploads     []application.Upload
	Order       *payment.Order
	Passer      *bool                    // nil: the procedure has no list of passers
	Entry       Finding                  // what the register says; see LookUp
	Bases       []application.BaseAnswer // what other registrars attest of the base licences
	On          calendar.Date
	Needed      []qualification.Evidence // documents that the case needs
	Receipts    []application.Receipt    // what staff saw of rounds that came on paper
	Lines       []payment.Line           // what is due
}

// Examine answers every check of the procedure that a machine can answer.
func Examine(f Facts) []Finding {
	out := make([]Finding, 0, len(f.Procedure.Checks))
	for _, c := range f.Procedure.Checks {
		finding := f.examine(c)
		finding.Check = c.ID
		out = append(out, finding)
	}
	return out
}

func (f Facts) examine(c qualification.Check) Finding {
	switch c.Machine {
	case "signature":
		return f.signature()
	case "resident":
		return f.resident()
	case "family":
		return f.family()
	case "passer":
		return f.passer()
	case "payment":
		return f.payment()
	case "evidence":
		return f.evidence(c)
	case "entry":
		return f.Entry
	case "base":
		return f.base()
	}
	return Finding{Result: None, Code: "human"}
}

func found(ok bool, pass, fail string) Finding {
	if ok {
		return Finding{Result: Pass, Code: pass}
	}
	return Finding{Result: Fail, Code: fail}
}

// signature compares the signer of the newest round with the declared particulars. The signature itself was verified
// before it was stored. A paper is signed by hand: no machine can tell, so a person looks at it.
func (f Facts) signature() Finding {
	switch {
	case len(f.Submissions) == 0:
		return Finding{Result: Attention, Code: "not_signed"}
	case f.Case.OnPaper():
		return Finding{Result: Attention, Code: "signed_on_paper"}
	}
	s := f.Submissions[len(f.Submissions)-1].Signer
	who := application.Declared(f.Case)
	rows := []Comparison{compareName(s.Name, s.NameAlt, who.Name), compareText("birth_date", who.BirthDate.String(), s.BirthDate.String())}
	return judged(rows, "signature_holds", "signer_differs")
}

// judged turns comparisons into a result: all agree, or a person must look.
func judged(rows []Comparison, pass, attention string) Finding {
	if slices.ContainsFunc(rows, func(c Comparison) bool { return !c.Same }) {
		return Finding{Result: Attention, Code: attention, Rows: rows}
	}
	return Finding{Result: Pass, Code: pass, Rows: rows}
}

func compareName(official, alt string, declared person.Name) Comparison {
	m := person.CompareName(official, alt, declared.Full())
	return Comparison{Item: "name", Declared: declared.Full(), Official: official, Tier: m.Tier.String(), Same: m.Tier == person.Exact}
}

func compareText(item, declared, official string) Comparison {
	c := Comparison{Item: item, Declared: declared, Official: official, Tier: "different"}
	switch {
	case declared == official:
		c.Tier, c.Same = "exact", true
	case jtext.SearchKey(declared) == jtext.SearchKey(official):
		c.Tier, c.Same = "variant", true
	}
	return c
}

// resident reads the resident registry's answer.
func (f Facts) resident() Finding {
	q := application.Latest(f.Inquiries, application.Resident)
	if open, yes := unanswered(q); yes {
		return open
	}
	switch *q.Class {
	case application.ResidentAlive, application.ResidentWithheld:
		who := application.Declared(f.Case)
		rows := []Comparison{compareName(q.Answer["name"], "", who.Name), compareText("birth_date", who.BirthDate.String(), q.Answer["birth_date"])}
		if who.Sex != "" {
			rows = append(rows, compareText("sex", string(who.Sex), q.Answer["sex"]))
		}
		if kana := who.NameKana.Full(); kana != "" && q.Answer["kana"] != "" {
			rows = append(rows, compareText("kana", kana, q.Answer["kana"]))
		}
		if found := judged(rows, "resident_matches", "resident_differs"); *q.Class == application.ResidentAlive || found.Result != Pass {
			return found
		}
		return Finding{Result: Attention, Code: "resident_withheld", Rows: rows}
	case application.ResidentDeceased:
		return Finding{Result: Fail, Code: "resident_deceased"}
	}
	return Finding{Result: Attention, Code: "resident_" + *q.Class}
}

func unanswered(q *application.Inquiry) (Finding, bool) {
	switch {
	case q == nil:
		return Finding{Result: None, Code: "not_asked"}, true
	case q.State == "waiting":
		return Finding{Result: Pending, Code: "asked"}, true
	case q.State == "failed" || q.Class == nil:
		return Finding{Result: Attention, Code: "not_answered"}, true
	}
	return Finding{}, false
}

// family reads the family register's answer: the domicile as declared, or a reason to look at a document.
func (f Facts) family() Finding {
	q := application.Latest(f.Inquiries, application.Family)
	if open, yes := unanswered(q); yes {
		return open
	}
	if *q.Class != application.FamilyDetermined {
		return Finding{Result: Attention, Code: "family_" + *q.Class}
	}
	var rows []Comparison
	if declared, asked := f.Case.Answers.Values["domicile"]; asked {
		rows = append(rows, compareText("domicile", declared, q.Answer["domicile"]))
	}
	return judged(rows, "family_matches", "family_differs")
}

func (f Facts) passer() Finding {
	if f.Passer == nil {
		return Finding{Result: Attention, Code: "no_passer_list"}
	}
	return found(*f.Passer, "passer_found", "passer_missing")
}

func (f Facts) payment() Finding {
	switch {
	case f.Case.OnPaper():
		return f.paidOnPaper()
	case f.Order == nil:
		return Finding{Result: Pass, Code: "nothing_to_pay"}
	case f.Order.State == payment.Paid:
		return Finding{Result: Pass, Code: "paid"}
	case f.Order.State == payment.RefundDue:
		return Finding{Result: Attention, Code: "refund_due"}
	case f.Order.State == payment.Refunded:
		return Finding{Result: Attention, Code: "refunded"}
	}
	return Finding{Result: Pending, Code: "not_paid"}
}

// paidOnPaper compares what is due with what staff saw paid. Another amount is for a person to judge.
func (f Facts) paidOnPaper() Finding {
	var due, paid int64
	for _, l := range f.Lines {
		due += l.Amount
	}
	if len(f.Receipts) > 0 {
		paid = f.Receipts[0].Paid()
	}
	switch {
	case due == 0:
		return Finding{Result: Pass, Code: "nothing_to_pay"}
	case paid == due:
		return Finding{Result: Pass, Code: "paid_on_paper"}
	case paid == 0:
		return Finding{Result: Attention, Code: "unpaid_on_paper"}
	}
	return Finding{Result: Attention, Code: "paid_otherwise"}
}

// base reads what the registrar of the base licence has attested: one entry in force is enough. Without an answer, since the
// register is not on the platform or the person has not linked the entry, a person looks at the document.
func (f Facts) base() Finding {
	found := Finding{Result: Attention, Code: "base_not_linked"}
	for _, b := range f.Bases {
		switch state := b.StateOn(f.On); state {
		case "registered":
			return Finding{Result: Pass, Code: "base_held"}
		default:
			found = Finding{Result: Fail, Code: "base_" + state}
		}
	}
	return found
}

// evidence tells whether the documents of a check, or all that are required, were handed in. What they say is for a
// person to read.
func (f Facts) evidence(c qualification.Check) Finding {
	for _, e := range f.Needed {
		if (c.Evidence == "" || c.Evidence == e.ID) && e.Required && !f.handedIn(e.ID) {
			return Finding{Result: Fail, Code: "document_missing"}
		}
	}
	if c.Evidence != "" && !f.handedIn(c.Evidence) {
		return Finding{Result: Pass, Code: "document_not_needed"}
	}
	return Finding{Result: Attention, Code: "document_to_read"}
}

func (f Facts) handedIn(id string) bool {
	return slices.ContainsFunc(f.Uploads, func(u application.Upload) bool { return u.EvidenceID == id })
}

// Verdict is what a reviewer found for one check.
type Verdict struct {
	Check   string
	Verdict string // ok | defect | not_applicable
	Reason  string // code of the definition, for a defect
	Note    string
	Staff   uuid.UUID
	At      time.Time
}

// Unsettled lists the required checks that stand in the way of a proposal to approve: the machine has no pass and no
// person has settled them, or a defect stands.
func Unsettled(p *qualification.Procedure, findings []Finding, verdicts []Verdict) []string {
	var out []string
	for _, c := range p.Checks {
		i := slices.IndexFunc(findings, func(f Finding) bool { return f.Check == c.ID })
		j := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.Check == c.ID })
		switch {
		case j >= 0 && verdicts[j].Verdict == "defect":
			out = append(out, c.ID)
		case !c.Required || j >= 0:
		case i < 0 || findings[i].Result != Pass:
			out = append(out, c.ID)
		}
	}
	return out
}

// Decided is a decision as the later stages receive it, inside the decision's transaction.
type Decided struct {
	Case       *application.Case // nil where no decision stands behind it but the one on the suspension that ends; see registry.Lifter
	Definition *qualification.Definition
	Procedure  *qualification.Procedure // nil for a measure of the office
	DecisionID uuid.UUID
	On         calendar.Date
}

// Enter changes the register as an approved decision says. The wiring composes it from the later stages.
type Enter func(ctx context.Context, tx *pg.Tx, d Decided) error

// LookUp adds the queries for what the register says about a case: whether the entry that it is about stands, or that there
// is none yet. What it returns tells, once the batch was sent.
// The wiring passes in registry.Examine, since the register is the later stage.
type LookUp func(b *pg.Batch, c *application.Case, p *qualification.Procedure) func() (Finding, error)

// Measures that an office can propose on an entry.
const (
	MeasureSuspend = "suspend"
	MeasureRevoke  = "revoke"
	MeasureRestore = "restore"
)

// MeasureUntil is the answer of a measure's case that names the last day of a suspension, in ISO form.
const MeasureUntil = "until"

// MeasureProcedure is the procedure id of a case that the office opens on an entry.
const MeasureProcedure = "measure"
