package verification

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// TrustPublisher signs and publishes the trust list, under the worker's role.
type TrustPublisher struct {
	DB         *pg.DB
	Catalogue  *qualification.Catalogue
	Site       string // origin of the verification site
	Address    string // where the list is published
	StatusBase string // what addresses of status lists begin with
	KID        string
	Chain      []*x509.Certificate // of the key for trust lists, its own certificate first
	Sign       func(ctx context.Context, kid string, toSign []byte) ([]byte, error)
}

// TrustVersion is one published trust list.
type TrustVersion struct {
	Version   int64
	Content   []byte // SHA-256 of what it says
	KID       string
	Token     string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Publish returns the current trust list, after signing the next version when something has changed or half of its life is
// over. Two publishers at once make one version. A key without a certificate signs none: fault.NotFound.
func (p *TrustPublisher) Publish(ctx context.Context) (*TrustVersion, error) {
	if len(p.Chain) == 0 {
		return nil, fault.New(fault.NotFound, "", "signing a trust list with a key that has no certificate")
	}
	document, last, now, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	said, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("writing a trust list: %w", err)
	}
	content := sha256.Sum256(said)
	if last != nil && string(last.Content) == string(content[:]) && last.KID == p.KID && last.ExpiresAt.After(now.Add(TrustLife/2)) {
		return last, nil
	}
	next := &TrustVersion{Version: 1, Content: content[:], KID: p.KID, IssuedAt: now.Truncate(time.Second), ExpiresAt: now.Truncate(time.Second).Add(TrustLife)}
	if last != nil {
		next.Version = last.Version + 1
	}
	if err := p.sign(ctx, document, next); err != nil {
		return nil, err
	}
	return p.store(ctx, next)
}

// read puts together what the list says now, beside the newest version.
func (p *TrustPublisher) read(ctx context.Context) (d *trustDocument, last *TrustVersion, now time.Time, err error) {
	set, err := (&Verifier{DB: p.DB, Catalogue: p.Catalogue}).KeySet(ctx)
	if err != nil {
		return nil, nil, now, err
	}
	var lists []struct {
		RegisterID string
		ListNo     int
	}
	var versions []TrustVersion
	err = p.DB.Platform(ctx, func(tx *pg.Tx) error {
		now = tx.Now
		var b pg.Batch
		pg.Read(&b, &lists, "reading which status lists there are", `select register_id, list_no from status_list order by register_id, list_no`)
		pg.Read(&b, &versions, "reading the trust list", newestTrust)
		return b.Send(ctx, tx)
	})
	if err != nil {
		return nil, nil, now, err
	}
	addresses := map[string][]string{}
	for _, l := range lists {
		if reg, ok := p.Catalogue.Register(l.RegisterID); ok {
			addresses[reg.Registrar] = append(addresses[reg.Registrar], fmt.Sprintf("%s/%s/%d", p.StatusBase, reg.Code, l.ListNo))
		}
	}
	if len(versions) > 0 {
		last = &versions[0]
	}
	d, err = p.document(set, addresses)
	return d, last, now, err
}

// document has the registrars in the order of the key set, which is that of their ids.
func (p *TrustPublisher) document(set KeySet, addresses map[string][]string) (*trustDocument, error) {
	d := &trustDocument{Issuer: p.Site, Subject: p.Address, StatusBase: p.StatusBase, Registrars: []trustRegistrar{}}
	for _, k := range set {
		if n := len(d.Registrars); n == 0 || d.Registrars[n-1].ID != k.Registrar {
			one := trustRegistrar{ID: k.Registrar, Name: trustName{JA: k.RegistrarName}, Registers: k.Registers, StatusLists: addresses[k.Registrar]}
			if r, ok := p.Catalogue.Registrar(k.Registrar); ok {
				one.Name.EN = r.Name.EN
			}
			if one.StatusLists == nil {
				one.StatusLists = []string{}
			}
			d.Registrars = append(d.Registrars, one)
		}
		key, err := k.inList()
		if err != nil {
			return nil, fmt.Errorf("writing key %s into the trust list: %w", k.KID, err)
		}
		of := &d.Registrars[len(d.Registrars)-1]
		of.Keys = append(of.Keys, key)
	}
	return d, nil
}

// sign signs the version, and reads it back before it may be published.
func (p *TrustPublisher) sign(ctx context.Context, d *trustDocument, v *TrustVersion) error {
	d.Version, d.IssuedAt, d.ExpiresAt = v.Version, v.IssuedAt.Unix(), v.ExpiresAt.Unix()
	payload, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("writing a trust list: %w", err)
	}
	v.Token, err = jws.Make(jws.Header{Type: MediaTrustList[len("application/"):], KID: p.KID, Chain: p.Chain}, payload,
		func(toSign []byte) ([]byte, error) { return p.Sign(ctx, p.KID, toSign) })
	if err != nil {
		return err
	}
	if _, err := ReadTrustList([]byte(v.Token), p.Chain[len(p.Chain)-1:], v.IssuedAt); err != nil {
		return fmt.Errorf("reading back what was signed: %w", err)
	}
	return nil
}

const newestTrust = `select version, content, kid, token, issued_at, expires_at from trust_list order by version desc limit 1`

// store makes the version the current one; when another publisher was faster, its version is the answer.
func (p *TrustPublisher) store(ctx context.Context, v *TrustVersion) (*TrustVersion, error) {
	err := p.DB.Platform(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		b.Exec("storing a trust list", `insert into trust_list (version, content, kid, token, issued_at, expires_at) values ($1, $2, $3, $4, $5, $6)`,
			v.Version, v.Content, v.KID, v.Token, v.IssuedAt, v.ExpiresAt)
		b.Exec("removing trust lists that have ended", `delete from trust_list where version < $1 and expires_at < $2`, v.Version, tx.Now)
		return b.Send(ctx, tx)
	})
	if pg.Violates(err, "trust_list_pkey") {
		return CurrentTrustList(ctx, p.DB)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// CurrentTrustList reads the newest trust list. fault.NotFound when none was published, fault.Upstream when it has ended.
func CurrentTrustList(ctx context.Context, db *pg.DB) (*TrustVersion, error) {
	found, err := pg.Ask(ctx, db, pgx.RowToStructByPos[TrustVersion], newestTrust)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the trust list: %w", err)
	case len(found) == 0:
		return nil, fault.New(fault.NotFound, "", "reading the trust list: none was published")
	case !found[0].ExpiresAt.After(db.Clock.Now()):
		return nil, fault.New(fault.Upstream, "", "reading the trust list: the newest has ended")
	}
	return &found[0], nil
}
