package credential

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

// Form names a kind of signed rendering of a credential beside its own QR code.
type Form string

// The forms. The database holds the same list.
const (
	QRCompact Form = "qr-compact" // fields of the holder's choice, with a place in a status list
	QRScreen  Form = "qr-screen"  // shown on a screen: runs out within two minutes
	PDF       Form = "pdf"
	SDJWT     Form = "sdjwt" // SD-JWT VC
	MDoc      Form = "mdoc"  // ISO/IEC 18013-5
	VC        Form = "vc"    // W3C VC 2.0 as JOSE
)

// Purpose says what a signing key is for. A key of one purpose signs nothing else.
type Purpose string

// The purposes. The database holds the same list.
const (
	ForCredential Purpose = "credential" // QR codes, SD-JWT VC, VC 2.0
	ForStatus     Purpose = "status"     // status lists
	ForDocument   Purpose = "document"   // PDF
	ForMDoc       Purpose = "mdoc"       // mdoc issuer authentication
)

// Purposes lists every purpose.
var Purposes = []Purpose{ForCredential, ForStatus, ForDocument, ForMDoc}

// Purpose is that of the keys that sign the form.
func (f Form) Purpose() Purpose {
	switch f {
	case PDF:
		return ForDocument
	case MDoc:
		return ForMDoc
	}
	return ForCredential
}

// function is what a register has to use for copies of the form to be made, "" when nothing is asked for: a code on the screen is
// how a credential is shown.
func (f Form) function() string {
	switch f {
	case PDF:
		return qualification.FunctionPDF
	case QRCompact:
		return qualification.FunctionCode
	case SDJWT, MDoc, VC:
		return qualification.FunctionWallet
	}
	return ""
}

// listed tells whether copies of the form have a place in a status list. A code on a screen has none: it runs out before a
// list that says otherwise could reach anybody.
func (f Form) listed() bool { return f != QRScreen }

// Copy is one signed rendering of a credential. What was to be signed is recorded before it is signed; a copy without
// SignedAt may have been signed and has not been handed out. Its status is its credential's, unless the copy itself has
// ended.
type Copy struct {
	RegisterID   string
	ID           uuid.UUID
	CredentialID uuid.UUID
	RegistrarID  string
	PersonRef    *uuid.UUID
	Form         Form
	Fields       []string // labels that it shows
	KID          string
	Digest       []byte // SHA-256 of what is signed
	ToSign       []byte // the bytes themselves, of copies that are shown again; nil otherwise
	Signature    []byte // r and s; nil where it is not kept
	HolderKey    string // RFC 7638 thumbprint of the wallet's key, "" when the copy is bound to none
	IntendedAt   time.Time
	SignedAt     *time.Time
	ExpiresAt    *time.Time // the copy's own end, nil when it lasts as long as its credential
	EndedAt      *time.Time // withdrawn by itself, e.g. because its key is no longer trusted

	entry uuid.UUID // of the credential; known of a copy that was just intended
}

// CopyRequest asks for a copy.
type CopyRequest struct {
	Form      Form
	Fields    []string   // labels that the holder chose; nil: all. What is required is added
	HolderKey string     // thumbprint of the wallet's key
	ExpiresAt *time.Time // the copy's own end
	Keep      bool       // the bytes and the signature are kept, so that the copy can be shown again
	Ground    *Ground    // read before, with other questions of the caller's; nil: it is read now. It is good for one copy
	// Compose returns what is to be signed. It is called inside the transaction, may be called more than once, and must not
	// reach outside. The issuer's chain may be empty: a form that needs one says so.
	Compose func(Composing) (toSign []byte, err error)
}

// Composing is what a copy is composed of.
type Composing struct {
	CopyID uuid.UUID
	Facts  form.Facts // with the fields that were chosen
	Issuer form.Issuer
	Status form.StatusRef // zero for a form that has no place in a list
	Now    time.Time
}

// Reasons why there is no copy; each is the key of a message, and errors.Is finds it.
const (
	NotInForce  Refusal = "credential.not_in_force"  // suspended, ended, not signed yet, or its term is over
	NotOffered  Refusal = "credential.not_offered"   // the register does not use the function that makes such copies
	NoKey       Refusal = "credential.no_key"        // the registrar has no key for the purpose
	NoSlot      Refusal = "credential.no_slot"       // no free place was found in the status list
	TermPassed  Refusal = "credential.term_passed"   // the copy would end before it begins
	AlreadyDone Refusal = "credential.already_done"  // the copy was completed before, or has ended
	WrongKey    Refusal = "credential.wrong_purpose" // a key of another purpose
)

// Refusal is the reason why something is refused.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Refusals lists every reason.
func Refusals() []Refusal {
	return []Refusal{NotInForce, NoKey, NoSlot, TermPassed, AlreadyDone, WrongKey, NotOffered, AlreadyHeld, NotHeld, ByOffice, Ended, NotSigned, StaleLogin, TooManyIssues, UnknownStopCode}
}

func refuse(kind fault.Kind, r Refusal, doing string) error {
	return &fault.Error{Kind: kind, Key: string(r), Doing: doing, Err: r}
}

// SigningKey is the public side of a key with which a registrar signs now.
type SigningKey struct {
	KID       string
	Registrar string
	Purpose   Purpose
	Public    *ecdsa.PublicKey
	Chain     []*x509.Certificate // the key's own first; empty while it has none
	NotBefore time.Time
}

// slots is the size of every status list: two bits for each place, 256 KiB before compression.
const slots = 1 << 20

// draws is how many places are drawn at once. Of a list that is half full all are taken once in 16 million times.
const draws = 24

// IntendCopy records what is to be signed for a copy of a credential, and its place in a status list, in the caller's
// transaction: under the holder's door (pg.InPerson with the reference) or the registrar's. The caller commits, has ToSign
// signed with no transaction open, and records that with CompleteCopy. Nothing is handed out before.
//
// What is recorded travels with the transaction's next statements, at the latest with its end.
//
// It fails with fault.Conflict and NotInForce when the credential is not in force or NotOffered when its register does not make
// such copies today, with fault.Internal and NoKey or NoSlot; then there is no copy. That a credential has left its force
// meanwhile, the transaction says at its end.
func (i *Issuer) IntendCopy(ctx context.Context, tx *pg.Tx, c *Credential, req CopyRequest) (*Copy, []byte, error) {
	if err := i.mayCopy(c, req, tx.Now); err != nil {
		return nil, nil, err
	}
	facts, err := i.FactsOf(c)
	if err == nil {
		facts, err = facts.Choose(req.Fields)
	}
	if err != nil {
		return nil, nil, err
	}
	key, place, err := i.prepare(ctx, tx, c, req)
	if err != nil {
		return nil, nil, err
	}
	copied := &Copy{RegisterID: c.RegisterID, ID: pg.NewID(), CredentialID: c.ID, RegistrarID: c.RegistrarID, PersonRef: c.PersonRef, Form: req.Form,
		Fields: chosen(facts), KID: key.KID, HolderKey: req.HolderKey, IntendedAt: tx.Now, ExpiresAt: req.ExpiresAt, entry: c.EntryID}
	at := Composing{CopyID: copied.ID, Facts: facts, Issuer: i.issuer(key), Now: tx.Now}
	if place != nil {
		at.Status = i.StatusRef(facts.RegisterCode, place.ListNo, place.Index)
	}
	toSign, err := req.Compose(at)
	if err != nil {
		return nil, nil, fmt.Errorf("composing a copy in the form %s: %w", req.Form, err)
	}
	digest := sha256.Sum256(toSign)
	copied.Digest = digest[:]
	if req.Keep {
		copied.ToSign = toSign
	}
	return copied, toSign, copied.record(ctx, tx, place)
}

func (i *Issuer) mayCopy(c *Credential, req CopyRequest, now time.Time) error {
	switch {
	case c.State != Valid || c.Expired(calendar.Of(now)):
		return refuse(fault.Conflict, NotInForce, "copying a credential")
	case req.ExpiresAt != nil && !req.ExpiresAt.After(now):
		return refuse(fault.Invalid, TermPassed, "copying a credential")
	}
	return nil
}

func chosen(f form.Facts) []string {
	labels := make([]string, 0, len(f.Labels))
	for label := range f.Labels {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return labels
}

// FactsOf reads what a credential says, for every form alike.
func (i *Issuer) FactsOf(c *Credential) (form.Facts, error) {
	labels, err := c.Facts()
	if err != nil {
		return form.Facts{}, err
	}
	reg, ok := i.Catalogue.Register(c.RegisterID)
	if !ok {
		return form.Facts{}, fmt.Errorf("reading a credential of unknown register %s", c.RegisterID)
	}
	return form.Read(labels, form.Record{Register: c.RegisterID, RegisterCode: reg.Code, Registrar: c.RegistrarID, Detail: c.Detail, ValidUntil: c.ValidUntil})
}

// issuer names who signs with a key, as the forms have it.
func (i *Issuer) issuer(k *SigningKey) form.Issuer {
	out := form.Issuer{Registrar: k.Registrar, URI: i.IssuerBase + "/" + k.Registrar, KID: k.KID, Public: k.Public, Chain: k.Chain, NotBefore: k.NotBefore}
	if r, ok := i.Catalogue.Registrar(k.Registrar); ok {
		out.Name = form.Text{JA: r.Name.JA, EN: r.Name.EN}
	}
	return out
}

// StatusRef is the place of a copy as the forms carry it.
func (i *Issuer) StatusRef(registerCode string, listNo, index int) form.StatusRef {
	return form.StatusRef{URI: fmt.Sprintf("%s/%s/%d", i.StatusBase, registerCode, listNo), Index: index, RegisterCode: registerCode, ListNo: listNo}
}

// slot is a place that is free as far as the transaction sees.
type slot struct {
	ListNo, Index int
	opens         bool // the register's first list does not exist yet
}

func (s *slot) list() *int {
	if s == nil {
		return nil
	}
	return &s.ListNo
}

// Ground is what a copy needs beside its credential: the registrar's key for the form, for forms that have one a free place in a
// status list, and the acts by which its register makes such copies or does not, which this process may not have heard of.
type Ground struct {
	register, registrar string
	form                Form
	keys                []keyRow
	free                []slot
	acts                rollout.Watch
}

// QueueGround queues the reading of the ground of one copy.
func (i *Issuer) QueueGround(b *pg.Batch, registerID, registrarID string, f Form, now time.Time) (*Ground, error) {
	g := &Ground{register: registerID, registrar: registrarID, form: f}
	if f.function() != "" {
		reg, ok := i.Catalogue.Register(registerID)
		if !ok {
			return nil, fmt.Errorf("copying a credential of unknown register %s", registerID)
		}
		g.acts.Queue(b, reg.Qualification)
	}
	queueKey(b, &g.keys, registrarID, f.Purpose(), now)
	if !f.listed() {
		return g, nil
	}
	places, err := i.draw()
	if err != nil {
		return nil, err
	}
	pg.ReadBy(b, &g.free, scanSlot, "looking for a free place in a status list", `
		select l.list_no, p.idx
		  from (select coalesce((select max(list_no) from status_list where register_id = $1 and full_at is null), 0) as list_no) l,
		       unnest($2::int[]) with ordinality p (idx, n)
		 where not exists (select 1 from status_slot s where s.register_id = $1 and s.list_no = greatest(l.list_no, 1) and s.idx = p.idx)
		 order by p.n limit 1`, registerID, places)
	return g, nil
}

// prepare returns the key and, for forms that have one, a free place: those of the ground, or read in one round trip.
func (i *Issuer) prepare(ctx context.Context, tx *pg.Tx, c *Credential, req CopyRequest) (*SigningKey, *slot, error) {
	g := req.Ground
	if g == nil {
		var b pg.Batch
		var err error
		if g, err = i.QueueGround(&b, c.RegisterID, c.RegistrarID, req.Form, tx.Now); err == nil {
			err = b.Send(ctx, tx)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	switch {
	case g.register != c.RegisterID || g.registrar != c.RegistrarID || g.form != req.Form:
		return nil, nil, fault.New(fault.Internal, "", "copying a credential on the ground of another")
	case g.form.function() != "" && !g.acts.Uses(i.Catalogue, g.register, g.form.function(), calendar.Of(tx.Now)):
		return nil, nil, refuse(fault.Conflict, NotOffered, "copying a credential in the form "+string(g.form))
	case len(g.keys) == 0:
		return nil, nil, refuse(fault.Internal, NoKey, "looking for a key of "+c.RegistrarID+" for "+string(req.Form.Purpose()))
	}
	key, err := i.key(g.keys[0])
	switch {
	case err != nil || !req.Form.listed():
		return key, nil, err
	case len(g.free) == 0:
		return nil, nil, refuse(fault.Internal, NoSlot, "looking for a free place in a status list of "+c.RegisterID)
	}
	return key, &g.free[0], nil
}

// parsedKey is a key as read from its row.
type parsedKey struct {
	row keyRow
	key *SigningKey
}

// key reads a key; the same row is read once.
func (i *Issuer) key(r keyRow) (*SigningKey, error) {
	if kept, ok := i.parsed.Load(r.KID); ok {
		if p := kept.(*parsedKey); r.same(p.row) {
			return p.key, nil
		}
	}
	key, err := r.key()
	if err == nil {
		i.parsed.Store(r.KID, &parsedKey{row: r, key: key})
	}
	return key, err
}

func (r keyRow) same(o keyRow) bool {
	return r.KID == o.KID && r.Registrar == o.Registrar && r.Purpose == o.Purpose && r.NotBefore.Equal(o.NotBefore) &&
		bytes.Equal(r.JWK, o.JWK) && slices.EqualFunc(r.Chain, o.Chain, bytes.Equal)
}

// scanSlot reads a place; list 0 stands for the register's first, which does not exist yet.
func scanSlot(r pgx.CollectableRow) (s slot, err error) {
	err = r.Scan(&s.ListNo, &s.Index)
	if s.ListNo == 0 {
		s.ListNo, s.opens = 1, true
	}
	return s, err
}

// drawn draws places at random, so that an index tells nothing about when or for whom it was taken.
func drawn() ([]int32, error) {
	var raw [4 * draws]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "drawing a place in a status list")
	}
	places := make([]int32, draws)
	for i := range places {
		places[i] = int32(binary.BigEndian.Uint32(raw[4*i:]) % slots) // a power of two: no index is likelier
	}
	return places, nil
}

// record stores the copy and its place. The copy's foreign key locks the credential against a move until the transaction
// ends, and the state is read once more behind that lock: whoever moves the credential afterwards sees the place. Two
// that drew the same place at once meet at status_slot_drawn, and the transaction is repeated with another draw.
func (c *Copy) record(ctx context.Context, tx *pg.Tx, place *slot) error {
	var b pg.Batch
	b.Exec("recording the intent of a copy", `
		insert into credential_copy (register_id, id, credential_id, registrar_id, person_ref, form, fields, kid, digest, to_sign, holder_key, intended_at, expires_at, list_no)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.RegisterID, c.ID, c.CredentialID, c.RegistrarID, c.PersonRef, string(c.Form), c.Fields, c.KID, c.Digest, c.ToSign, c.HolderKey, c.IntendedAt,
		c.ExpiresAt, place.list())
	if place != nil {
		if place.opens {
			b.Exec("opening a status list", `insert into status_list (register_id, list_no, opened_at) values ($1, $2, $3) on conflict do nothing`,
				c.RegisterID, place.ListNo, tx.Now)
		}
		b.Exec("taking a place in a status list", `
			insert into status_slot (register_id, list_no, idx, registrar_id, credential_id, copy_id) values ($1, $2, $3, $4, $5, $6)`,
			c.RegisterID, place.ListNo, place.Index, c.RegistrarID, c.CredentialID, c.ID)
	}
	queueInForce(&b, c, "copying a credential")
	return b.SendLater(ctx, tx)
}

// CompleteCopy records that a copy was signed, in a transaction of the same door; when that has ended the copy may be handed out.
// The signature is kept when the copy's bytes were. What is recorded travels as that of IntendCopy. The transaction fails with
// fault.Conflict and AlreadyDone when the copy was completed before or has ended, and with NotInForce when the credential has left
// its force since the intent: then the copy must not be handed out.
func (i *Issuer) CompleteCopy(ctx context.Context, tx *pg.Tx, c *Copy, signature []byte) error {
	kept := signature
	if c.ToSign == nil {
		kept = nil
	}
	if c.entry == uuid.Nil {
		if err := c.find(ctx, tx); err != nil {
			return err
		}
	}
	var b pg.Batch
	queueInForce(&b, c, "completing a copy")
	b.ExecOneOr(refuse(fault.Conflict, AlreadyDone, "completing a copy"), "completing a copy", `
		update credential_copy set signature = $3, signed_at = $4
		 where register_id = $1 and id = $2 and signed_at is null and ended_at is null`, c.RegisterID, c.ID, kept, tx.Now)
	if err := audit.Queue(&b, tx.Now, c.audited(c.entry)); err != nil {
		return err
	}
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	c.Signature, c.SignedAt = kept, &tx.Now
	return nil
}

// find reads which entry the copy's credential is of.
func (c *Copy) find(ctx context.Context, tx *pg.Tx) error {
	var b pg.Batch
	var entries []uuid.UUID
	pg.ReadBy(&b, &entries, pgx.RowTo[uuid.UUID], "looking for a copy's entry", `select entry_id from credential where register_id = $1 and id = $2`, c.RegisterID, c.CredentialID)
	if err := b.Send(ctx, tx); err != nil {
		return err
	}
	if len(entries) != 1 {
		return refuse(fault.Conflict, NotInForce, "completing a copy")
	}
	c.entry = entries[0]
	return nil
}

// queueInForce sees that the copy's credential is in force at this place of the transaction.
func queueInForce(b *pg.Batch, c *Copy, doing string) {
	b.ExecOneOr(refuse(fault.Conflict, NotInForce, doing), "looking at a credential's state",
		`select 1 from credential where register_id = $1 and id = $2 and state = 'valid'`, c.RegisterID, c.CredentialID)
}

func (c *Copy) audited(entry uuid.UUID) audit.Event {
	v := audit.Event{Act: audit.CredentialCopy, Actor: audit.Actor{Kind: audit.ActorPerson}, Purpose: "own", Outcome: string(c.Form),
		Register: c.RegisterID, Registrar: c.RegistrarID, Entry: entry, Items: c.Fields}
	if c.PersonRef != nil {
		v.Ref = *c.PersonRef
	}
	return v
}

// CopyByID reads a copy in a transaction of the holder's or the registrar's door. fault.NotFound when there is none.
func CopyByID(ctx context.Context, tx *pg.Tx, registerID string, id uuid.UUID) (*Copy, error) {
	all, err := copies(ctx, tx, `register_id = $1 and id = $2`, registerID, id)
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, "", "reading a copy of a credential")
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// CopiesOf reads the copies of a credential, newest first, at most limit.
func CopiesOf(ctx context.Context, tx *pg.Tx, registerID string, credentialID uuid.UUID, limit int) ([]Copy, error) {
	return copies(ctx, tx, `register_id = $1 and credential_id = $2 order by intended_at desc, id desc limit $3`, registerID, credentialID, limit)
}

func copies(ctx context.Context, tx *pg.Tx, where string, args ...any) (out []Copy, err error) {
	var b pg.Batch
	pg.Read(&b, &out, "reading copies of a credential", `
		select register_id, id, credential_id, registrar_id, person_ref, form, fields, kid, digest, to_sign, signature, holder_key, intended_at,
		       signed_at, expires_at, ended_at from credential_copy where `+where, args...)
	return out, b.Send(ctx, tx)
}

// KeyFor reads the key with which a registrar signs for a purpose now, with its chain, in a transaction of any door. It
// fails with fault.Internal and NoKey.
func KeyFor(ctx context.Context, tx *pg.Tx, registrar string, p Purpose) (*SigningKey, error) {
	var b pg.Batch
	var keys []keyRow
	queueKey(&b, &keys, registrar, p, tx.Now)
	if err := b.Send(ctx, tx); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, refuse(fault.Internal, NoKey, "looking for a key of "+registrar+" for "+string(p))
	}
	return keys[0].key()
}

type keyRow struct {
	KID, Registrar, Purpose string
	JWK                     []byte
	Chain                   [][]byte
	NotBefore               time.Time
}

// queueKey reads the newest key that signs: not retired yet, not distrusted, and begun.
func queueKey(b *pg.Batch, out *[]keyRow, registrar string, p Purpose, now time.Time) {
	pg.Read(b, out, "looking for the registrar's key", `
		select kid, registrar_id, purpose, public_jwk::text::bytea, chain, not_before from signing_key
		 where registrar_id = $1 and purpose = $2 and (retired_at is null or retired_at > $3) and distrusted_at is null and not_before <= $3
		 order by not_before desc, kid limit 1`, registrar, string(p), now)
}

func (r keyRow) key() (*SigningKey, error) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(r.JWK, &jwk); err != nil {
		return nil, fmt.Errorf("reading key %s: %w", r.KID, err)
	}
	public, ok := jwk.Key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fault.New(fault.Internal, "", "reading key "+r.KID+": it is not of ECDSA")
	}
	k := &SigningKey{KID: r.KID, Registrar: r.Registrar, Purpose: Purpose(r.Purpose), Public: public, NotBefore: r.NotBefore}
	for _, der := range r.Chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates of key %s: %w", r.KID, err)
		}
		k.Chain = append(k.Chain, cert)
	}
	return k, nil
}
