package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
	"akashi/internal/pg"
)

const (
	aimIssuances = 300.0 // complete issuances a second with eight wallets
	// offersPerSecond bounds how many offers are made for a second of measurement; when all are taken, the measurement ends.
	offersPerSecond = 700
	offersBefore    = 100 // are redeemed before, for each second of measurement
)

// errEnough ends a measurement before its time: there is no more to do.
var errEnough = errors.New("enough")

func newWalletKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return key, faultIf(err, "making a wallet's key")
}

// offers makes offers to wallets, of each holder as many as of the others.
func (w *wallet) offers(ctx context.Context, c Config, n int) ([]*issuance.Made, string, error) {
	fmt.Fprintf(c.Out, "making %d offers to wallets\n", n)
	db, err := w.db.As(ctx, pg.RoleCitizen, int32(c.Clients))
	if err != nil {
		return nil, "", err
	}
	desk := &issuance.Holder{DB: db, Catalogue: w.cat, RefKey: w.refKey, Forms: issuance.WalletForms("http://" + w.Public), Base: w.issuerBase()}
	made := make([]*issuance.Made, n)
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(c.Clients)
	for i := range made {
		g.Go(func() (err error) {
			h := w.of(int64(i))
			made[i], err = desk.Offer(inner, h.applicant(), issuance.Subject{RegisterID: register, Entry: h.Entry})
			return err
		})
	}
	return made, w.issuerBase() + "/" + registrar, g.Wait()
}

// issuances measures complete issuances by pre-authorized code over HTTP: a wallet with a new key fetches an offer, redeems it
// with the transaction code, asks for a nonce, and fetches one SD-JWT VC.
func (w *wallet) issuances(ctx context.Context, c Config) (rows []Row, err error) {
	before := int(c.For.Seconds() * offersBefore)
	offers, issuer, err := w.offers(ctx, c, before+int(c.For.Seconds()*1.1*offersPerSecond))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.Out, "issuing to %d wallets at once for %s\n", c.Clients, c.For)
	t := newTimings()
	var last atomic.Pointer[string]
	take := func(ctx context.Context, n int, t *timings) error {
		key, err := newWalletKey()
		if err != nil {
			return err
		}
		phone := &phone{wires: w.wires, timings: t, issuer: issuer, key: key, from: fmt.Sprintf("10.%d.%d.1", n/250%250, n%250)}
		got, err := phone.take(ctx, w.offerAddress(offers[n]), offers[n].TxCode)
		last.Store(&got)
		return err
	}
	if err := w.fill(ctx, c, before, func(ctx context.Context, n int) error { return take(ctx, n, newTimings()) }); err != nil {
		return nil, err
	}
	var begun atomic.Int64
	begun.Store(int64(before))
	crowd := &crowd{site: w.site}
	rate, cpu, err := crowd.repeatTimed(ctx, c, func(ctx context.Context, _ int64) error {
		n := int(begun.Add(1)) - 1
		if n >= len(offers) {
			return errEnough
		}
		return take(ctx, n, t)
	})
	if err != nil {
		return nil, err
	}
	if err := w.believed(ctx, *last.Load()); err != nil {
		return nil, err
	}
	rows = []Row{atLeast("issuances to wallets", rate, aimIssuances, "/s", fmt.Sprintf("pre-authorized code over HTTP, four requests each, %d wallets at once, the wallets' work on the same machine", c.Clients))}
	for _, name := range []string{"akashi serve", "database", "clients"} {
		rows = append(rows, plain("processor time of "+name+" for an issuance", cpu[name]*1000, "ms", ""))
	}
	return append(rows, t.rows()...), nil
}

// fill makes the first issuances and gathers the planner's statistics after them, as warmUp does for cases: the tables of
// issuance were empty, and plans that were made then would read them whole.
func (w *wallet) fill(ctx context.Context, c Config, n int, take func(ctx context.Context, n int) error) error {
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(c.Clients)
	for i := range n {
		g.Go(func() error { return take(inner, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err := w.admin.Pool.Exec(ctx, "analyze")
	return faultIf(err, "gathering the planner's statistics")
}

func (w *wallet) offerAddress(m *issuance.Made) string {
	return w.issuerBase() + "/" + registrar + "/offers/" + m.Secret
}

// believed has a credential checked that a wallet was given: what is measured must be good.
func (w *wallet) believed(ctx context.Context, text string) error {
	body, err := json.Marshal(map[string]string{"credential": text})
	if err != nil {
		return faultIf(err, "writing a question")
	}
	return w.ask(ctx, newTimings(), issuedCredential{body: body}, 0)
}

// phone is a wallet that has nothing yet.
type phone struct {
	wires   *wires
	timings *timings
	issuer  string // identifier
	key     *ecdsa.PrivateKey
	access  string
	from    string // told to the API as the wallet's address
}

// take redeems an offer and returns the credential.
func (p *phone) take(ctx context.Context, offer, txCode string) (string, error) {
	var made oauth.Offer
	if err := p.do(ctx, "GET offer", http.MethodGet, offer, "", nil, "", &made); err != nil {
		return "", err
	}
	redeeming := url.Values{"grant_type": {oauth.GrantPreAuthorized}, "pre-authorized_code": {made.Grants.PreAuthorized.Code}, "tx_code": {txCode}}
	var tokens oauth.Answer
	if err := p.post(ctx, "/token", "application/x-www-form-urlencoded", []byte(redeeming.Encode()), true, &tokens); err != nil {
		return "", err
	}
	p.access = tokens.AccessToken
	var nonce struct {
		Nonce string `json:"c_nonce"`
	}
	if err := p.post(ctx, "/nonce", "", nil, false, &nonce); err != nil {
		return "", err
	}
	proof, err := oauth.Sign(p.key, map[string]any{"typ": "openid4vci-proof+jwt", "jwk": p.jwk()},
		map[string]any{"aud": p.issuer, "iat": time.Now().Unix(), "nonce": nonce.Nonce})
	if err != nil {
		return "", err
	}
	ask, err := json.Marshal(map[string]any{"credential_configuration_id": register + ".sdjwt", "proofs": map[string]any{"jwt": []string{proof}}})
	if err != nil {
		return "", faultIf(err, "writing a wallet's request")
	}
	var answer oauth.CredentialAnswer
	if err := p.post(ctx, "/credential", "application/json", ask, true, &answer); err != nil {
		return "", err
	}
	if len(answer.Credentials) != 1 || !strings.Contains(answer.Credentials[0].Credential, "~") {
		return "", fmt.Errorf("fetching a credential: %w", errUnexpected)
	}
	return answer.Credentials[0].Credential, nil
}

func (p *phone) jwk() json.RawMessage { return oauth.Key{Public: &p.key.PublicKey}.JWK() }

// post asks an endpoint of the issuer, with a proof of the key where it is asked for (RFC 9449).
func (p *phone) post(ctx context.Context, path, media string, body []byte, proven bool, answer any) error {
	proof := ""
	if proven {
		claims := map[string]any{"jti": uuid.NewString(), "htm": http.MethodPost, "htu": p.issuer + path, "iat": time.Now().Unix()}
		if p.access != "" {
			claims["ath"] = oauth.TokenHash(p.access)
		}
		var err error
		if proof, err = oauth.Sign(p.key, map[string]any{"typ": "dpop+jwt", "jwk": p.jwk()}, claims); err != nil {
			return err
		}
	}
	return p.do(ctx, "POST "+path, http.MethodPost, p.issuer+path, media, body, proof, answer)
}

func (p *phone) do(ctx context.Context, what, method, address, media string, body []byte, proof string, answer any) error {
	to, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	header := []string{"X-Forwarded-For", p.from}
	for _, h := range [][2]string{{"Content-Type", media}, {"DPoP", proof}} {
		if h[1] != "" {
			header = append(header, h[0], h[1])
		}
	}
	if p.access != "" {
		header = append(header, "Authorization", "DPoP "+p.access)
	}
	began := time.Now()
	resp, text, err := p.wires.do(ctx, method, to.Host, to.RequestURI(), header, body)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	p.timings.add(what, time.Since(began))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %.200s: %w", what, resp.StatusCode, text, errUnexpected)
	}
	return faultIf(json.Unmarshal(text, answer), what)
}
