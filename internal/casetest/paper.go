package casetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
)

// Teller makes a member of staff for the counters of registrars, who stands at the first.
func (w *World) Teller(t testing.TB, subject string, bodies ...string) application.Teller {
	t.Helper()
	check(t, w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		id, err := account.SetStaff(t.Context(), tx, subject, "受付 "+subject, true)
		for _, body := range bodies {
			if err == nil {
				err = account.Give(t.Context(), tx, id, account.Grant{Body: body, Role: account.Intake}, "test")
			}
		}
		return err
	}))
	return application.Teller{Staff: must(account.ByLogin(t.Context(), w.DB.As(pg.RoleOffice), subject))(t), Body: bodies[0]}
}

// Received is what a teller types of the nurse's paper that came in on a day, with the number of an entry where one is asked.
func Received(day calendar.Date, number string) map[string]string {
	return map[string]string{
		"received_on.era": "", "received_on.year": fmt.Sprint(day.Year), "received_on.month": fmt.Sprint(int(day.Month)), "received_on.day": fmt.Sprint(day.Day),
		"signed_seen": "yes", "entry_number": number, "name.family": "見本", "name.given": "花子", "name_kana.family": "みほん", "name_kana.given": "はなこ",
		"birth_date.era": "", "birth_date.year": "2003", "birth_date.month": "4", "birth_date.day": "12", "sex": "2", "address": "東京都千代田区見本町一丁目1番1号",
		"identity": "driving_licence", "identity_note": "", "identity_seen": "yes",
	}
}

// Enter enters a paper of the nurse's at a counter and hands it in: its pages are filled with what is typed, by input, and drawn where
// nothing is. It returns the case.
func (w *World) Enter(t testing.TB, teller application.Teller, registerID, procedureID, number string, typed map[string]string) string {
	t.Helper()
	id, err := w.TryToEnter(t.Context(), rand.New(rand.NewPCG(1, 2)), teller, registerID, procedureID, number, typed)
	check(t, err)
	return id
}

// EnterCorrection answers a correction request on paper, with what is typed by input.
func (w *World) EnterCorrection(t testing.TB, teller application.Teller, id string, day calendar.Date, typed map[string]string) {
	t.Helper()
	ctx := t.Context()
	v, problems, err := w.Intake.Record(ctx, teller, id, []string{application.ReceiptPaper}, Received(day, ""))
	check(t, firstProblem(problems, err))
	for _, g := range must(v.Groups())(t) {
		_, problems, err := w.Intake.Save(ctx, teller, id, g.ID, typed)
		check(t, firstProblem(problems, err))
	}
	check(t, w.scan(ctx, teller, id))
	check(t, w.handIn(ctx, teller, id))
}

// Scanned adds every document that a paper still lacks.
func (w *World) Scanned(t testing.TB, teller application.Teller, id string) {
	t.Helper()
	check(t, w.scan(t.Context(), teller, id))
}

// TryToEnter is Enter for steps that run at the same time.
func (w *World) TryToEnter(ctx context.Context, r *rand.Rand, teller application.Teller, registerID, procedureID, number string, typed map[string]string) (string, error) {
	c, problems, err := w.Intake.Begin(ctx, teller, uuid.New(), registerID, procedureID, Received(calendar.Of(w.Clock.Now()), number))
	if err := firstProblem(problems, err); err != nil {
		return "", fmt.Errorf("beginning: %w", err)
	}
	v, err := w.Intake.View(ctx, teller, c.PublicID)
	if err != nil {
		return "", err
	}
	all := maps.Clone(typed)
	if all == nil {
		all = map[string]string{}
	}
	for input, value := range c.Answers.Raw { // what the receipt has filled in already
		if _, given := all[input]; !given {
			all[input] = value
		}
	}
	a, err := qualtest.Fill(r, v.Procedure, v.Facts, all)
	if err != nil {
		return "", err
	}
	f := v.Facts
	f.Answers = a.Values
	pages, err := v.Procedure.VisibleGroups(f)
	if err != nil {
		return "", err
	}
	for _, g := range pages {
		_, problems, err := w.Intake.Save(ctx, teller, c.PublicID, g.ID, a.Raw)
		if err := firstProblem(problems, err); err != nil {
			return "", fmt.Errorf("page %s: %w", g.ID, err)
		}
	}
	if err := w.scan(ctx, teller, c.PublicID); err != nil {
		return "", err
	}
	if err := w.paid(ctx, teller, c.PublicID); err != nil {
		return "", err
	}
	return c.PublicID, w.handIn(ctx, teller, c.PublicID)
}

// paid records that the paper bears stamps for what is due.
func (w *World) paid(ctx context.Context, teller application.Teller, id string) error {
	v, err := w.Intake.View(ctx, teller, id)
	if err != nil {
		return err
	}
	due, err := v.Due()
	if err != nil || due == 0 {
		return err
	}
	_, problems, err := w.Intake.Record(ctx, teller, id, []string{application.ReceiptPayment}, map[string]string{"paid_by": "stamps", "paid_amount": fmt.Sprint(due)})
	return firstProblem(problems, err)
}

func (w *World) scan(ctx context.Context, teller application.Teller, id string) error {
	v, err := w.Intake.View(ctx, teller, id)
	if err != nil {
		return err
	}
	missing, err := v.MissingDocuments()
	if err != nil {
		return err
	}
	for _, m := range missing {
		ref, err := w.Blobs.Put(ctx, bytes.NewReader(PNG), 1<<20)
		if err != nil {
			return err
		}
		if err := w.Intake.AddUpload(ctx, teller, id, strings.TrimPrefix(m.Field, "evidence:"), "写し.png", "image/png", blob.Ref(ref)); err != nil {
			return fmt.Errorf("scanning %s: %w", m.Field, err)
		}
	}
	return nil
}

func (w *World) handIn(ctx context.Context, teller application.Teller, id string) error {
	problems, err := w.Intake.Prepare(ctx, teller, id)
	if err := firstProblem(problems, err); err != nil {
		return fmt.Errorf("freezing: %w", err)
	}
	v, err := w.Intake.View(ctx, teller, id)
	if err != nil {
		return err
	}
	if _, err := w.Intake.HandIn(ctx, teller, id, v.Request.ID); err != nil {
		return fmt.Errorf("handing in: %w", err)
	}
	return nil
}

func firstProblem(problems []qualification.Problem, err error) error {
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("%s: %s", problems[0].Input, problems[0].Message.JA)
	}
	return err
}
