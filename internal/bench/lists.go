package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Status lists of ten million places, of which one in a hundred is not in force: nine revoked for one suspended. Places in
// force have no value, and what they would add is only the size of the indexes; they are not filled in.
const (
	benchLists    = 10
	benchPlaces   = 1 << 20
	outOfForce    = benchPlaces / 100
	aimPublishOne = 250.0 // milliseconds to publish what one change requires
)

// lists measures the publication of status lists of ten million places: all of them, and what one change requires. The
// program does not run meanwhile, since it would publish, too.
func (w *wallet) lists(ctx context.Context, c Config) (rows []Row, err error) {
	reg, err := w.emptyRegister()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.Out, "filling %d status lists\n", benchLists)
	if err := w.fillLists(ctx, reg); err != nil {
		return nil, err
	}
	db, err := w.db.As(ctx, pg.RoleStatus, 2)
	if err != nil {
		return nil, err
	}
	p := credential.NewPublisher(credential.PublisherConfig{DB: db, Catalogue: w.cat, Sign: w.keys.Signer.For(string(credential.ForStatus)), StatusBase: w.statusBase()})
	if _, err := p.Step(ctx); err != nil { // the lists of what was issued before; none of ours has a need yet
		return nil, err
	}
	fmt.Fprintln(c.Out, "publishing status lists")
	all, err := w.publish(ctx, p, reg, benchLists, `insert into status_list (register_id, list_no, opened_at) select $1, i, now() from generate_series(1, $2::int) i`, benchLists)
	if err != nil {
		return nil, err
	}
	var one []float64
	for i := range 9 {
		took, err := w.publish(ctx, p, reg, 1, `
			with moved as (
			  update credential set state = case state when 'suspended' then 'revoked' else 'suspended' end
			   where register_id = $1 and id = (select credential_id from status_slot where register_id = $1 and list_no = $2 order by idx limit 1))
			insert into status_need (register_id, list_no, id, at) values ($1, $2, gen_random_uuid(), now())`, 1+i)
		if err != nil {
			return nil, err
		}
		one = append(one, took)
	}
	slices.Sort(one)
	note := fmt.Sprintf("%d lists of %d places, 1 %% out of force, from the database to signed JWT and CWT, read back and stored", benchLists, benchPlaces)
	return []Row{
		plain("status lists of 10 million places", all, "ms", note),
		below("status list after one change", one[len(one)/2], aimPublishOne, "ms", "median of 9; the one list of a million places that has the change is published, the others are not"),
	}, nil
}

// publish puts a need in and measures the step that meets it, which must publish as many lists as are expected.
func (w *wallet) publish(ctx context.Context, p *credential.Publisher, reg *qualification.Register, expect int, need string, arg int) (float64, error) {
	if _, err := w.admin.Pool.Exec(ctx, need, reg.ID, arg); err != nil {
		return 0, faultIf(err, "recording what is to be published")
	}
	began := time.Now()
	done, err := p.Step(ctx)
	took := float64(time.Since(began).Microseconds()) / 1000
	if err == nil && done != expect {
		err = fmt.Errorf("publishing status lists: %d instead of %d: %w", done, expect, errUnexpected)
	}
	return took, err
}

// emptyRegister is another register of the same registrar.
func (w *wallet) emptyRegister() (*qualification.Register, error) {
	for _, g := range w.cat.Registers() {
		if g.Registrar == registrar && g.ID != register {
			return g, nil
		}
	}
	return nil, fault.New(fault.NotFound, "", "looking for another register of "+registrar)
}

// fillLists writes places with their copies and credentials. Entries are left out: nothing of a list is read of them.
func (w *wallet) fillLists(ctx context.Context, reg *qualification.Register) error {
	for _, sql := range []string{
		`set session_replication_role = replica`, // no foreign keys: the lists themselves come with the need
		`create temporary table made as
		   select l.i as list_no, gen_random_uuid() as credential_id, gen_random_uuid() as copy_id, p.idx, row_number() over () as n
		     from generate_series(1, ` + fmt.Sprint(benchLists) + `) l (i),
		          lateral (select distinct (random() * ` + fmt.Sprint(benchPlaces-1) + `)::int as idx from generate_series(1, ` + fmt.Sprint(outOfForce) + `) where l.i > 0) p`,
		`insert into credential (register_id, id, public_id, registrar_id, entry_id, version, state, prior_state, kid, payload, to_sign, signature, intended_at, signed_at, status_at)
		   select '` + reg.ID + `', credential_id, 'BENCH-' || n, '` + reg.Registrar + `', gen_random_uuid(), 1, case when n % 10 = 0 then 'suspended' else 'revoked' end,
		     'valid', '', '', '', '', now(), now(), now() from made`,
		`insert into credential_copy (register_id, id, credential_id, registrar_id, form, fields, kid, digest, intended_at, signed_at, list_no)
		   select '` + reg.ID + `', copy_id, credential_id, '` + reg.Registrar + `', 'sdjwt', '{}', '', decode(lpad(to_hex(n), 64, '0'), 'hex'), now(), now(), list_no from made`,
		`insert into status_slot (register_id, list_no, idx, registrar_id, credential_id, copy_id)
		   select '` + reg.ID + `', list_no, idx, '` + reg.Registrar + `', credential_id, copy_id from made`,
		`drop table made`,
		`set session_replication_role = origin`,
		`vacuum (analyze) credential, credential_copy, status_slot`,
	} {
		if _, err := w.admin.Pool.Exec(ctx, sql); err != nil {
			return faultIf(err, "filling status lists")
		}
	}
	return nil
}
