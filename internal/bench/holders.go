package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/clock"
	"akashi/internal/connector/signer/token"
	"akashi/internal/credential"
	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/system"
)

// holder is somebody whose case has ended with a credential.
type holder struct {
	Person, Entry, Credential uuid.UUID
}

func (h holder) applicant() application.Applicant { return application.Applicant{ID: h.Person} }

// wallet is everything that holders do without pages, in this process: under the portal's role and with the site's own keys.
type wallet struct {
	*site
	cat     *qualification.Catalogue
	refKey  []byte
	keys    *system.Keyring
	holders []holder
}

// openWallet finds everybody who holds a credential by now.
func (s *site) openWallet(ctx context.Context) (*wallet, error) {
	w := &wallet{site: s}
	var err error
	if w.cat, err = system.Definitions(); err != nil {
		return nil, err
	}
	secrets, err := system.OpenVault(s.data())
	if err != nil {
		return nil, err
	}
	w.refKey = secrets.RefKey().Bytes()
	if w.keys, err = system.OpenKeyring(ctx, s.data(), nil, clock.System{}, token.Config{}); err != nil {
		return nil, err
	}
	rows, err := s.admin.Pool.Query(ctx, `
		select h.person_id, c.entry_id, c.id from holding h join credential c on c.register_id = h.register_id and c.entry_id = h.entry_id
		 where h.register_id = $1 and c.state = 'valid' order by c.id`, register)
	if err != nil {
		return nil, faultIf(err, "looking for holders")
	}
	if w.holders, err = pgx.CollectRows(rows, pgx.RowToStructByPos[holder]); err != nil {
		return nil, faultIf(err, "looking for holders")
	}
	if len(w.holders) == 0 {
		return nil, errUnexpected
	}
	return w, nil
}

func (w *wallet) of(n int64) holder { return w.holders[int(n)%len(w.holders)] }

// known are the ids of each holder that copies of credentials name and that are there before.
func (w *wallet) known() (all [][]uuid.UUID) {
	for _, h := range w.holders {
		all = append(all, []uuid.UUID{h.Person, h.Entry, h.Credential, account.RefFor(w.refKey, h.Person, registrar)})
	}
	return all
}

func (w *wallet) statusBase() string { return "http://" + w.Public + "/status" }
func (w *wallet) issuerBase() string { return "http://" + w.API + "/issuers" }
func (w *wallet) page() string       { return "http://" + w.Public + "/w/" }

// holding is the holder's desk over a database of the portal's role.
func (w *wallet) holding(db *pg.DB) *credential.Wallet {
	return &credential.Wallet{DB: db, Catalogue: w.cat, RefKey: w.refKey, Issuer: credential.NewIssuer(credential.Config{DB: db, Catalogue: w.cat,
		Sign: w.keys.Signer.For(string(credential.ForCredential)), StatusBase: w.statusBase(), IssuerBase: w.issuerBase()})}
}

// copying has one copy of a holder's credential made: intent and place, signature, completion.
type copying struct {
	name string
	do   func(ctx context.Context, desk *credential.Wallet, h holder) error
}

func (w *wallet) copyings() ([]copying, error) {
	key, err := newWalletKey()
	if err != nil {
		return nil, err
	}
	bound := oauth.Key{Public: &key.PublicKey}
	forms := issuance.WalletForms("http://" + w.Public)
	return []copying{
		{"compact QR code with its intent and place", func(ctx context.Context, desk *credential.Wallet, h holder) error {
			_, err := desk.Compact(ctx, h.applicant(), register, h.Entry, nil, w.page())
			return err
		}},
		{"SD-JWT VC with its intent and place", func(ctx context.Context, desk *credential.Wallet, h holder) error {
			var finish func([]byte) (string, error)
			_, signature, err := desk.Copy(ctx, h.applicant(), register, h.Entry, func(now time.Time) credential.CopyRequest {
				until := now.Add(24 * time.Hour).Truncate(time.Second)
				return credential.CopyRequest{Form: credential.SDJWT, HolderKey: bound.Thumbprint(), ExpiresAt: &until,
					Compose: func(at credential.Composing) (toSign []byte, err error) {
						toSign, finish, err = forms[0].Compose(at, bound, until)
						return toSign, err
					}}
			})
			if err == nil {
				_, err = finish(signature)
			}
			return err
		}},
	}, nil
}

// aimStatements is the share of the same statements without the program that making copies reaches at least.
const aimStatements = 0.5

// copies measures copies with their intent, place and completion against the same statements in bare pgx.
func (w *wallet) copies(ctx context.Context, c Config) (rows []Row, err error) {
	all, err := w.copyings()
	if err != nil {
		return nil, err
	}
	db, err := w.db.As(ctx, pg.RoleCitizen, int32(c.Clients))
	if err != nil {
		return nil, err
	}
	desk := w.holding(db)
	for _, one := range all {
		fmt.Fprintf(c.Out, "making copies for %s: %s\n", c.For, one.name)
		script, err := w.recordCopy(ctx, one)
		if err != nil {
			return nil, err
		}
		program, err := w.repeat(ctx, c, func(ctx context.Context, n int64) error { return one.do(ctx, desk, w.of(n)) })
		if err != nil {
			return nil, err
		}
		sql, err := w.replay(ctx, c, script, w.known())
		if err != nil {
			return nil, err
		}
		sql.Name, sql.Unit = one.name+": the same statements through pgx", "/s"
		rows = append(rows, plain(one.name, program, "/s", fmt.Sprintf("%d at once, in this process", c.Clients)), sql,
			atLeast(one.name+" against the statements", program/sql.Value, aimStatements, "ratio", ""))
	}
	return rows, nil
}

// recordCopy makes copies of one holder's credential and returns the statements of the last.
func (w *wallet) recordCopy(ctx context.Context, one copying) (script, error) {
	r := &recorder{open: map[*pgx.Conn]*unit{}}
	w.db.Trace(r)
	db, err := w.db.As(ctx, pg.RoleCitizen, 1)
	w.db.Trace(nil)
	if err != nil {
		return nil, err
	}
	for n := range recordedPeople {
		r.listen(n == recordedPeople-1)
		if err := one.do(ctx, w.holding(db), w.holders[0]); err != nil { // whose ids are the first of known
			return nil, err
		}
	}
	return r.made, nil
}
