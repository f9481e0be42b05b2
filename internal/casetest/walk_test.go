package casetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/payment"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/internal/registry"
	"akashi/internal/review"
	"akashi/internal/verification"
	"akashi/qualifications"
)

// together is how many walks are under way at once; the pools of a world are small.
const together = 4

// walk is a person's way through the procedures of one qualification at one register, one after the other.
type walk struct {
	w          *casetest.World
	def        *qualification.Definition
	register   *qualification.Register
	person     application.Applicant
	procedures []*qualification.Procedure
	reviewer   review.Officer
	approver   review.Officer
	forwarder  review.Officer      // of whichever body a case goes through
	teller     *application.Teller // who enters what comes on paper; nil online
	random     *rand.Rand
	typed      map[string]string // answers that are not drawn

	id    string // of the case that is under way
	err   error
	trail []string // what was done, for the message

	forwarded int // bodies that the cases have gone through
}

// TestEveryProcedureOfEveryDefinition takes generated answers through every procedure of every definition: apply, hand in
// documents, sign, pay, go through the forwarding bodies of the route, review, propose, decide, and look for the entry, the credential and its verification.
func TestEveryProcedureOfEveryDefinition(t *testing.T) {
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := qualtest.Opened(files)
	if err != nil {
		t.Fatal(err)
	}
	w := casetest.NewOf(t, cat)
	walks := walksOf(t, w)
	for round := range 12 {
		var due []*walk
		for _, k := range walks {
			if round < len(k.procedures) && k.err == nil {
				due = append(due, k)
			}
		}
		if len(due) == 0 {
			break
		}
		atOnce(due, func(k *walk) error { return k.apply(t.Context(), k.procedures[round]) })
		w.Work(t)
		atOnce(due, func(k *walk) error { return k.decide(t.Context()) })
		w.Work(t)
		atOnce(due, func(k *walk) error { return k.verify(t.Context(), k.procedures[round]) })
	}
	forwarded := map[string]bool{}
	for _, k := range walks {
		if k.forwarded > 0 {
			forwarded[k.def.ID] = true
		}
		t.Run(k.def.ID+"/"+k.procedures[0].ID, func(t *testing.T) {
			if k.err != nil {
				t.Errorf("%s: %v", strings.Join(k.trail, ", "), k.err)
			}
		})
	}
	if len(forwarded) < 10 { // most of those whose law names a forwarding body; those of nurses go directly online
		t.Errorf("only %d definitions went through a forwarding body: %v", len(forwarded), forwarded)
	}
}

// atOnce runs a step of several walks at the same time and keeps what went wrong with each.
func atOnce(walks []*walk, step func(*walk) error) {
	var group sync.WaitGroup
	free := make(chan struct{}, together)
	for _, k := range walks {
		if k.err != nil {
			continue
		}
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			k.err = step(k)
		})
	}
	group.Wait()
}

// walksOf plans a walk for each procedure that begins without an entry; the first goes on with those that need one, the
// cancellation last.
func walksOf(t *testing.T, w *casetest.World) (walks []*walk) {
	var bodies []string
	var papers []*walk
	for _, d := range w.Catalogue.List() {
		first := len(walks)
		register := &d.Registers[0]
		bodies = append(bodies, register.Registrar)
		var later []*qualification.Procedure
		for i := range d.Procedures {
			p := &d.Procedures[i]
			if p.Effect == qualification.EffectRegister && w.Catalogue.Offered(register.ID, p.ID, qualification.ChannelCounter, w.Today()) {
				papers = append(papers, &walk{w: w, def: d, register: register, procedures: []*qualification.Procedure{p}, teller: &application.Teller{}})
			}
			if !slices.Contains(p.Channels, qualification.ChannelOnline) {
				continue // on paper alone
			}
			if !w.Catalogue.Offered(register.ID, p.ID, qualification.ChannelOnline, w.Today()) {
				t.Errorf("%s of %s is not offered", p.ID, d.ID)
				continue
			}
			switch p.Effect {
			case qualification.EffectRegister, qualification.EffectLink:
				walks = append(walks, &walk{w: w, def: d, register: register, procedures: []*qualification.Procedure{p}})
			default:
				later = append(later, p)
			}
		}
		if len(walks) == first {
			t.Errorf("%s has no procedure that leads to an entry", d.ID)
			continue
		}
		slices.SortStableFunc(later, func(a, b *qualification.Procedure) int { return order(a) - order(b) })
		walks[first].procedures = append(walks[first].procedures, later...)
	}
	if len(papers) < 70 { // every registration whose definition knows paper and whose cost is known
		t.Errorf("only %d registrations are taken on paper", len(papers))
	}
	walks = append(walks, papers...)
	slices.Sort(bodies)
	bodies = slices.Compact(bodies)
	reviewer, approver := w.Staffed(t, bodies...)
	teller := w.Teller(t, "teller", bodies...)
	forwarder := w.Forwarder(t)
	for i, k := range walks {
		k.person = w.Another(t, fmt.Sprintf("walker-%d", i), casetest.Card())
		k.reviewer, k.approver, k.forwarder = reviewer, approver, forwarder
		k.reviewer.Body, k.approver.Body = k.register.Registrar, k.register.Registrar
		if k.teller != nil {
			*k.teller = application.Teller{Staff: teller.Staff, Body: k.register.Registrar}
		}
		k.random = rand.New(rand.NewPCG(uint64(i), 84))
	}
	return walks
}

func order(p *qualification.Procedure) int {
	if p.Effect == qualification.EffectCancel {
		return 1
	}
	return 0
}

// apply begins, fills, signs, hands in and pays.
func (k *walk) apply(ctx context.Context, p *qualification.Procedure) error {
	k.trail = append(k.trail, p.ID)
	if k.teller != nil {
		k.trail[0] += " on paper"
		var err error
		k.id, err = k.w.TryToEnter(ctx, k.random, *k.teller, k.register.ID, p.ID, "", nil)
		return err
	}
	if err := k.prepare(ctx, p); err != nil {
		return err
	}
	c, err := k.w.Desk.Start(ctx, k.person, k.register.ID, p.ID, "ja")
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	k.id = c.PublicID
	if err := k.fill(ctx, p); err != nil {
		return err
	}
	if err := k.sign(ctx); err != nil {
		return err
	}
	return k.pay(ctx)
}

// prepare makes what a procedure presupposes: for a renewal the end of a term, for a link an entry that nobody holds.
func (k *walk) prepare(ctx context.Context, p *qualification.Procedure) error {
	today := k.w.Today()
	switch p.Effect {
	case qualification.EffectRenew:
		_, err := k.w.DB.Superuser().Exec(ctx, `update entry set valid_until = $2 where register_id = $1 and person_ref = $3`, k.register.ID,
			today.AddDays(k.def.Validity.ClosesBefore), k.w.RefAt(k.person, k.register.Registrar))
		return err
	case qualification.EffectLink:
		return k.old(ctx, p, today)
	}
	return nil
}

// old takes over a line of an old register with the particulars of the person's card.
func (k *walk) old(ctx context.Context, p *qualification.Procedure, today calendar.Date) error {
	card := casetest.Card()
	facts := map[string]string{}
	for _, item := range k.def.Items {
		if len(item.Options) > 0 {
			facts[item.ID] = item.Options[0].Value
		}
	}
	facts["name"], facts["name_kana"], facts["birth_date"] = card.Name.Full(), card.NameKana.Full(), card.BirthDate.String()
	number := k.def.FormatNumber(777, facts)
	k.typed = map[string]string{}
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			if f.Kind == qualification.KindRegNumber {
				k.typed[f.ID] = number
			}
		}
	}
	return k.w.DB.As(pg.RoleWorker).InRegistrar(ctx, k.register.Registrar, func(tx *pg.Tx) error {
		_, err := registry.Import(ctx, tx, registry.Old{RegisterID: k.register.ID, RegistrarID: k.register.Registrar, Number: number,
			Series: k.def.Series(facts), Ordinal: 777, RegisteredOn: today.AddDays(-1000), Facts: facts, Class: k.def.Class(facts)})
		return err
	})
}

// fill answers every page and hands in every document that is asked for.
func (k *walk) fill(ctx context.Context, p *qualification.Procedure) error {
	v, err := k.w.Desk.View(ctx, k.person, k.id)
	if err != nil {
		return fmt.Errorf("reading the draft: %w", err)
	}
	a, err := qualtest.Fill(k.random, p, v.Facts, k.typed)
	if err != nil {
		return err
	}
	f := v.Facts
	f.Answers = a.Values
	pages, err := p.VisibleGroups(f)
	if err != nil {
		return err
	}
	for _, g := range pages {
		problems, err := k.w.Desk.SaveGroup(ctx, k.person, k.id, g.ID, a.Raw)
		if err != nil {
			return fmt.Errorf("saving the page %s: %w", g.ID, err)
		}
		if len(problems) > 0 {
			return fmt.Errorf("page %s: %s: %s", g.ID, problems[0].Input, problems[0].Message.JA)
		}
	}
	return k.upload(ctx)
}

func (k *walk) upload(ctx context.Context) error {
	v, err := k.w.Desk.View(ctx, k.person, k.id)
	if err != nil {
		return err
	}
	missing, err := v.MissingDocuments()
	if err != nil {
		return err
	}
	for _, m := range missing {
		ref, err := k.w.Blobs.Put(ctx, bytes.NewReader(casetest.PNG), 1<<20)
		if err != nil {
			return err
		}
		if err := k.w.Desk.AddUpload(ctx, k.person, k.id, strings.TrimPrefix(m.Field, "evidence:"), "見本.png", "image/png", blob.Ref(ref)); err != nil {
			return fmt.Errorf("handing in %s: %w", m.Field, err)
		}
	}
	return nil
}

func (k *walk) sign(ctx context.Context) error {
	problems, err := k.w.Desk.PrepareSigning(ctx, k.person, k.id)
	if err != nil {
		return fmt.Errorf("freezing: %w", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("freezing: %s: %s", problems[0].Input, problems[0].Message.JA)
	}
	v, err := k.w.Desk.View(ctx, k.person, k.id)
	if err != nil {
		return err
	}
	_, err = k.w.Desk.Submit(ctx, k.person, k.id, v.Request.ID, casetest.Sign(v.Request.Bytes), nil)
	if err != nil {
		return fmt.Errorf("handing in: %w", err)
	}
	return nil
}

// pay pays what is due, when something is.
func (k *walk) pay(ctx context.Context) error {
	v, err := k.w.Desk.View(ctx, k.person, k.id)
	if err != nil || v.Case.State != application.AwaitingPayment {
		return err
	}
	if _, err := k.w.Counter.Pay(ctx, k.person, k.id); err != nil {
		return fmt.Errorf("paying: %w", err)
	}
	d, err := k.w.Counter.Due(ctx, k.person, k.id)
	if err != nil {
		return fmt.Errorf("paying: %w", err)
	}
	if !k.w.Provider.Pay(d.Order.PublicID, k.w.Clock.Now()) {
		return fmt.Errorf("order %s could not be paid", d.Order.PublicID)
	}
	state, err := k.w.Counter.Returned(ctx, k.person, k.id)
	if err == nil && state != payment.Paid {
		err = fmt.Errorf("after paying the order is %s", state)
	}
	return err
}

// forward lets the bodies of the route check the case and pass it on, one after the other, until the registrar has it for
// the review. None of them can decide, and none sees the case once it has passed it on.
func (k *walk) forward(ctx context.Context) error {
	o, through := k.w.Office, 0
	for {
		v, err := k.w.Desk.View(ctx, k.person, k.id)
		if err != nil {
			return err
		}
		route := slices.IndexFunc(v.Case.Route, func(s qualification.Route) bool { return s.Step == "review" })
		if v.Case.State != application.Forwarding {
			if v.Case.Stop != route || v.Case.BodyID != k.register.Registrar {
				return fmt.Errorf("after %d bodies the case is at stop %d of %v, at %s", through, v.Case.Stop, v.Case.Route, v.Case.BodyID)
			}
			k.forwarded += through
			return nil
		}
		k.forwarder.Body = v.Case.BodyID
		if err := o.Take(ctx, k.reviewer, k.id); !errors.Is(err, fault.NotFound) && v.Case.Elsewhere() {
			return fmt.Errorf("the registrar takes a case that %s has: %w", v.Case.BodyID, err)
		}
		if err := o.Take(ctx, k.forwarder, k.id); err != nil {
			return fmt.Errorf("taking the case at %s: %w", v.Case.BodyID, err)
		}
		if _, err := o.Open(ctx, k.forwarder, k.id, "procedure"); err != nil {
			return fmt.Errorf("opening the case at %s: %w", v.Case.BodyID, err)
		}
		if err := o.PassOn(ctx, k.forwarder, k.id, casetest.Note()); err != nil {
			return fmt.Errorf("passing the case on at %s: %w", v.Case.BodyID, err)
		}
		if _, err := o.Open(ctx, k.forwarder, k.id, "procedure"); !errors.Is(err, fault.NotFound) && v.Case.Elsewhere() {
			return fmt.Errorf("%s sees a case that it has passed on: %w", v.Case.BodyID, err)
		}
		through++
	}
}

// decide settles every check, proposes the approval and has the second person agree.
func (k *walk) decide(ctx context.Context) error {
	if k.teller == nil { // the bodies on the way have had the paper before it was entered
		if err := k.forward(ctx); err != nil {
			return err
		}
	}
	o := k.w.Office
	if err := o.Take(ctx, k.reviewer, k.id); err != nil {
		return fmt.Errorf("taking the case for review: %w", err)
	}
	v, err := o.Open(ctx, k.reviewer, k.id, "procedure")
	if err != nil {
		return fmt.Errorf("opening the case: %w", err)
	}
	var settled []review.Verdict
	for _, c := range v.Unsettled {
		settled = append(settled, review.Verdict{Check: c, Verdict: "ok"})
	}
	if err := o.SaveVerdicts(ctx, k.reviewer, k.id, settled); err != nil {
		return fmt.Errorf("settling the checks: %w", err)
	}
	if err := o.Propose(ctx, k.reviewer, k.id, review.Proposal{Outcome: "approve"}); err != nil {
		return fmt.Errorf("proposing: %w", err)
	}
	if err := o.Take(ctx, k.approver, k.id); err != nil {
		return fmt.Errorf("taking the case for the decision: %w", err)
	}
	if err := o.Decide(ctx, k.approver, k.id, review.Agree, ""); err != nil {
		return fmt.Errorf("deciding: %w", err)
	}
	return nil
}

// verify compares the case, the entry, the credential and what a verifier learns with what the procedure is for.
func (k *walk) verify(ctx context.Context, p *qualification.Procedure) error {
	if k.teller != nil {
		return k.verifyPaper(ctx, p)
	}
	v, err := k.w.Desk.View(ctx, k.person, k.id)
	if err != nil {
		return err
	}
	if v.Case.State != application.Registered {
		return fmt.Errorf("the case ended %s", v.Case.State)
	}
	held, err := k.w.Wallet.List(ctx, k.person)
	if err != nil || len(held) != 1 {
		return fmt.Errorf("%d entries are held, want 1: %w", len(held), err)
	}
	h := held[0]
	if living := p.Effect != qualification.EffectCancel; h.Entry.State.Living() != living {
		return fmt.Errorf("the entry is %s", h.Entry.State)
	}
	if err := k.compareTerm(p, &h.Entry); err != nil {
		return err
	}
	return k.check(ctx, p, h)
}

// verifyPaper finds the entry that a paper has led to: nobody holds it, and its credential is as good as any.
func (k *walk) verifyPaper(ctx context.Context, p *qualification.Procedure) error {
	var h credential.Held
	err := k.w.DB.Superuser().QueryRow(ctx, `
		select e.id, e.state, e.registered_on, e.facts from entry e
		  join entry_history i on i.register_id = e.register_id and i.entry_id = e.id
		  join application a on a.register_id = i.register_id and a.id = i.application_id
		 where a.public_id = $1 and a.state = 'registered' and e.person_ref is null`, k.id).
		Scan(&h.Entry.ID, &h.Entry.State, &h.Entry.RegisteredOn, &h.Entry.Facts)
	if err != nil {
		return fmt.Errorf("finding the entry: %w", err)
	}
	issued, err := credential.OfEntry(ctx, k.w.Office.DB, k.register.Registrar, k.register.ID, h.Entry.ID)
	if err != nil {
		return err
	}
	if len(issued) > 0 {
		h.Credential = &issued[0]
	}
	return k.check(ctx, p, h)
}

// compareTerm holds the end of an entry to its term.
func (k *walk) compareTerm(p *qualification.Procedure, e *registry.Entry) error {
	from := e.RegisteredOn
	switch p.Effect {
	case qualification.EffectRenew:
		from = k.w.Today().AddDays(k.def.Validity.ClosesBefore + 1)
	case qualification.EffectRegister:
	default:
		return nil
	}
	want, err := k.def.ExpiresOn(e.Facts, from)
	if err != nil || e.ValidUntil != want {
		return fmt.Errorf("the entry is valid until %s, want %s (%w)", e.ValidUntil, want, err)
	}
	return nil
}

// check scans the credential.
func (k *walk) check(ctx context.Context, p *qualification.Procedure, h credential.Held) error {
	registrar, _ := k.w.Catalogue.Registrar(k.register.Registrar)
	if !registrar.Has(qualification.FunctionCredential) {
		if h.Credential != nil {
			return fmt.Errorf("%s has no credentials, and one was issued", registrar.ID)
		}
		return nil
	}
	if h.Credential == nil || h.Credential.Signature == nil {
		return fmt.Errorf("no credential was signed")
	}
	url, err := h.Credential.URL("https://check.example/w/")
	if err != nil {
		return err
	}
	want := verification.Valid
	if p.Effect == qualification.EffectCancel {
		want = verification.Revoked
	}
	if r := k.w.Verifier.CheckText(ctx, url); r.Verdict != want {
		return fmt.Errorf("the credential is %s, want %s", r.Verdict, want)
	}
	return nil
}
