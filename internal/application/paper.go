package application

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Teller is a member of staff at the counter of a registrar, who enters what came on paper.
type Teller struct {
	Staff account.Staff
	Body  string
}

func (t Teller) actor() audit.Actor {
	role, _ := t.Staff.RoleFor(t.Body, account.CaseIntake)
	return audit.Actor{Kind: audit.ActorStaff, ID: t.Staff.ID.String(), Role: string(role), Body: t.Body}
}

// Receipt is what staff saw of a round that came on paper: answers to ReceiptForm.
type Receipt struct {
	Round   int
	Answers qualification.Answers
	Staff   uuid.UUID // who saw it
	At      time.Time
}

// Pages of ReceiptForm. A correction has the first alone.
const (
	ReceiptPaper     = "paper"     // when it came in, about which entry, who has signed it
	ReceiptApplicant = "applicant" // who applies, as on the paper
	ReceiptIdentity  = "identity"  // how staff know that it is them
	ReceiptPayment   = "payment"   // what was paid, where something is due
)

// Fields of ReceiptForm that rules look at.
const (
	fieldReceived     = "received_on"
	fieldEntry        = "entry_number"
	fieldIdentity     = "identity"
	fieldIdentityNote = "identity_note"
	fieldPaidBy       = "paid_by"
	fieldPaidAmount   = "paid_amount"
	fieldPaidNote     = "paid_note"
)

// other is the option of ReceiptForm that wants words; unpaid the one for a paper with which nothing was paid.
const (
	other  = "other"
	unpaid = "none"
)

// Day is the day on which the paper came in, zero when it was not typed yet.
func (r *Receipt) Day() calendar.Date {
	day, err := calendar.ParseISO(r.Answers.Values[fieldReceived])
	if err != nil {
		return calendar.Date{}
	}
	return day
}

// Paid is how much was paid by stamps, receipt or money that staff have seen, in yen, and 0 when nothing was.
func (r *Receipt) Paid() int64 {
	if r.Answers.Values[fieldPaidBy] == unpaid {
		return 0
	}
	var n int64
	for _, c := range r.Answers.Values[fieldPaidAmount] {
		if c >= '0' && c <= '9' && n < 1e12 {
			n = n*10 + int64(c-'0')
		}
	}
	return n
}

// particulars are who applies, as typed.
func (r *Receipt) particulars() person.Particulars {
	v := r.Answers.Values
	birth, err := calendar.ParseISO(v["birth_date"])
	if err != nil {
		birth = calendar.Date{}
	}
	return person.Particulars{Name: person.Name{Family: v["name.family"], Given: v["name.given"]},
		NameKana: person.Name{Family: v["name_kana.family"], Given: v["name_kana.given"]}, BirthDate: birth, Sex: person.Sex(v["sex"]), Address: v["address"]}
}

// document is the receipt in the frozen content.
func (r *Receipt) document(t *Teller) *DocumentPaper {
	return &DocumentPaper{Body: t.Body, Staff: t.Staff.ID.String(), StaffNumber: t.Staff.Subject, ReceivedOn: r.Day().String(),
		Signature: SignedOnPaper, Record: r.Answers.Values}
}

// Receipt returns the receipt of the round that is being entered, nil when there is none yet.
func (v *View) Receipt() *Receipt {
	i := slices.IndexFunc(v.Receipts, func(r Receipt) bool { return r.Round == v.Case.Round })
	if i < 0 {
		return nil
	}
	return &v.Receipts[i]
}

// EvidencePaper is the document of every round that came on paper: the scanned paper itself.
const EvidencePaper = "paper_form"

// paperEvidence is the scanned paper as a document. Its pages can be one file or several.
func paperEvidence() *qualification.Evidence {
	return &qualification.Evidence{ID: EvidencePaper, Required: true, MaxFiles: 10,
		Label: text("紙の申請書の写し", "The scanned paper", "{紙|かみ}の {申請書|しんせいしょ}の {写|うつ}し"),
		Hint:  text("届いた申請書をスキャンしたものです。署名または記名押印が読めるようにしてください。", "A scan of what came in. The signature, or name and seal, must be legible.", "とどいた {紙|かみ}を スキャンして ください。")}
}

// DocumentOf returns a document of a procedure, the scanned paper among them, or nil.
func DocumentOf(p *qualification.Procedure, id string) *qualification.Evidence {
	if id == EvidencePaper {
		return paperEvidence()
	}
	if p == nil {
		return nil
	}
	return p.Document(id)
}

// QueueReceipts adds the query for what staff saw of a case that came on paper, first round first.
func QueueReceipts(b *pg.Batch, c *Case, out *[]Receipt) {
	if !c.OnPaper() {
		return
	}
	pg.Read(b, out, c.reading("receipts"), `
		select round, answers, staff_id, at from paper_receipt
		 where register_id = $1 and application_id = $2 order by round`, c.RegisterID, c.ID)
}

// QueueHands adds the query for who has had a hand in entering a case that came on paper.
func QueueHands(b *pg.Batch, c *Case, out *[]uuid.UUID) {
	if !c.OnPaper() {
		return
	}
	pg.ReadBy(b, out, pgx.RowTo[uuid.UUID], c.reading("tellers"), `
		select staff_id from paper_hand where register_id = $1 and application_id = $2`, c.RegisterID, c.ID)
}

// oldest is how many days a paper may have lain before it is entered: a longer time is a slip of the pen.
const oldest = 365

// checkReceipt validates pages of the receipt and returns its answers with their values. due is what the paper has to be paid
// with, in yen.
func checkReceipt(form *qualification.Procedure, pages []string, a qualification.Answers, due int64, now time.Time) (qualification.Answers, []qualification.Problem, error) {
	f := qualification.Facts{Channel: qualification.ChannelCounter, On: now}
	var problems []qualification.Problem
	for i := range form.Groups {
		g := &form.Groups[i]
		if !slices.Contains(pages, g.ID) || g.ID == ReceiptPayment && due == 0 {
			continue
		}
		next, wrong, err := form.Validate(g, a, f)
		if err != nil {
			return a, nil, err
		}
		a, problems = next, append(problems, wrong...)
		if len(wrong) == 0 {
			problems = append(problems, receiptRules(form, g.ID, a.Values, now)...)
		}
	}
	return a, problems, nil
}

// receiptRules are what the answers of a page must fulfil together.
func receiptRules(form *qualification.Procedure, page string, v map[string]string, now time.Time) []qualification.Problem {
	var out []qualification.Problem
	missing := func(field string) {
		f := form.Field(field)
		out = append(out, qualification.Problem{Input: f.Inputs()[0], Field: field, Message: f.Empty})
	}
	switch page {
	case ReceiptPaper:
		if day, err := calendar.ParseISO(v[fieldReceived]); err == nil && day.Before(calendar.Of(now).AddDays(-oldest)) {
			out = append(out, qualification.Problem{Input: fieldReceived + ".year", Field: fieldReceived, Message: tooOld})
		}
	case ReceiptIdentity:
		if v[fieldIdentity] == other && v[fieldIdentityNote] == "" {
			missing(fieldIdentityNote)
		}
	case ReceiptPayment:
		if v[fieldPaidBy] != unpaid && v[fieldPaidAmount] == "" {
			missing(fieldPaidAmount)
		}
		if v[fieldPaidBy] == other && v[fieldPaidNote] == "" {
			missing(fieldPaidNote)
		}
	}
	return out
}

// unseen lists what staff have not recorded yet of a round that came on paper.
func (v *View) unseen(now time.Time) ([]qualification.Problem, error) {
	if !v.Case.OnPaper() {
		return nil, nil
	}
	due, err := v.Due()
	if err != nil {
		return nil, err
	}
	r := v.Receipt()
	if r == nil {
		r = &Receipt{}
	}
	form := ReceiptForm(v.Procedure, v.Case.Round)
	_, problems, err := checkReceipt(form, receiptPages(form), r.Answers, due, now)
	for i := range problems {
		problems[i].Field = ReceiptField + problems[i].Field
	}
	return problems, err
}

// Recorded is how far the receipt of a round is.
type Recorded struct {
	Seen bool  // everything but the payment is recorded
	Due  int64 // what is due, in yen
	Paid bool  // it is recorded how that was paid, or that it was not
}

// Recorded tells how far the receipt of the round that is being entered is.
func (v *View) Recorded(now time.Time) (out Recorded, err error) {
	if out.Due, err = v.Due(); err != nil || v.Receipt() == nil {
		return out, err
	}
	form := ReceiptForm(v.Procedure, v.Case.Round)
	done := func(pages ...string) bool {
		var problems []qualification.Problem
		if err == nil {
			_, problems, err = checkReceipt(form, pages, v.Receipt().Answers, out.Due, now)
		}
		return err == nil && len(problems) == 0
	}
	out.Seen = done(ReceiptPaper, ReceiptApplicant, ReceiptIdentity)
	out.Paid = done(ReceiptPayment)
	return out, err
}

// ReceiptField begins the field of a problem that is about the receipt and not about the form.
const ReceiptField = "receipt:"

// receiptPages are the pages of a receipt's form.
func receiptPages(form *qualification.Procedure) []string {
	var out []string
	for i := range form.Groups {
		out = append(out, form.Groups[i].ID)
	}
	return out
}

// Due is what the first round costs, in yen; 0 for a correction.
func (v *View) Due() (int64, error) {
	if v.Case.Round > 0 {
		return 0, nil
	}
	lines, err := v.Procedure.FeeLines(v.Facts)
	return qualification.Total(lines), err
}
