package casetest

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/internal/registry"
	"akashi/qualifications"
)

// Opened loads the usual definitions and those that extend a base, the coming versions among them, with the planned registers
// of the base open.
func Opened(t testing.TB, base string) *qualification.Catalogue {
	t.Helper()
	all := must(qualification.ReadFiles(qualifications.Files))(t)
	files := must(qualtest.Some(all, append(must(qualtest.Extending(all, base))(t), usual...)...))(t)
	text := string(files[base])
	open := strings.ReplaceAll(text, "rollout: planned}", "rollout: open, opens_on: 2026-04-01}")
	if open == text {
		t.Fatalf("%s has no planned register", base)
	}
	files[base] = []byte(open)
	return must(qualification.LoadFiles(files))(t)
}

// Held is an entry that a test gives to a person.
type Held struct {
	Register   string
	Ordinal    int64             // the number as its series counts it
	Items      map[string]string // what the class is made of; the name and the birth date are those of the person's card
	ValidUntil calendar.Date     // zero: without a term
}

// Give takes a line of an old register over and ties it to a person, as if it had been linked long ago. It returns the id
// of the entry.
func (w *World) Give(t testing.TB, a application.Applicant, h Held) (id uuid.UUID) {
	t.Helper()
	ctx := t.Context()
	reg, _ := w.Catalogue.Register(h.Register)
	def, ok := w.Catalogue.Filing(reg.Qualification, w.Today())
	if !ok {
		t.Fatalf("no qualification %s", reg.Qualification)
	}
	facts := map[string]string{"name": a.Card.Name.Full(), "name_kana": a.Card.NameKana.Full(), "birth_date": a.Card.BirthDate.String()}
	for k, v := range h.Items {
		facts[k] = v
	}
	number := def.FormatNumber(h.Ordinal, facts)
	check(t, w.DB.As(pg.RoleWorker).InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		_, err := registry.Import(ctx, tx, registry.Old{RegisterID: reg.ID, RegistrarID: reg.Registrar, Number: number, Series: def.Series(facts),
			Ordinal: h.Ordinal, RegisteredOn: w.Today().AddDays(-1000), Facts: facts, Class: def.Class(facts), ValidUntil: h.ValidUntil})
		return err
	}))
	ref := w.RefAt(a, reg.Registrar)
	check(t, w.DB.Superuser().QueryRow(ctx, `update entry set person_ref = $3 where register_id = $1 and number = $2 returning id`,
		reg.ID, number, ref).Scan(&id))
	_, err := w.DB.Superuser().Exec(ctx, `insert into holding (person_id, register_id, entry_id, person_ref, linked_at) values ($1, $2, $3, $4, $5)`,
		a.ID, reg.ID, id, ref, w.Clock.Now())
	check(t, err)
	return id
}
