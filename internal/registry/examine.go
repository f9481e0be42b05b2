package registry

import (
	"errors"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/jtext"
	"akashi/internal/person"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/review"
)

// Own adds the query for the person's living entries in a register through the person's own door, the one registered last
// first: one of each class at most. It satisfies application.FindEntry.
func Own(b *pg.Batch, registerID string, ref uuid.UUID, out *[]application.Entry) {
	pg.Read(b, out, "reading the person's entry", `
		select id, number, registered_on, facts, class, valid_until from entry
		 where register_id = $1 and person_ref = $2 and state in ('registered', 'suspended')
		 order by registered_on desc, id limit 100`, registerID, ref)
}

// Held adds the query for the living entry of a register with a number, or, where that is "", with an id, through the door of its
// registrar. It satisfies application.FindHeld.
func Held(b *pg.Batch, registerID, number string, id uuid.UUID, out *[]application.HeldEntry) {
	pg.Read(b, out, "reading an entry that a paper names", `
		select id, number, registered_on, facts, class, valid_until, person_ref from entry
		 where register_id = $1 and (number = $2 or $2 = '' and id = $3) and state in ('registered', 'suspended')`, registerID, number, id)
}

// Attest adds the query for the number and the state of the person's entries in a register, ended ones, too, through the
// person's own door. It satisfies application.Attest.
func Attest(b *pg.Batch, registerID string, ref uuid.UUID, out *[]application.Attested) {
	pg.Read(b, out, "attesting the person's entries", `
		select register_id, number, state, valid_until from entry
		 where register_id = $1 and person_ref = $2 order by registered_on desc, id limit 20`, registerID, ref)
}

// Examine tells a reviewer what the register says about a case: for a registration, that the person is not in it yet; for
// linking, that the number names an entry of this person that nobody holds; otherwise, that the entry stands. It
// satisfies review.LookUp.
func Examine(b *pg.Batch, c *application.Case, p *qualification.Procedure) func() (review.Finding, error) {
	switch p.Effect {
	case qualification.EffectRegister:
		return examineNew(b, c, p)
	case qualification.EffectLink:
		return examineLink(b, c, p)
	}
	var found []Entry
	if c.EntryID != nil {
		QueueEntry(b, c.RegisterID, *c.EntryID, &found)
	}
	return func() (review.Finding, error) {
		switch {
		case len(found) == 0:
			return review.Finding{Result: review.Fail, Code: "entry_missing"}, nil
		case !found[0].State.Living():
			return review.Finding{Result: review.Fail, Code: "entry_ended"}, nil
		case found[0].State == Suspended:
			return review.Finding{Result: review.Attention, Code: "entry_suspended"}, nil
		case c.OnPaper(): // no card has said whose it is
			return compareHolder(c, &found[0]), nil
		}
		return review.Finding{Result: review.Pass, Code: "entry_held"}, nil
	}
}

// QueueEntry adds the query for an entry, one or none, through whichever door is open.
func QueueEntry(b *pg.Batch, registerID string, id uuid.UUID, out *[]Entry) {
	pg.Read(b, out, "reading an entry", `select `+entryColumns+` from entry where register_id = $1 and id = $2`, registerID, id)
}

// examineNew looks for the person, and for somebody of the same name and birth date, among the living entries.
func examineNew(b *pg.Batch, c *application.Case, p *qualification.Procedure) func() (review.Finding, error) {
	who := application.Declared(c)
	var found []struct{ Same, Alike bool }
	pg.Read(b, &found, "looking for an entry of the applicant", `
		select exists (select 1 from entry where register_id = $1 and person_ref = $2 and class = $6 and state in ('registered', 'suspended')),
		       exists (select 1 from entry where register_id = $1 and registrar_id = $3 and name_key = $4 and birth_date = $5)`,
		c.RegisterID, c.PersonRef, c.RegistrarID, jtext.SearchKey(who.Name.Full()), who.BirthDate,
		p.Class(p.ItemValues(c.Answers.Values)))
	return func() (review.Finding, error) {
		switch {
		case len(found) != 1:
			return review.Finding{}, errors.New("looking for an entry of the applicant: no answer")
		case found[0].Same:
			return review.Finding{Result: review.Fail, Code: "entry_exists"}, nil
		case found[0].Alike:
			return review.Finding{Result: review.Attention, Code: "entry_alike"}, nil
		}
		return review.Finding{Result: review.Pass, Code: "entry_none"}, nil
	}
}

// examineLink compares the entry under the declared number with the applicant.
func examineLink(b *pg.Batch, c *application.Case, p *qualification.Procedure) func() (review.Finding, error) {
	var found []Entry
	pg.Read(b, &found, "reading the entry to be linked", `select `+entryColumns+` from entry where register_id = $1 and number = $2`,
		c.RegisterID, c.Answers.Values[numberField(p)])
	return func() (review.Finding, error) { return compareLink(c, found), nil }
}

func compareLink(c *application.Case, found []Entry) review.Finding {
	if len(found) == 0 {
		return review.Finding{Result: review.Fail, Code: "entry_missing"}
	}
	e := &found[0]
	if e.PersonRef != nil && *e.PersonRef != c.PersonRef {
		return review.Finding{Result: review.Fail, Code: "entry_held_by_other"}
	}
	return compareHolder(c, e)
}

// compareHolder puts what the applicant declared beside the entry's own particulars.
func compareHolder(c *application.Case, e *Entry) review.Finding {
	who := application.Declared(c)
	name := person.CompareName(e.Facts["name"], "", who.Name.Full())
	row := []review.Comparison{
		{Item: "name", Declared: who.Name.Full(), Official: e.Facts["name"], Tier: name.Tier.String(), Same: name.Tier == person.Exact},
		{Item: "birth_date", Declared: who.BirthDate.String(), Official: e.Facts["birth_date"], Same: who.BirthDate.String() == e.Facts["birth_date"]},
	}
	if row[0].Same && row[1].Same {
		return review.Finding{Result: review.Pass, Code: "entry_matches", Rows: row}
	}
	return review.Finding{Result: review.Attention, Code: "entry_differs", Rows: row}
}
