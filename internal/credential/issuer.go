package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/credential/form"
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

// Moved is told of every change of the status of a credential that was in force, in the transaction of the change: whoever wants to
// hear of it enqueues a job there. A credential that comes into force tells nobody: nobody can have asked about it.
type Moved func(ctx context.Context, tx *pg.Tx, registerID string, credentialID uuid.UUID) error

// tell tells of a change, where somebody wants to hear of it.
func (m Moved) tell(ctx context.Context, tx *pg.Tx, c *Credential) error {
	if m == nil {
		return nil
	}
	return m(ctx, tx, c.RegisterID, c.ID)
}

// Config is what an Issuer needs. DB, Sign and Enqueue's worker side may be nil where only Follow is used; the bases only
// matter where copies are made.
type Config struct {
	DB        *pg.DB // under the worker's role
	Catalogue *qualification.Catalogue
	Sign      Sign
	Enqueue   application.Enqueue
	Moved     Moved // nil: nobody wants to hear

	StatusBase string // what addresses of status lists begin with: <base>/<register's code>/<number>; no slash at the end
	IssuerBase string // what identifiers of issuers begin with: <base>/<registrar>; no slash at the end
}

// Issuer makes credentials and changes their status.
type Issuer struct {
	Config
	draw   func() ([]int32, error) // places in a status list
	parsed sync.Map                // key id → *parsedKey
}

// NewIssuer returns an issuer.
func NewIssuer(c Config) *Issuer { return &Issuer{Config: c, draw: drawn} }

// Follow does for the credential what a change of the register entails, inside the decision's transaction: a new intent
// and a job, a suspension, a revocation.
func (i *Issuer) Follow(ctx context.Context, tx *pg.Tx, d review.Decided, ch registry.Change) error {
	past, err := standing(ctx, tx, ch.Entry)
	if err != nil {
		return err
	}
	live := past.living
	var b pg.Batch
	switch {
	case ch.Act == registry.ActSuspend && live != nil && live.State != Suspended:
		live.move(&b, tx, Suspended, string(ch.Act))
		if !ch.Entry.SuspendedUntil.IsZero() {
			live.until(&b, ch.Entry.SuspendedUntil)
		}
		return i.send(ctx, tx, &b, live, audit.CredentialSuspend)
	case ch.Act == registry.ActSuspend:
		return nil
	case (ch.Act == registry.ActRestore || ch.Act == registry.ActLapse) && live != nil && live.Signature != nil:
		to := Valid
		if past.held {
			to = OnHold
		}
		live.move(&b, tx, to, string(ch.Act))
		if !live.SuspendedUntil.IsZero() {
			live.until(&b, calendar.Date{})
		}
		return i.send(ctx, tx, &b, live, audit.CredentialRestore)
	case !ch.Entry.State.Living() && live != nil:
		live.move(&b, tx, Revoked, string(ch.Act))
		return i.send(ctx, tx, &b, live, audit.CredentialRevoke)
	case !ch.Entry.State.Living(), ch.Act == registry.ActReport, !i.issues(ch.Entry.RegistrarID):
		return nil
	}
	return i.intend(ctx, tx, &b, d, ch, past)
}

// issues tells whether a registrar has digital credentials switched on.
func (i *Issuer) issues(registrar string) bool {
	g, ok := i.Catalogue.Registrar(registrar)
	return !ok || g.Has(qualification.FunctionCredential)
}

func (i *Issuer) send(ctx context.Context, tx *pg.Tx, b *pg.Batch, c *Credential, act audit.Act) error {
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return errors.Join(audit.Record(ctx, tx, c.audited(act)), i.Moved.tell(ctx, tx, c))
}

// intend records the exact bytes of the next credential and enqueues their signing; the one before ends.
func (i *Issuer) intend(ctx context.Context, tx *pg.Tx, b *pg.Batch, d review.Decided, ch registry.Change, past past) error {
	if past.living != nil {
		past.living.move(b, tx, Replaced, string(ch.Act))
	}
	if past.key == "" {
		return fault.New(fault.Internal, "", "registrar "+ch.Entry.RegistrarID+" has no published key to sign credentials")
	}
	c, err := i.compose(tx.Now, d.Definition, ch.Entry, past.versions+1, past.key)
	if err != nil {
		return err
	}
	c.intend(b, tx, string(ch.Act))
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	if past.living != nil {
		if err := i.Moved.tell(ctx, tx, past.living); err != nil {
			return err
		}
	}
	return i.Enqueue(ctx, tx, SignArgs{RegisterID: c.RegisterID, CredentialID: c.ID.String()})
}

// intend queues the recording of a credential's exact bytes to sign.
func (c *Credential) intend(b *pg.Batch, tx *pg.Tx, cause string) {
	b.Exec("recording the intent of a credential", `
		insert into credential (register_id, id, public_id, registrar_id, entry_id, person_ref, version, state, prior_state, kid,
		  payload, to_sign, intended_at, status_at, valid_until, detail)
		values ($1, $2, $3, $4, $5, $6, $7, 'intended', 'intended', $8, $9, $10, $11, $11, $12, $13)`,
		c.RegisterID, c.ID, c.PublicID, c.RegistrarID, c.EntryID, c.PersonRef, c.Version, c.KID, c.Payload, c.ToSign, tx.Now, orNull(c.ValidUntil), c.Detail)
	c.remember(b, tx, Intended, cause)
}

func orNull(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
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
		EntryID: e.ID, PersonRef: e.PersonRef, Version: version, State: Intended, KID: kid, IntendedAt: now, StatusAt: now, ValidUntil: e.ValidUntil,
		Detail: form.Detail{DefinitionVersion: def.Version, TitleEN: plain(def.TitleFor(e.Facts)), IssuerEN: plain(def.Issuer(registrar)), BodyEN: plain(registrar.Name)}}
	facts, err := def.CredentialFields(qualification.CredentialFacts{Items: e.Facts, Number: e.Number, RegisteredOn: e.RegisteredOn,
		IssuedOn: calendar.Of(now), CredentialID: c.PublicID, UserCode: userCode(e), Registrar: registrar})
	if err != nil {
		return nil, err
	}
	return c, c.encode(facts)
}

// encode turns the facts into the payload and the bytes to sign.
func (c *Credential) encode(facts map[string]string) (err error) {
	if c.Payload, err = cose.EncodePayload(facts); err != nil {
		return err
	}
	protected, err := cose.EncodeProtected(cose.ES256)
	if err != nil {
		return err
	}
	c.ToSign, err = cose.ToBeSigned(protected, c.Payload)
	return err
}

// plain is a wording in English.
func plain(t qualification.Text) string {
	if t.EN == "" {
		return ""
	}
	return t.In(qualification.EN)
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
	return i.DB.InRegistrar(ctx, reg.Registrar, func(tx *pg.Tx) error { return i.enforce(ctx, tx, reg.ID, id, c.KID, signature) })
}

// enforce stores a signature. A credential that ended while it was being signed keeps its end; one of a suspended entry
// comes into being suspended. One whose key was replaced meanwhile is signed again (fault.Conflict).
func (i *Issuer) enforce(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID, kid string, signature []byte) error {
	c, err := one(ctx, tx, `register_id = $1 and id = $2 for update`, registerID, id)
	if err != nil || c.Signature != nil {
		return err
	}
	if c.KID != kid {
		return fault.New(fault.Conflict, "", "storing a signature of a key that was replaced")
	}
	held, err := c.holds(ctx, tx)
	if err != nil {
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
		switch {
		case e.State == registry.Suspended:
			to = Suspended
		case held:
			to = OnHold
		}
		c.move(&b, tx, to, "signed")
		if to == Suspended && !e.SuspendedUntil.IsZero() {
			c.until(&b, e.SuspendedUntil)
		}
	}
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, c.audited(audit.CredentialIssue))
}

// Forgotten finds intents that have stood unsigned for longer than age and enqueues their signing again. It returns how
// many it found.
func (i *Issuer) Forgotten(ctx context.Context, age time.Duration) (int, error) {
	found := 0
	for _, r := range i.Catalogue.Keepers() {
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

// PublishKeys makes the public halves of signing keys known. The same key twice is once; a chain that a key did not have
// is added. Chains may be empty. A key signs until the next one of its registrar and purpose begins: from then on it is
// retired.
func PublishKeys(ctx context.Context, db *pg.DB, keys ...SigningKey) error {
	var b pg.Batch
	for _, k := range keys {
		jwk, err := json.Marshal(jose.JSONWebKey{Key: k.Public, KeyID: k.KID, Algorithm: "ES256", Use: "sig"})
		if err != nil {
			return fmt.Errorf("writing a public key: %w", err)
		}
		chain := [][]byte{}
		for _, cert := range k.Chain {
			chain = append(chain, cert.Raw)
		}
		b.Exec("publishing key "+k.KID, `
			insert into signing_key (kid, registrar_id, purpose, public_jwk, not_before, chain) values ($1, $2, $3, $4, $5, $6)
			on conflict on constraint signing_key_pkey do update set chain = excluded.chain
			  where signing_key.chain <> excluded.chain and cardinality(excluded.chain) > 0`, k.KID, k.Registrar, string(k.Purpose), jwk, k.NotBefore, chain)
	}
	b.Exec("retiring keys that have a successor", `
		update signing_key k set retired_at = n.not_before
		  from (select kid, lead(not_before) over (partition by registrar_id, purpose order by not_before, kid) as not_before from signing_key) n
		 where n.kid = k.kid and n.not_before > k.not_before and (k.retired_at is null or k.retired_at > n.not_before)`)
	return db.Platform(ctx, func(tx *pg.Tx) error { return b.Send(ctx, tx) })
}
