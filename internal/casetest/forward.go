package casetest

import (
	"testing"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/pg"
	"akashi/internal/review"
)

// Forwarder returns an officer who takes cases in at every body and passes them on, without a body.
func (w *World) Forwarder(t testing.TB) review.Officer {
	t.Helper()
	ctx := t.Context()
	worker := w.DB.As(pg.RoleWorker)
	check(t, worker.Platform(ctx, func(tx *pg.Tx) error {
		id, err := account.SetStaff(ctx, tx, "forwarder", "経由 渡", true)
		if err != nil {
			return err
		}
		for _, g := range w.Catalogue.Registrars() {
			if err := account.Give(ctx, tx, id, account.Grant{Body: g.ID, Role: account.Intake}, "test"); err != nil {
				return err
			}
		}
		return nil
	}))
	return review.Officer{Staff: must(account.ByLogin(ctx, w.DB.As(pg.RoleOffice), "forwarder"))(t)}
}

// Note is a hand-over note in which everything is in order.
func Note() application.HandOverNote {
	n := application.HandOverNote{Remarks: "特記事項はありません。"}
	for _, id := range application.NoteParts {
		n.Parts = append(n.Parts, application.NotePart{Part: id, Result: application.PartOK})
	}
	return n
}
