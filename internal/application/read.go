package application

import (
	"context"

	"akashi/internal/pg"
)

// Papers is what a page or a decision reads of a case, in one round trip: each list that is not nil is filled.
type Papers struct {
	Work        *[]WorkItem // the active one, or none
	Uploads     *[]Upload
	Corrections *[]Correction
	Submissions *[]Submission
	Inquiries   *[]Inquiry
	Events      *[]Event
}

// Queue adds the queries. What the case cannot have in its state is not asked for.
func (p Papers) Queue(b *pg.Batch, c *Case) {
	if p.Work != nil {
		queueWork(b, c, p.Work)
	}
	if p.Uploads != nil {
		queueUploads(b, c, p.Uploads)
	}
	if p.Corrections != nil && c.Round > 0 {
		queueCorrections(b, c, p.Corrections)
	}
	if p.Submissions != nil && c.State.Submitted() {
		queueSubmissions(b, c, p.Submissions)
	}
	if p.Inquiries != nil {
		queueInquiries(b, c, p.Inquiries)
	}
	if p.Events != nil {
		queueEvents(b, c, p.Events)
	}
}

// alone sends one query by itself.
func alone[T any](ctx context.Context, tx *pg.Tx, queue func(*pg.Batch, *[]T)) (out []T, err error) {
	var b pg.Batch
	queue(&b, &out)
	return out, b.Send(ctx, tx.Tx)
}

// first returns the first of what was found, nil when nothing was.
func first[T any](found []T) *T {
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

func (c *Case) reading(what string) string { return "reading the " + what + " of case " + c.PublicID }

// Uploads reads the documents of a case that have not been removed, oldest first.
func Uploads(ctx context.Context, tx *pg.Tx, c *Case) ([]Upload, error) {
	return alone(ctx, tx, func(b *pg.Batch, out *[]Upload) { queueUploads(b, c, out) })
}

func queueUploads(b *pg.Batch, c *Case, out *[]Upload) {
	pg.Read(b, out, c.reading("documents"), `
		select id, evidence_id, round, sha256, size, media, name, uploaded_at
		  from upload
		 where register_id = $1 and application_id = $2 and removed_at is null
		 order by uploaded_at, id`, c.RegisterID, c.ID)
}

// Corrections reads the correction requests of a case, first round first.
func Corrections(ctx context.Context, tx *pg.Tx, c *Case) ([]Correction, error) {
	return alone(ctx, tx, func(b *pg.Batch, out *[]Correction) { queueCorrections(b, c, out) })
}

func queueCorrections(b *pg.Batch, c *Case, out *[]Correction) {
	pg.Read(b, out, c.reading("corrections"), `
		select round, origin, items, due_on, requested_at, answered_at
		  from correction
		 where register_id = $1 and application_id = $2
		 order by round`, c.RegisterID, c.ID)
}

// Submissions reads the signed rounds of a case, first round first.
func Submissions(ctx context.Context, tx *pg.Tx, c *Case) ([]Submission, error) {
	return alone(ctx, tx, func(b *pg.Batch, out *[]Submission) { queueSubmissions(b, c, out) })
}

func queueSubmissions(b *pg.Batch, c *Case, out *[]Submission) {
	pg.Read(b, out, c.reading("submissions"), `
		select round, bytes, digest, cms, signer, submitted_at
		  from submission
		 where register_id = $1 and application_id = $2
		 order by round`, c.RegisterID, c.ID)
}

// Inquiries reads the questions of a case in the order they were asked.
func Inquiries(ctx context.Context, tx *pg.Tx, c *Case) ([]Inquiry, error) {
	return alone(ctx, tx, func(b *pg.Batch, out *[]Inquiry) { queueInquiries(b, c, out) })
}

func queueInquiries(b *pg.Batch, c *Case, out *[]Inquiry) {
	pg.Read(b, out, c.reading("inquiries"), `
		select id, round, system, state, class, answer, source, asked_at, answered_at, tries from inquiry
		 where register_id = $1 and application_id = $2 order by asked_at, id`, c.RegisterID, c.ID)
}

// Events reads the timeline of a case, oldest first.
func Events(ctx context.Context, tx *pg.Tx, c *Case) ([]Event, error) {
	return alone(ctx, tx, func(b *pg.Batch, out *[]Event) { queueEvents(b, c, out) })
}

func queueEvents(b *pg.Batch, c *Case, out *[]Event) {
	pg.Read(b, out, c.reading("timeline"), `
		select at, kind, actor, detail from case_event
		 where register_id = $1 and application_id = $2 order by at, id`, c.RegisterID, c.ID)
}

// ActiveWork reads the item that is not done, or nil.
func ActiveWork(ctx context.Context, tx *pg.Tx, c *Case) (*WorkItem, error) {
	found, err := alone(ctx, tx, func(b *pg.Batch, out *[]WorkItem) { queueWork(b, c, out) })
	return first(found), err
}

func queueWork(b *pg.Batch, c *Case, out *[]WorkItem) {
	pg.Read(b, out, c.reading("work item"), `
		select id, body_id, step, state, assignee, due
		  from work_item
		 where register_id = $1 and application_id = $2 and state <> 'done'`, c.RegisterID, c.ID)
}

// queueOutcome reads the final decision of a case that has one.
func queueOutcome(b *pg.Batch, c *Case, out *[]Outcome) {
	if c.State == Registered || c.State == Rejected {
		pg.Read(b, out, c.reading("decision"), `
			select outcome, reasons, decided_at from decision
			 where register_id = $1 and application_id = $2 and outcome in ('approved', 'rejected')`, c.RegisterID, c.ID)
	}
}

// queueRequest reads the frozen content of a case that waits for its signature.
func queueRequest(b *pg.Batch, c *Case, out *[]SignRequest) {
	if c.State == Signing || c.State == CorrectionSigning {
		pg.Read(b, out, c.reading("frozen content"), `
			select id, round, bytes, digest, transaction_id, state from sign_request
			 where register_id = $1 and application_id = $2 and state = 'open' order by created_at desc limit 1`, c.RegisterID, c.ID)
	}
}
