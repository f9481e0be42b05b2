package registry_test

import (
	"errors"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/registry"
)

func old(number string, ordinal int64) registry.Old {
	return registry.Old{RegisterID: "kangoshi.mhlw", RegistrarID: "mhlw", Number: number, Series: "main", Ordinal: ordinal,
		RegisteredOn: calendar.Date{Year: 1999, Month: 4, Day: 1},
		Facts:        map[string]string{"name": "例示　結子", "name_kana": "レイジ　ユイコ", "birth_date": "1975-05-05", "domicile": "41"}}
}

// An imported line is found, has its history, belongs to nobody, and the series goes on after it; once again is nothing.
func TestImport(t *testing.T) {
	w := casetest.New(t)
	db, ctx := w.DB.As(pg.RoleWorker), t.Context()
	for _, c := range []struct {
		old  registry.Old
		want bool
	}{{old("700001", 700001), true}, {old("700001", 700001), false}, {old("600000", 600000), true}} {
		err := db.InRegistrar(ctx, "mhlw", func(tx *pg.Tx) error {
			done, err := registry.Import(ctx, tx, c.old)
			if done != c.want {
				t.Errorf("importing %s: %v, want %v", c.old.Number, done, c.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var entries, lines, next int64
	var held bool
	err := w.DB.Superuser().QueryRow(ctx, `select (select count(*) from entry where person_ref is null),
		(select count(*) from entry_history where act = 'import'), (select next from numbering where register_id = 'kangoshi.mhlw'),
		exists (select from holding)`).Scan(&entries, &lines, &next, &held)
	if err != nil || entries != 2 || lines != 2 || next != 700002 || held {
		t.Errorf("%d entries, %d lines of history, next number %d, held %v: %v", entries, lines, next, held, err)
	}
}

func TestImportRefusesWhatCannotBeFound(t *testing.T) {
	w := casetest.New(t)
	for item, without := range map[string]string{"birth_date": "", "name": "　"} {
		o := old("1", 1)
		o.Facts[item] = without
		err := w.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
			_, err := registry.Import(t.Context(), tx, o)
			return err
		})
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("an entry without %s: %v, want invalid", item, err)
		}
	}
}
