package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/calendar"
	"akashi/internal/govsim/world"
	"akashi/internal/jtext"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/registry"
)

// What the demonstration keeps in the table platform_setting.
const (
	settingSeed  = "demo.seed"         // version of the seed that the database has
	settingClock = "demo.clock_offset" // how far the clock is ahead of the machine's, as Go writes durations
)

// seedVersion is raised when the seed below changes.
const seedVersion = "1"

// passed is one line of an examination body's list of passers.
type passed struct{ person, register, sitting, place, number string }

func passers() []passed {
	const nurse, sitting = "kangoshi.mhlw", "2026-03"
	return []passed{
		{"hanako", nurse, sitting, "13", "10234"}, {"mirai", nurse, sitting, "40", "20571"}, {"minoru", nurse, sitting, "40", "20888"},
		{"reiko", nurse, sitting, "27", "31415"}, {"maria", nurse, sitting, "27", "31777"}, {"sakura", nurse, sitting, "13", "10999"},
		{"kigen", nurse, sitting, "13", "10555"}, {"mamoru", nurse, sitting, "13", "10777"},
		{"saga", "jun-kangoshi.pref-41", "2026-02", "41", "0412"},
	}
}

// held is one line of a register as it was kept before the platform.
type held struct {
	person, register string
	number           int64
	on               calendar.Date
	facts            map[string]string // beside name, reading, birth date and sex
}

func entries() []held {
	day := func(y int, m time.Month, d int) calendar.Date { return calendar.Date{Year: y, Month: m, Day: d} }
	return []held{
		{"fukuko", "shakai-fukushishi.sssc", 123456, day(2008, 4, 10), map[string]string{"domicile": "13", "exam_passed_on": "2008-03"}},
		{"shoji", "shakai-fukushishi.sssc", 54321, day(1995, 5, 1), map[string]string{"domicile": "13", "exam_passed_on": "1995-03"}},
		{"yuiko", "kangoshi.mhlw", 1654321, day(2011, 4, 20), map[string]string{"domicile": "13", "exam_passed_on": "2011-03"}},
		{"hokuto", "jun-kangoshi.pref-01", 5678, day(2000, 4, 5), map[string]string{"domicile": "01", "exam_passed_on": "2000-02", "exam_place": "01"}},
	}
}

// seed fills a new database with staff, lists of passers and old registers; a database that has this seed stays as it is.
// Everything else comes about by using the portals.
func seed(ctx context.Context, db, office *pg.DB, cat *qualification.Catalogue) error {
	have, err := readSetting(ctx, db, settingSeed)
	if err != nil || have == seedVersion {
		return err
	}
	if err := db.Platform(ctx, func(tx *pg.Tx) error { return appoint(ctx, tx) }); err != nil {
		return err
	}
	people := map[string]world.Person{}
	for _, p := range world.People() {
		people[p.ID] = p
	}
	for _, p := range passers() {
		if err := p.load(ctx, db, cat, people[p.person]); err != nil {
			return fmt.Errorf("loading the list of passers: %w", err)
		}
	}
	for _, h := range entries() {
		if err := h.take(ctx, db, cat, people[h.person]); err != nil {
			return fmt.Errorf("taking an old register over: %w", err)
		}
	}
	if err := plan(ctx, office, cat); err != nil {
		return fmt.Errorf("planning: %w", err)
	}
	return writeSetting(ctx, db, settingSeed, seedVersion)
}

// load adds the line to the registrar's list.
func (p passed) load(ctx context.Context, db *pg.DB, cat *qualification.Catalogue, who world.Person) error {
	reg, ok := cat.Register(p.register)
	if !ok {
		return fmt.Errorf("no register %s", p.register)
	}
	return db.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into passer (register_id, sitting, place, number, name_key, birth_date, loaded_at)
			values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint passer_pkey do nothing`,
			p.register, p.sitting, p.place, p.number, jtext.SearchKey(who.Name), who.BirthDate, tx.Now)
		return err
	})
}

// take imports the line into the register.
func (h held) take(ctx context.Context, db *pg.DB, cat *qualification.Catalogue, who world.Person) error {
	reg, ok := cat.Register(h.register)
	if !ok {
		return fmt.Errorf("no register %s", h.register)
	}
	def, ok := cat.Definition(reg.Qualification)
	if !ok {
		return fmt.Errorf("no qualification %s", reg.Qualification)
	}
	facts := map[string]string{"name": who.Name, "name_kana": who.Kana, "birth_date": who.BirthDate, "sex": who.Sex}
	if who.FormerName != "" {
		facts["name"], facts["name_kana"] = who.FormerName, who.FormerKana
	}
	for k, v := range h.facts {
		facts[k] = v
	}
	for k := range facts {
		if def.Item(k) == nil {
			delete(facts, k) // this register does not hold it
		}
	}
	until, err := def.ExpiresOn(facts, h.on)
	if err != nil {
		return err
	}
	old := registry.Old{RegisterID: h.register, RegistrarID: reg.Registrar, Number: def.FormatNumber(h.number, facts), Series: def.Series(facts),
		Ordinal: h.number, RegisteredOn: h.on, Facts: facts, Class: def.Class(facts), ValidUntil: until}
	return db.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		_, err := registry.Import(ctx, tx, old)
		return err
	})
}

// readSetting returns a setting, "" when there is none.
func readSetting(ctx context.Context, db *pg.DB, name string) (value string, err error) {
	err = db.Platform(ctx, func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select value from platform_setting where name = $1`, name).Scan(&value)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the setting %s: %w", name, err)
	}
	return value, nil
}

func writeSetting(ctx context.Context, db *pg.DB, name, value string) error {
	err := db.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `insert into platform_setting (name, value) values ($1, $2)
			on conflict on constraint platform_setting_pkey do update set value = excluded.value`, name, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing the setting %s: %w", name, err)
	}
	return nil
}
