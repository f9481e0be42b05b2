package credential

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/job"
	"akashi/internal/pg"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/registry"
	"akashi/internal/review"
)

// Sign has bytes signed with a key, by ES256, and returns r and s as 64 bytes. The wiring passes in the signer.
type Sign func(ctx context.Context, kid string, toSign []byte) ([]byte, error)

// Config is what an Issuer needs. DB, Sign and Enqueue's worker side may be nil where only Follow is used.
type Config struct {
	DB        *pg.DB // under the worker's role
	Catalogue *qualification.Catalogue
	Sign      Sign
	Enqueue   application.Enqueue
}

// Issuer makes credentials and changes their status.
type Issuer struct{ Config }

// NewIssuer returns an issuer.
func NewIssuer(c Config) *Issuer { return &Issuer{c} }

// Follow does for the credential what a change of the register entails, inside the decision's transaction: a new intent
// and a job, a suspension, a revocation.
func (i *Issuer) Follow(ctx context.Context, tx *pg.Tx, d review.Decided, ch registry.Change) error {
	live, err := living(ctx, tx, ch.Entry)
	if err != nil {
		return err
	}
	var b pg.Batch
	switch {
	case ch.Act == registry.ActSuspend && live != nil:
		live.move(&b, tx, Suspended, string(ch.Act))
		return i.send(ctx, tx, &b, live, audit.CredentialSuspend)
	case ch.Act == registry.ActSuspend:
		return nil
	case ch.Act == registry.ActRestore && live != nil && live.Signature != nil:
		live.move(&b, tx, Valid, string(ch.Act))
		return i.send(ctx, tx, &b, live, audit.CredentialRestore)
	case !ch.Entry.State.Living() && live != nil:
		live.move(&b, tx, Revoked, string(ch.Act))
		return i.send(ctx, tx, &b, live, audit.CredentialRevoke)
	case !ch.Entry.State.Living():
		return nil
	}
	return i.intend(ctx, tx, &b, d, ch, live)
}

func (i *Issuer) send(ctx context.Context, tx *pg.Tx, b *pg.Batch, c *Credential, act audit.Act) error {
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.audited(act))
}

// intend records the exact bytes of the next credential and enqueues their signing; the one before ends.
func (i *Issuer) intend(ctx context.Context, tx *pg.Tx, b *pg.Batch, d review.Decided, ch registry.Change, live *Credential) error {
	if live != nil {
		live.move(b, tx, Replaced, string(ch.Act))
	}
	version, err := nextVersion(ctx, tx, ch.Entry)
	if err != nil {
		return err
	}
	kid, err := activeKey(ctx, tx, ch.Entry.RegistrarID)
	if err != nil {
		return err
	}
	c, err := i.compose(tx.Now, d.Definition, ch.Entry, version, kid)
	if err != nil {
		return err
	}
	b.Exec("recording the intent of a credential", `
		insert into credential (register_id, id, public_id, registrar_id, entry_id, person_ref, version, state, prior_state, kid,
		  payload, to_sign, intended_at, status_at)
		values ($1, $2, $3, $4, $5, $6, $7, 'intended', 'intended', $8, $9, $10, $11, $11)`,
		c.RegisterID, c.ID, c.PublicID, c.RegistrarID, c.EntryID, c.PersonRef, c.Version, c.KID, c.Payload, c.ToSign, tx.Now)
	c.remember(b, tx, Intended, string(ch.Act))
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	return i.Enqueue(ctx, tx, SignArgs{RegisterID: c.RegisterID, CredentialID: c.ID.String()})
}

// compose builds the payload and the bytes to sign.
func (i *Issuer) compose(now time.Time, def *qualification.Definition, e *registry.Entry, version int, kid string) (*Credential, error) {
	reg, ok := i.Catalogue.Register(e.RegisterID)
	if !ok {
		return nil, fmt.Errorf("making a credential of unknown register %s", e.RegisterID)
	}
	registrar, ok := i.Catalogue.Registrar(e.RegistrarID)
	if !ok {
		return nil, fmt.Errorf("making a credential of unknown registrar %s", e.RegistrarID)
	}
	c := &Credential{RegisterID: e.RegisterID, ID: pg.NewID(), PublicID: publicid.New(reg.Code), RegistrarID: e.RegistrarID,
		EntryID: e.ID, PersonRef: e.PersonRef, Version: version, State: Intended, KID: kid, IntendedAt: now, StatusAt: now}
	facts, err := def.CredentialFields(qualification.CredentialFacts{Items: e.Facts, Number: e.Number, RegisteredOn: e.RegisteredOn,
		IssuedOn: calendar.Of(now), CredentialID: c.PublicID, UserCode: userCode(e), Registrar: registrar})
	if err != nil {
		return nil, err
	}
	if c.Payload, err = cose.EncodePayload(facts); err != nil {
		return nil, err
	}
	protected, err := cose.EncodeProtected(cose.ES256)
	if err != nil {
		return nil, err
	}
	c.ToSign, err = cose.ToBeSigned(protected, c.Payload)
	return c, err
}

// userCode is the 利用者コード: the end of the reference by which this registrar knows the person, the same on every
// credential of theirs here and unrelated to those of other registrars.
func userCode(e *registry.Entry) string {
	if e.PersonRef == nil {
		return e.ID.String()[24:]
	}
	return e.PersonRef.String()[24:]
}

// SignArgs is the job that has one intent signed.
type SignArgs struct {
	RegisterID   string `json:"register_id"`
	CredentialID string `json:"credential_id"`
}

// Kind names the job.
func (SignArgs) Kind() string { return "credential.sign" }

// InsertOpts keeps trying: an intent is never forgotten. One job of an intent stands at a time, however often Forgotten
// finds it.
func (SignArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1000, UniqueOpts: job.UniqueArgs()}
}

// SignIntent has the stored bytes of one intent signed and puts the credential in force. ECDSA signatures differ each
// time, so two tries at once may both sign; one of them is stored, both are of the same bytes.
func (i *Issuer) SignIntent(ctx context.Context, args SignArgs) error {
	reg, ok := i.Catalogue.Register(args.RegisterID)
	if !ok {
		return fmt.Errorf("signing a credential of unknown register %s", args.RegisterID)
	}
	id, err := uuid.Parse(args.CredentialID)
	if err != nil {
		return fmt.Errorf("reading a job's ids: %w", err)
	}
	var c *Credential
	err = i.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error {
		c, err = one(ctx, tx, `register_id = $1 and id = $2`, reg.ID, id)
		return err
	})
	if err != nil || c.Signature != nil {
		return err
	}
	signature, err := i.Sign(ctx, c.KID, c.ToSign)
	if err != nil {
		return fmt.Errorf("having credential %s signed: %w", c.PublicID, err)
	}
	return i.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error { return i.enforce(ctx, tx, reg.ID, id, signature) })
}

// enforce stores a signature. A credential that ended while it was being signed keeps its end; one of a suspended entry
// comes into being suspended.
func (i *Issuer) enforce(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID, signature []byte) error {
	c, err := one(ctx, tx, `register_id = $1 and id = $2 for update`, registerID, id)
	if err != nil || c.Signature != nil {
		return err
	}
	e, err := registry.ByID(ctx, tx, registerID, c.EntryID)
	if err != nil {
		return err
	}
	var b pg.Batch
	b.ExecOne("storing a signature", `
		update credential set signature = $3, signed_at = $4
		 where register_id = $1 and id = $2 and signature is null`, c.RegisterID, c.ID, signature, tx.Now)
	if c.State == Intended {
		to := Valid
		if e.State == registry.Suspended {
			to = Suspended
		}
		c.move(&b, tx, to, "signed")
	}
	if err := b.Send(ctx, tx.Tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.audited(audit.CredentialIssue))
}

// Forgotten finds intents that have stood unsigned for longer than age and enqueues their signing again. It returns how
// many it found.
func (i *Issuer) Forgotten(ctx context.Context, age time.Duration) (int, error) {
	found := 0
	for _, r := range i.Catalogue.Registrars() {
		err := i.DB.InRegistrar(ctx, r.ID, func(tx *pg.Tx) error {
			all, err := many(ctx, tx, `registrar_id = $1 and signature is null and intended_at < $2 limit 500`, r.ID, tx.Now.Add(-age))
			for _, c := range all {
				err = errors.Join(err, i.Enqueue(ctx, tx, SignArgs{RegisterID: c.RegisterID, CredentialID: c.ID.String()}))
			}
			found += len(all)
			return err
		})
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// PublishKey makes the public half of a signing key known. The same key twice is once.
func PublishKey(ctx context.Context, db *pg.DB, kid, registrar string, public *ecdsa.PublicKey, notBefore time.Time) error {
	jwk, err := json.Marshal(jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: "ES256", Use: "sig"})
	if err != nil {
		return fmt.Errorf("writing a public key: %w", err)
	}
	return db.Platform(ctx, func(tx *pg.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into signing_key (kid, registrar_id, purpose, public_jwk, not_before) values ($1, $2, 'credential', $3, $4)
			on conflict on constraint signing_key_pkey do nothing`, kid, registrar, jwk, notBefore)
		if err != nil {
			return fmt.Errorf("publishing key %s: %w", kid, err)
		}
		return nil
	})
}

// activeKey names the newest key of a registrar that still signs.
func activeKey(ctx context.Context, tx *pg.Tx, registrar string) (kid string, err error) {
	err = tx.QueryRow(ctx, `
		select kid from signing_key
		 where registrar_id = $1 and purpose = 'credential' and retired_at is null and distrusted_at is null and not_before <= $2
		 order by not_before desc, kid limit 1`, registrar, tx.Now).Scan(&kid)
	if err == pgx.ErrNoRows {
		return "", fault.New(fault.Internal, "", "registrar "+registrar+" has no published key to sign credentials")
	}
	if err != nil {
		return "", fmt.Errorf("choosing a signing key: %w", err)
	}
	return kid, nil
}

// Wallet shows holders their credentials, under the citizen portal's role.
type Wallet struct {
	DB        *pg.DB
	Catalogue *qualification.Catalogue
	RefKey    []byte
}

// Held is one entry of the person with its newest credential, nil when there is none yet.
type Held struct {
	Entry      registry.Entry
	Credential *Credential
}

// List reads the person's entries in every register and their newest credentials.
func (w *Wallet) List(ctx context.Context, a application.Applicant) ([]Held, error) {
	holdings, err := w.holdings(ctx, a)
	if err != nil {
		return nil, err
	}
	var out []Held
	for _, h := range holdings {
		held, err := w.read(ctx, a, h.RegisterID, h.EntryID, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, *held)
	}
	return out, nil
}

// Find reads one of the person's entries with its newest credential.
func (w *Wallet) Find(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (*Held, error) {
	return w.read(ctx, a, registerID, entryID, nil)
}

// Show reads one of the person's entries for showing its credential; the look is the holder's own and is recorded.
func (w *Wallet) Show(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID) (*Held, error) {
	act := audit.CredentialDownload
	return w.read(ctx, a, registerID, entryID, &act)
}

type holding struct {
	RegisterID string
	EntryID    uuid.UUID
}

func (w *Wallet) holdings(ctx context.Context, a application.Applicant) (out []holding, err error) {
	err = w.DB.InPerson(ctx, pg.Person{ID: a.ID}, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select register_id, entry_id from holding where person_id = $1 order by linked_at desc`, a.ID)
		if err != nil {
			return fmt.Errorf("reading holdings: %w", err)
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[holding])
		return err
	})
	return out, err
}

func (w *Wallet) read(ctx context.Context, a application.Applicant, registerID string, entryID uuid.UUID, act *audit.Act) (*Held, error) {
	reg, ok := w.Catalogue.Register(registerID)
	if !ok {
		return nil, fault.New(fault.NotFound, "", "showing a credential of an unknown register")
	}
	var h Held
	err := w.DB.InPerson(ctx, pg.Person{ID: a.ID, Ref: account.RefFor(w.RefKey, a.ID, reg.Registrar)}, func(tx *pg.Tx) error {
		var b pg.Batch
		var entries []registry.Entry
		var newest []Credential
		registry.QueueEntry(&b, registerID, entryID, &entries)
		queue(&b, &newest, `register_id = $1 and entry_id = $2 order by version desc limit 1`, registerID, entryID)
		if err := b.Send(ctx, tx.Tx); err != nil {
			return err
		}
		if len(entries) == 0 {
			return fault.New(fault.NotFound, "", "reading an entry")
		}
		h = Held{Entry: entries[0]}
		if len(newest) > 0 {
			h.Credential = &newest[0]
		}
		if act == nil || h.Credential == nil {
			return nil
		}
		v := h.Credential.audited(*act)
		v.Actor, v.Purpose = audit.Actor{Kind: audit.ActorPerson}, "own"
		return audit.Record(ctx, tx, v)
	})
	return &h, err
}
