package issuance

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/pg"
)

// making is a copy on its way: its intent is recorded.
type making struct {
	copy   *credential.Copy
	toSign []byte
	finish func(signature []byte) (string, error)
}

// entitled runs f over the grant behind an access token (RFC 6750, RFC 9449 §7), narrowed to the reference it names.
func (s *Server) entitled(ctx context.Context, registrar, endpoint, access string, fields []string, f func(tx *pg.Tx, g *Grant) (refused, err error)) error {
	id, ok := s.Identifier(registrar)
	if !ok {
		return unknown()
	}
	p, err := s.prove(id, endpoint, fields, access)
	if err != nil {
		return err
	}
	return s.held(ctx, registrar, access, oauth.AccessUnknown, p, func(tx *pg.Tx, g *Grant) (refused, err error) {
		switch {
		case !is(g.AccessDigest, access):
			return oauth.Refuse(oauth.AccessUnknown, "using an access token"), nil
		case g.HolderKey != p.Key.Thumbprint():
			return oauth.Refuse(oauth.DPoPKey, "using an access token"), nil
		case g.State != Active, g.AccessExpires == nil, !tx.Now.Before(*g.AccessExpires), g.Lapsed(tx.Now):
			return oauth.Refuse(oauth.AccessExpired, "using an access token"), nil
		}
		return f(tx, g)
	})
}

// Credential answers a request for copies of a credential (VCI §8): the copies, or a transaction id while there is no
// credential yet.
func (s *Server) Credential(ctx context.Context, registrar, access string, body []byte, fields []string) (*oauth.CredentialAnswer, error) {
	r, err := oauth.ParseCredential(body, BatchSize)
	if err != nil {
		return nil, err
	}
	var work issue
	err = s.entitled(ctx, registrar, "/credential", access, fields, func(tx *pg.Tx, g *Grant) (refused, err error) {
		work = issue{grant: g}
		if work.form, work.configuration, refused = s.wanted(g, r); refused != nil {
			return refused, nil
		}
		p, refused := s.proved(tx.Now, g, r)
		if refused != nil {
			return refused, nil
		}
		return s.begin(ctx, tx, &work, p)
	})
	if err != nil {
		return nil, err
	}
	return s.complete(ctx, &work)
}

// issue is one request on its way.
type issue struct {
	grant         *Grant
	configuration string
	form          *Form
	credential    *credential.Credential
	living        []credential.Credential // of the grant's entry, when it is about one
	ground        *credential.Ground      // of the first copy, when the entry is known beforehand
	copies        []making
	deferral      uuid.UUID // waits, or is being answered
	interval      int       // seconds; not 0: the credential is not there yet
}

// wanted finds which of a grant's configurations a request asks for.
func (s *Server) wanted(g *Grant, r *oauth.CredentialRequest) (*Form, string, error) {
	configuration := r.Configuration
	switch {
	case g.Identified && r.Identifier == "", !g.Identified && r.Configuration == "":
		return nil, "", oauth.Refuse(oauth.CredentialMalformed, "asking by the other of configuration and identifier")
	case g.Identified:
		at := slices.IndexFunc(g.Configurations, func(c string) bool { return g.identifier(c) == r.Identifier })
		if at < 0 {
			return nil, "", oauth.Refuse(oauth.IdentifierUnknown, "asking for a credential")
		}
		configuration = g.Configurations[at]
	}
	_, form, ok := s.Forms.find(s.Catalogue, configuration)
	switch {
	case !ok:
		return nil, "", oauth.Refuse(oauth.ConfigurationUnknown, "asking for a credential")
	case !slices.Contains(g.Configurations, configuration):
		return nil, "", oauth.Refuse(oauth.ConfigurationNotGranted, "asking for a credential")
	}
	return form, configuration, nil
}

// proofs are the keys of a request's proofs, and the nonce that they have.
type proofs struct {
	keys  []oauth.Key
	nonce string
	until time.Time // when it would not be taken any more
}

// proved checks a request's key proofs. Whether their nonce was used before is still to be seen.
func (s *Server) proved(now time.Time, g *Grant, r *oauth.CredentialRequest) (p proofs, refused error) {
	id := s.Base + "/" + g.RegistrarID
	if p.keys, p.nonce, refused = oauth.Proofs(r, oauth.ProofWant{Issuer: id, ClientID: g.ClientID, Now: now, Trust: s.Providers.trust(now),
		Attested: len(s.Providers) > 0}); refused != nil {
		return p, refused
	}
	var ok bool
	if p.until, ok = s.Nonces.fresh(forProof, id, p.nonce, now, nonceLife); !ok {
		return p, oauth.Refuse(oauth.ProofNonce, "asking for a credential")
	}
	return p, nil
}

// begin uses the nonce up and records the intents of the copies, or that the request has to wait.
func (s *Server) begin(ctx context.Context, tx *pg.Tx, w *issue, p proofs) (refused, err error) {
	var b pg.Batch
	var first [][]byte
	queueOnce(&b, &first, p.until.Add(time.Minute), "proof", p.nonce)
	if err := s.queueEntry(&b, w, tx.Now); err != nil {
		return nil, err
	}
	if err := b.Send(ctx, tx); err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return oauth.Refuse(oauth.ProofReplayed, "asking for a credential"), nil
	}
	if refused, err = s.ready(ctx, tx, w); refused != nil || err != nil {
		return refused, err
	}
	if w.interval > 0 {
		w.deferral, err = w.grant.insertDeferral(ctx, tx, w.configuration, p.keys)
		return nil, err
	}
	return s.intend(ctx, tx, w, p.keys)
}

// queueEntry reads, of a grant that is about an entry, its credential and the ground of a copy.
func (s *Server) queueEntry(b *pg.Batch, w *issue, now time.Time) (err error) {
	if w.grant.EntryID == nil {
		return nil
	}
	credential.QueueLiving(b, &w.living, w.grant.RegisterID, *w.grant.EntryID)
	w.ground, err = s.Issuer.QueueGround(b, w.grant.RegisterID, w.grant.RegistrarID, w.form.Form, now)
	return err
}

// ready looks where the credential stands: in force, on its way (then interval is set), or not to be had.
func (s *Server) ready(ctx context.Context, tx *pg.Tx, w *issue) (refused, err error) {
	if !gives(s.Catalogue, w.grant.RegisterID, calendar.Of(tx.Now)) { // nothing is promised, either; see intend
		return oauth.Refuse(oauth.NotOffered, "asking for a credential"), nil
	}
	var at subject
	switch {
	case w.grant.EntryID == nil || w.ground == nil:
		at, err = w.grant.find(ctx, tx)
	case len(w.living) > 0:
		at.credential = &w.living[0]
	}
	w.interval = 0
	switch c := at.credential; {
	case err != nil:
		return nil, err
	case at.open:
		w.interval = later
	case at.over:
		return oauth.Refuse(oauth.CaseEnded, "asking for a credential"), nil
	case c == nil || c.Expired(calendar.Of(tx.Now)):
		return oauth.Refuse(oauth.CredentialEnded, "asking for a credential"), nil
	case c.State == credential.Suspended:
		return oauth.Refuse(oauth.CredentialSuspended, "asking for a credential"), nil
	case c.State == credential.Intended:
		w.interval = soon
	}
	w.credential = at.credential
	return nil, nil
}

// copyLife is how long a copy in a wallet lasts; its credential's term may end before.
const copyLife = 365 * 24 * time.Hour

// intend records the intent of a copy for each key.
func (s *Server) intend(ctx context.Context, tx *pg.Tx, w *issue, keys []oauth.Key) (refused, err error) {
	if w.grant.Copies+len(keys) > maxCopies {
		return oauth.Refuse(oauth.CopiesExhausted, "asking for a credential"), nil
	}
	var b pg.Batch
	b.ExecOne("counting copies", `update issuance_grant set copies = copies + $3 where register_id = $1 and id = $2`, w.grant.RegisterID, w.grant.ID, len(keys))
	if err := b.SendLater(ctx, tx); err != nil { // with the intents
		return nil, err
	}
	w.copies = nil
	until := tx.Now.Add(copyLife).Truncate(time.Second)
	for i, k := range keys {
		m := making{}
		req := credential.CopyRequest{Form: w.form.Form, HolderKey: k.Thumbprint(), ExpiresAt: &until,
			Compose: func(at credential.Composing) (toSign []byte, err error) {
				toSign, m.finish, err = w.form.Compose(at, k, until)
				return toSign, err
			}}
		if i == 0 {
			req.Ground = w.ground
		}
		m.copy, m.toSign, err = s.Issuer.IntendCopy(ctx, tx, w.credential, req)
		if errors.Is(err, credential.NotOffered) { // ended by an act that this process has not heard of
			return oauth.Refuse(oauth.NotOffered, "asking for a credential"), nil
		}
		if err != nil {
			return nil, err
		}
		w.copies = append(w.copies, m)
	}
	return nil, nil
}

// complete signs what was intended, with no transaction open, records it, and hands it out.
func (s *Server) complete(ctx context.Context, w *issue) (*oauth.CredentialAnswer, error) {
	if w.interval > 0 {
		return &oauth.CredentialAnswer{Transaction: b64.EncodeToString(w.deferral[:]), Interval: w.interval}, nil
	}
	answer := &oauth.CredentialAnswer{}
	signatures := make([][]byte, len(w.copies))
	for i, m := range w.copies {
		var err error
		if signatures[i], err = s.Issuer.Sign(ctx, m.copy.KID, m.toSign); err != nil {
			return nil, err
		}
		text, err := m.finish(signatures[i])
		if err != nil {
			return nil, err
		}
		answer.Credentials = append(answer.Credentials, oauth.Issued{Credential: text})
	}
	id := pg.NewID()
	err := s.DB.InRegistrar(ctx, w.grant.RegistrarID, func(tx *pg.Tx) error {
		if err := tx.ForRef(ctx, w.grant.PersonRef); err != nil {
			return err
		}
		return s.record(ctx, tx, w, id, signatures)
	})
	if errors.Is(err, credential.NotInForce) || errors.Is(err, fault.Conflict) {
		return nil, oauth.Refuse(oauth.CredentialEnded, "handing out a copy whose credential has left its force meanwhile")
	}
	if err != nil {
		return nil, err
	}
	answer.Notification = b64.EncodeToString(id[:])
	return answer, nil
}

func (s *Server) record(ctx context.Context, tx *pg.Tx, w *issue, id uuid.UUID, signatures [][]byte) error {
	copies := make([]uuid.UUID, len(w.copies))
	var b pg.Batch
	for i := range w.copies {
		copies[i] = w.copies[i].copy.ID
	}
	b.Exec("recording an answer", `
		insert into issuance_response (register_id, grant_id, id, registrar_id, person_ref, configuration, copies, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, w.grant.RegisterID, w.grant.ID, id, w.grant.RegistrarID, w.grant.PersonRef, w.configuration, copies, tx.Now)
	if w.deferral != uuid.Nil {
		b.ExecOne("answering a deferred request", `
			update issuance_deferral set done_at = $4 where register_id = $1 and grant_id = $2 and id = $3 and done_at is null`,
			w.grant.RegisterID, w.grant.ID, w.deferral, tx.Now)
	}
	if err := b.SendLater(ctx, tx); err != nil {
		return err
	}
	for i := range w.copies {
		if err := s.Issuer.CompleteCopy(ctx, tx, w.copies[i].copy, signatures[i]); err != nil {
			return err
		}
	}
	return nil
}

// Deferred answers a request for what was deferred (VCI §9).
func (s *Server) Deferred(ctx context.Context, registrar, access string, body []byte, fields []string) (*oauth.CredentialAnswer, error) {
	transaction, err := oauth.ParseDeferred(body)
	if err != nil {
		return nil, err
	}
	var work issue
	err = s.entitled(ctx, registrar, "/deferred", access, fields, func(tx *pg.Tx, g *Grant) (refused, err error) {
		work = issue{grant: g}
		d, refused, err := g.deferral(ctx, tx, transaction)
		if refused != nil || err != nil {
			return refused, err
		}
		work.deferral, work.configuration = d.ID, d.Configuration
		var ok bool
		if _, work.form, ok = s.Forms.find(s.Catalogue, d.Configuration); !ok {
			return oauth.Refuse(oauth.ConfigurationUnknown, "asking for what was deferred"), nil
		}
		if refused, err = s.ready(ctx, tx, &work); refused != nil || err != nil || work.interval > 0 {
			return refused, err
		}
		keys, err := d.holders()
		if err != nil {
			return nil, err
		}
		return s.intend(ctx, tx, &work, keys)
	})
	if err != nil {
		return nil, err
	}
	return s.complete(ctx, &work)
}

// deferral reads a waiting request of the grant.
func (g *Grant) deferral(ctx context.Context, tx *pg.Tx, transaction string) (d deferral, refused, err error) {
	refused = oauth.Refuse(oauth.TransactionUnknown, "asking for what was deferred")
	id, ok := parseID(transaction)
	if !ok {
		return d, refused, nil
	}
	var b pg.Batch
	var found []deferral
	pg.Read(&b, &found, "reading a deferred request", `
		select id, configuration, keys, done_at from issuance_deferral where register_id = $1 and grant_id = $2 and id = $3 for no key update`,
		g.RegisterID, g.ID, id)
	if err := b.Send(ctx, tx); err != nil {
		return d, nil, err
	}
	if len(found) == 0 || found[0].DoneAt != nil {
		return d, refused, nil
	}
	return found[0], nil, nil
}

func parseID(text string) (uuid.UUID, bool) {
	raw, err := b64.DecodeString(text)
	if err != nil || len(raw) != 16 {
		return uuid.Nil, false
	}
	return uuid.UUID(raw), true
}

// Notify records what a wallet did with the copies of one answer (VCI §11). The same again is the same.
func (s *Server) Notify(ctx context.Context, registrar, access string, body []byte, fields []string) error {
	text, event, err := oauth.ParseNotification(body)
	if err != nil {
		return err
	}
	return s.entitled(ctx, registrar, "/notification", access, fields, func(tx *pg.Tx, g *Grant) (refused, err error) {
		id, ok := parseID(text)
		if !ok {
			return oauth.Refuse(oauth.NotificationUnknown, "taking a notification"), nil
		}
		done, err := tx.Exec(ctx, `
			update issuance_response set event = $4, notified_at = coalesce(notified_at, $5) where register_id = $1 and grant_id = $2 and id = $3`,
			g.RegisterID, g.ID, id, event, tx.Now)
		switch {
		case err != nil:
			return nil, fault.Wrap(fault.Internal, err, "recording a notification")
		case done.RowsAffected() == 0:
			return oauth.Refuse(oauth.NotificationUnknown, "taking a notification"), nil
		}
		return nil, audit.Record(ctx, tx, g.audited(audit.WalletNotify, event))
	})
}
