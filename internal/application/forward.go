package application

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/jtext"
	"akashi/internal/pg"
)

// The fixed parts of a hand-over note: that the form is complete, who the applicant is, that the documents are there.
const (
	PartFormat    = "format"
	PartIdentity  = "identity"
	PartDocuments = "documents"
)

// NoteParts lists the parts of a hand-over note in their order.
var NoteParts = []string{PartFormat, PartIdentity, PartDocuments}

// Results of a part: in order, or in order with something that the next body has to know.
const (
	PartOK     = "ok"
	PartRemark = "remark"
)

// NotePart is what a body found about one part.
type NotePart struct {
	Part   string `json:"part"`
	Result string `json:"result"`
	Note   string `json:"note,omitempty"`
}

// HandOverNote is what a body writes when it passes a case on (進達・申し送り).
type HandOverNote struct {
	Parts   []NotePart
	Remarks string
}

// HandOver is a note as it was written, with the receipt of the body that the case went to.
type HandOver struct {
	Stop       int
	From       string
	To         string
	Parts      []NotePart
	Remarks    string
	Staff      uuid.UUID
	At         time.Time
	ReceivedBy *uuid.UUID // nil until somebody there took the case up
	ReceivedAt *time.Time
}

// The limits of a note, in characters.
const (
	maxPartNote = 500
	maxRemarks  = 2000
)

// clean trims the note and holds it to its form: every part once, a remark with words.
func (n HandOverNote) clean() (HandOverNote, error) {
	out := HandOverNote{Remarks: strings.TrimSpace(jtext.CleanLines(n.Remarks))}
	if utf8.RuneCountInString(out.Remarks) > maxRemarks {
		return out, fault.New(fault.Invalid, "fault.note_remarks", "a hand-over note with too long remarks")
	}
	for _, id := range NoteParts {
		i := slices.IndexFunc(n.Parts, func(p NotePart) bool { return p.Part == id })
		if i < 0 {
			return out, fault.New(fault.Invalid, "fault.note_part", "a hand-over note without its part "+id)
		}
		p := NotePart{Part: id, Result: n.Parts[i].Result, Note: strings.TrimSpace(jtext.CleanLines(n.Parts[i].Note))}
		switch {
		case p.Result != PartOK && p.Result != PartRemark:
			return out, fault.New(fault.Invalid, "fault.note_part", "a hand-over note without a result for "+id)
		case p.Result == PartRemark && p.Note == "", utf8.RuneCountInString(p.Note) > maxPartNote:
			return out, fault.New(fault.Invalid, "fault.note_part_words", "a hand-over note with no or too many words for "+id)
		}
		out.Parts = append(out.Parts, p)
	}
	return out, nil
}

// Forwarding tells whether the item is a step on the way to the review.
func (w *WorkItem) Forwarding() bool { return w.Step == StepIntake || w.Step == StepForward }

// first tells which body begins with a case that was handed in, and with which step.
func (c *Case) first() (body, step string) {
	if len(c.Route) == 0 {
		return c.RegistrarID, StepReview
	}
	switch r := c.Route[c.Stop]; {
	case r.Step != StepIntake && r.Step != StepForward:
		return c.RegistrarID, StepReview
	case r.Body == c.RegistrarID:
		return r.Body, StepIntake
	default:
		return r.Body, StepForward
	}
}

// skipIntake begins the route of a case that came on paper where the paper is: at the registrar, whose staff have entered it. What
// lies before, the bodies through which the paper came, is done; and so is the registrar's own intake, which the entry is.
func (c *Case) skipIntake() {
	for c.OnPaper() && c.Stop < len(c.Route)-1 && (c.Route[c.Stop].Step == StepIntake || c.Route[c.Stop].Step == StepForward) {
		c.Stop++
	}
}

// enterRoute queues that a case comes to the first body of its route. From now on that body sees it.
func (c *Case) enterRoute(b *pg.Batch, tx *pg.Tx, due calendar.Date) {
	body, step := c.first()
	if step == StepReview {
		c.move(b, tx, InReview)
	} else {
		c.move(b, tx, Forwarding)
	}
	if body != c.BodyID {
		b.ExecOne("giving a case to the first body", `update application set body_id = $3 where register_id = $1 and id = $2`, c.RegisterID, c.ID, body)
		c.BodyID = body
	}
	c.openWork(b, tx, step, due)
}

// backToRegistrar queues that a forwarding body no longer sees the case.
func (c *Case) backToRegistrar(b *pg.Batch) {
	if c.BodyID != c.RegistrarID {
		b.ExecOne("taking a case from a forwarding body", `update application set body_id = registrar_id where register_id = $1 and id = $2`, c.RegisterID, c.ID)
		c.BodyID = c.RegistrarID
	}
}

// Elsewhere tells whether a forwarding body has the case, and not the registrar.
func (c *Case) Elsewhere() bool { return c.BodyID != c.RegistrarID }

// PassOn hands a case that a body has checked to the next body of its route, with a note. Afterwards the case is behind the
// other body's door: whoever calls it has recorded the act before.
func PassOn(ctx context.Context, tx *pg.Tx, c *Case, staff uuid.UUID, note HandOverNote) error {
	note, err := note.clean()
	if err != nil {
		return err
	}
	w, err := heldBy(ctx, tx, c, staff)
	if err != nil {
		return err
	}
	to := c.following()
	if c.State != Forwarding || to == "" {
		return fault.New(fault.Conflict, "fault.case_moved_on", "passing a case on that is not on its way")
	}
	var b pg.Batch
	c.moveWork(&b, tx, w, WorkDone, nil)
	b.Exec("writing a hand-over note", `
		insert into hand_over (register_id, application_id, stop, from_body, to_body, parts, remarks, staff_id, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.RegisterID, c.ID, c.Stop, c.BodyID, to, note.Parts, note.Remarks, staff, tx.Now)
	c.event(&b, tx, "passed_on", "staff", map[string]string{"from": c.BodyID, "to": to})
	c.notify(&b, tx, "passed_on")
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	var reached *string
	err = tx.QueryRow(ctx, `select pass_on($1, $2, $3, $4, $5)`, c.RegisterID, c.ID, pg.NewID(), int(c.ID[15])%countSlots, tx.Now).Scan(&reached)
	if err != nil {
		return fmt.Errorf("passing case %s on: %w", c.PublicID, err)
	}
	if reached == nil || *reached != to {
		return fault.New(fault.Conflict, "fault.case_moved_on", "passing a case on that the body does not hold")
	}
	c.BodyID = to
	return nil
}

// following is the body to which the case goes next, "" when its route does not say. The database finds it once more.
func (c *Case) following() string {
	for i := c.Stop; i < len(c.Route); i++ {
		if r := c.Route[i]; r.Body != c.BodyID || (r.Step != StepIntake && r.Step != StepForward) {
			return r.Body
		}
	}
	return ""
}

// Next is the body to which a forwarding body passes the case on, "" in another state.
func (c *Case) Next() string {
	if c.State != Forwarding {
		return ""
	}
	return c.following()
}

// Receive writes the receipt for the last hand-over, when the case came by one and nobody has taken it up yet.
func Receive(ctx context.Context, tx *pg.Tx, c *Case, staff uuid.UUID) error {
	if c.Stop == 0 {
		return nil
	}
	var b pg.Batch
	b.Exec("writing a receipt", `
		insert into hand_over_receipt (register_id, application_id, stop, body_id, staff_id, at)
		select register_id, application_id, stop, to_body, $3, $4 from hand_over
		 where register_id = $1 and application_id = $2 and to_body = $5
		 order by stop desc limit 1
		on conflict on constraint hand_over_receipt_pkey do nothing`, c.RegisterID, c.ID, staff, tx.Now, c.BodyID)
	return b.SendLater(ctx, tx)
}

// QueueHandOvers adds the query for the notes and receipts of a case, in their order.
func QueueHandOvers(b *pg.Batch, c *Case, out *[]HandOver) {
	if c.Stop == 0 {
		return
	}
	pg.ReadBy(b, out, pgx.RowToStructByPos[HandOver], c.reading("hand-over notes"), `
		select h.stop, h.from_body, h.to_body, h.parts, h.remarks, h.staff_id, h.at, r.staff_id, r.at
		  from hand_over h left join hand_over_receipt r on r.register_id = h.register_id and r.application_id = h.application_id and r.stop = h.stop
		 where h.register_id = $1 and h.application_id = $2 order by h.stop`, c.RegisterID, c.ID)
}
