package credential

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/statuslist"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Terms of published lists. A list is signed anew when half its life is over, whether anything changed or not; verifiers
// ask again after StatusTTL at the latest.
const (
	StatusLife  = 24 * time.Hour
	StatusTTL   = 5 * time.Minute
	listBits    = 2
	publishTick = 500 * time.Millisecond
	fillTick    = 5 * time.Minute
	duePerStep  = 200
)

// PublisherConfig is what a Publisher needs.
type PublisherConfig struct {
	DB         *pg.DB // as pg.RoleStatus: it reads where credentials stand, and signs none
	Catalogue  *qualification.Catalogue
	Sign       Sign   // with keys for status lists only
	StatusBase string // see Config
	Logger     *slog.Logger
}

// Publisher publishes status lists. The act that changes a status records, in its own transaction, which lists are to be
// published anew; the publisher looks for such needs twice a second, computes the values of a list from the credentials,
// signs it with the registrar's key for lists, and stores it as the next version, removing in the same transaction the needs
// that it had seen before it read the values. After a crash at any line the needs still stand, and the list is published
// again. Two publishers at once cannot store the same version, so that an older reading never follows a newer one.
type Publisher struct{ c PublisherConfig }

// NewPublisher returns a publisher.
func NewPublisher(c PublisherConfig) *Publisher {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Publisher{c}
}

// Run publishes until ctx ends, and returns nil then. What failed is logged and tried again.
func (p *Publisher) Run(ctx context.Context) error {
	wait, fill := time.NewTimer(0), time.NewTicker(fillTick)
	defer wait.Stop()
	defer fill.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-fill.C:
			p.tell(ctx, p.Extend(ctx))
			continue
		case <-wait.C:
		}
		_, err := p.Step(ctx)
		p.tell(ctx, err)
		wait.Reset(publishTick)
	}
}

func (p *Publisher) tell(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		p.c.Logger.ErrorContext(ctx, "publishing status lists failed", "cause", err)
	}
}

type listRef struct {
	RegisterID string
	ListNo     int
}

// Step publishes every list for which there is a need, whose life is half over or whose key is distrusted, and returns how many it published. A
// list that fails does not keep the others from being published.
func (p *Publisher) Step(ctx context.Context) (published int, err error) {
	var due []listRef
	err = p.c.DB.Platform(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `
			select register_id, list_no from status_need
			union
			select l.register_id, l.list_no from status_list l
			 where not exists (select 1 from status_version v where v.register_id = l.register_id and v.list_no = l.list_no and v.expires_at > $1)
			union
			select v.register_id, v.list_no from status_version v join signing_key k on k.kid = v.kid and k.distrusted_at is not null
			 where not exists (select 1 from status_version w where w.register_id = v.register_id and w.list_no = v.list_no and w.version > v.version)
			limit $2`, tx.Now.Add(StatusLife/2), duePerStep)
		if err != nil {
			return fmt.Errorf("looking for lists to publish: %w", err)
		}
		due, err = pgx.CollectRows(rows, pgx.RowToStructByPos[listRef])
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, list := range due {
		done, failed := p.publish(ctx, list)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("publishing status list %d of %s: %w", list.ListNo, list.RegisterID, failed))
		}
		if done {
			published++
		}
	}
	return published, err
}

// reading is what a list is made of, as one transaction sees it.
type reading struct {
	now     time.Time
	needs   []uuid.UUID
	last    []lastVersion
	values  []value
	key     *SigningKey
	version int
}

type lastVersion struct {
	Version   int
	Content   []byte
	KID       string
	ExpiresAt time.Time
}

// value is one place whose state is not "valid".
type value struct {
	Index  int
	Status statuslist.Status
}

// publish makes one list. done is false when nothing had changed.
func (p *Publisher) publish(ctx context.Context, ref listRef) (done bool, err error) {
	reg, ok := p.c.Catalogue.Register(ref.RegisterID)
	if !ok {
		return false, fault.New(fault.Internal, "", "there is no such register")
	}
	read, err := p.read(ctx, reg, ref)
	if err != nil {
		return false, err
	}
	list, content, err := pack(read.values)
	if err != nil {
		return false, err
	}
	if read.current(content) {
		return false, p.c.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error { return forgetNeeds(ctx, tx, ref, read.needs) })
	}
	jwt, cwt, claims, err := p.sign(ctx, reg, ref, read, list)
	if err != nil {
		return false, err
	}
	return true, p.store(ctx, reg, ref, read, content, jwt, cwt, claims)
}

// current tells whether the published version says the same, by a key that still signs, and lasts.
func (r *reading) current(content []byte) bool {
	return len(r.last) > 0 && bytes.Equal(r.last[0].Content, content) && r.last[0].KID == r.key.KID && r.last[0].ExpiresAt.After(r.now.Add(StatusLife/2))
}

// read reads the needs first and the values after them: each statement sees what was committed when it began, so the values
// have at least the changes whose needs were seen.
func (p *Publisher) read(ctx context.Context, reg *qualification.Register, ref listRef) (r *reading, err error) {
	err = p.c.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		r = &reading{now: tx.Now}
		var b pg.Batch
		var keys []keyRow
		pg.ReadBy(&b, &r.needs, pgx.RowTo[uuid.UUID], "reading what is to be published", `select id from status_need where register_id = $1 and list_no = $2`, ref.RegisterID, ref.ListNo)
		pg.Read(&b, &r.last, "reading the published version", `
			select version, content, kid, expires_at from status_version where register_id = $1 and list_no = $2 order by version desc limit 1`, ref.RegisterID, ref.ListNo)
		queueValues(&b, &r.values, ref, tx.Now)
		queueKey(&b, &keys, reg.Registrar, ForStatus, tx.Now)
		if err := b.Send(ctx, tx); err != nil {
			return err
		}
		if len(keys) == 0 {
			return refuse(fault.Internal, NoKey, "looking for a key of "+reg.Registrar+" for "+string(ForStatus))
		}
		if r.key, err = keys[0].key(); err != nil {
			return err
		}
		r.version = 1
		if len(r.last) > 0 {
			r.version = r.last[0].Version + 1
		}
		return nil
	})
	return r, err
}

// queueValues reads the places of a list that are not "valid": suspended ones first, so that an end, which comes later in
// the order, is what remains of a place that has both.
func queueValues(b *pg.Batch, out *[]value, ref listRef, now time.Time) {
	pg.Read(b, out, "reading the states of a list's credentials", `
		select idx, status from (
		  select s.idx, case when c.state in ('suspended', 'held') then 2 else 1 end as status
		    from credential c join status_slot s on s.register_id = c.register_id and s.credential_id = c.id
		   where c.register_id = $1 and c.state in ('suspended', 'held', 'revoked', 'replaced') and s.list_no = $2
		  union all
		  select s.idx, 1 from credential c join status_slot s on s.register_id = c.register_id and s.credential_id = c.id
		   where c.register_id = $1 and c.valid_until < $3 and s.list_no = $2
		  union all
		  select s.idx, 1 from credential_copy y join status_slot s on s.register_id = y.register_id and s.copy_id = y.id
		   where y.register_id = $1 and y.list_no = $2 and y.ended_at is not null
		  union all
		  select s.idx, 1 from credential_copy y join status_slot s on s.register_id = y.register_id and s.copy_id = y.id
		   where y.register_id = $1 and y.list_no = $2 and y.expires_at <= $4
		) v order by status desc`, ref.RegisterID, ref.ListNo, calendar.Of(now), now)
}

// pack makes the list, and the digest of its values.
func pack(values []value) (*statuslist.List, []byte, error) {
	list, err := statuslist.New(slots, listBits)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range values {
		if err := list.Set(v.Index, v.Status); err != nil {
			return nil, nil, err
		}
	}
	digest := list.Digest()
	return list, digest[:], nil
}

// sign signs the list in both forms, and reads both back before they may be published.
func (p *Publisher) sign(ctx context.Context, reg *qualification.Register, ref listRef, r *reading, list *statuslist.List) (jwt string, cwt []byte, c statuslist.Claims, err error) {
	c = statuslist.Claims{Subject: fmt.Sprintf("%s/%s/%d", p.c.StatusBase, reg.Code, ref.ListNo), IssuedAt: r.now.Truncate(time.Second),
		ExpiresAt: r.now.Truncate(time.Second).Add(StatusLife), TTL: StatusTTL}
	jwt, cwt, err = list.Sign(c, statuslist.Signer{KID: r.key.KID, Chain: r.key.Chain,
		Sign: func(toSign []byte) ([]byte, error) { return p.c.Sign(ctx, r.key.KID, toSign) }})
	if err != nil {
		return "", nil, c, err
	}
	expect := statuslist.Expect{Subject: c.Subject, Now: r.now}
	key := func(string, []*x509.Certificate) (crypto.PublicKey, error) { return r.key.Public, nil }
	for _, read := range []func() (*statuslist.Token, error){
		func() (*statuslist.Token, error) { return statuslist.ReadJWT(jwt, key, expect) },
		func() (*statuslist.Token, error) { return statuslist.ReadCWT(cwt, key, expect) },
	} {
		token, err := read()
		if err != nil {
			return "", nil, c, fmt.Errorf("reading back what was signed: %w", err)
		}
		if token.List.Digest() != list.Digest() {
			return "", nil, c, fault.New(fault.Internal, "", "reading back what was signed: the list has other values")
		}
	}
	return jwt, cwt, c, nil
}

// store makes the version the current one.
func (p *Publisher) store(ctx context.Context, reg *qualification.Register, ref listRef, r *reading, content []byte, jwt string, cwt []byte, c statuslist.Claims) error {
	err := p.c.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		var b pg.Batch
		b.Exec("storing a version", `
			insert into status_version (register_id, list_no, version, kid, content, jwt, cwt, issued_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, ref.RegisterID, ref.ListNo, r.version, r.key.KID, content, jwt, cwt, c.IssuedAt, c.ExpiresAt)
		b.Exec("removing versions that have ended", `
			delete from status_version where register_id = $1 and list_no = $2 and version < $3 and expires_at < $4`,
			ref.RegisterID, ref.ListNo, r.version, tx.Now.Add(-StatusLife))
		if err := b.SendLater(ctx, tx); err != nil {
			return err
		}
		if err := forgetNeeds(ctx, tx, ref, r.needs); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{Act: audit.StatusPublish, Actor: audit.Actor{Kind: audit.ActorSystem, ID: "credential.publisher"},
			Purpose: "status", Register: ref.RegisterID, Registrar: reg.Registrar, Outcome: fmt.Sprintf("%d.%d", ref.ListNo, r.version)})
	})
	if pg.Violates(err, "status_version_pkey") {
		return nil // another publisher was faster; what this one saw is still needed, or was in that version
	}
	return err
}

func forgetNeeds(ctx context.Context, tx *pg.Tx, ref listRef, needs []uuid.UUID) error {
	if len(needs) == 0 {
		return nil
	}
	var b pg.Batch
	b.Exec("removing what was published", `delete from status_need where register_id = $1 and list_no = $2 and id = any($3)`, ref.RegisterID, ref.ListNo, needs)
	return b.SendLater(ctx, tx)
}

// Extend opens the next list of each register whose newest is half full: places are then drawn from the next, and a draw
// finds a free one at once.
func (p *Publisher) Extend(ctx context.Context) error {
	var open []listRef
	err := p.c.DB.Platform(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select register_id, list_no from status_list where full_at is null`)
		if err != nil {
			return fmt.Errorf("looking for open status lists: %w", err)
		}
		open, err = pgx.CollectRows(rows, pgx.RowToStructByPos[listRef])
		return err
	})
	for _, list := range open {
		if failed := p.extend(ctx, list); failed != nil {
			err = errors.Join(err, fmt.Errorf("extending status list %d of %s: %w", list.ListNo, list.RegisterID, failed))
		}
	}
	return err
}

func (p *Publisher) extend(ctx context.Context, ref listRef) error {
	reg, ok := p.c.Catalogue.Register(ref.RegisterID)
	if !ok {
		return fault.New(fault.Internal, "", "there is no such register")
	}
	return p.c.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		var taken int
		if err := tx.QueryRow(ctx, `select count(*) from status_slot where register_id = $1 and list_no = $2`, ref.RegisterID, ref.ListNo).Scan(&taken); err != nil {
			return fmt.Errorf("counting places: %w", err)
		}
		if taken < slots/2 {
			return nil
		}
		var b pg.Batch
		b.Exec("opening the next list", `insert into status_list (register_id, list_no, opened_at) values ($1, $2, $3) on conflict do nothing`,
			ref.RegisterID, ref.ListNo+1, tx.Now)
		b.Exec("closing a list", `update status_list set full_at = $3 where register_id = $1 and list_no = $2 and full_at is null`, ref.RegisterID, ref.ListNo, tx.Now)
		return b.SendLater(ctx, tx)
	})
}

// ListVersion is one published version of a status list, as anybody may have it.
type ListVersion struct {
	Version   int
	JWT       string
	CWT       []byte
	IssuedAt  time.Time
	ExpiresAt time.Time
	Content   []byte // SHA-256 of the values, as they were computed
}

// CurrentList reads the current version of a list, under the public role; known is a version that the caller has already, 0
// for none: then the bytes are left out when it is still the current one. It fails with fault.NotFound.
func CurrentList(ctx context.Context, db *pg.DB, registerID string, listNo, known int) (*ListVersion, error) {
	return readList(ctx, db, `
		select version, case when version = $3 then '' else jwt end, case when version = $3 then ''::bytea else cwt end, issued_at, expires_at, content
		  from status_version where register_id = $1 and list_no = $2 order by version desc limit 1`, registerID, listNo, known)
}

// ListAt reads one version of a list, which never changes. It fails with fault.NotFound, also for one that has long ended.
func ListAt(ctx context.Context, db *pg.DB, registerID string, listNo, version int) (*ListVersion, error) {
	return readList(ctx, db, `select version, jwt, cwt, issued_at, expires_at, content from status_version where register_id = $1 and list_no = $2 and version = $3`,
		registerID, listNo, version)
}

func readList(ctx context.Context, db *pg.DB, sql string, args ...any) (*ListVersion, error) {
	found, err := pg.Ask(ctx, db, pgx.RowToStructByPos[ListVersion], sql, args...)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading a status list: %w", err)
	case len(found) == 0:
		return nil, fault.New(fault.NotFound, "", "reading a status list")
	}
	return &found[0], nil
}
