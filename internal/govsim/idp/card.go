package idp

import (
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"net/http"
	"sync"
	"time"

	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
)

// How many wrong tries in a row lock a key of the card.
const (
	pinTries      = 3
	passwordTries = 5
)

// Secret is one of the two secrets of a card.
type secretKind int

const (
	pinSecret secretKind = iota
	passwordSecret
)

// cardState is a card and what happened to it.
type cardState struct {
	ca.Card

	mu          sync.Mutex
	wrong       [2]int // wrong tries in a row, by secretKind
	credentials map[ca.Kind]ca.Credential
}

// try checks a secret. It returns how many tries are left, 0 when the key is locked.
func (c *cardState) try(kind secretKind, given string) (right bool, left int) {
	want, tries := c.PIN, pinTries
	if kind == passwordSecret {
		want, tries = c.Password, passwordTries
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrong[kind] >= tries {
		return false, 0
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1 {
		c.wrong[kind] = 0
		return true, tries
	}
	c.wrong[kind]++
	return false, tries - c.wrong[kind]
}

// locked tells which keys are locked.
func (c *cardState) locked() (pin, password bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong[pinSecret] >= pinTries, c.wrong[passwordSecret] >= passwordTries
}

func (c *cardState) unlock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = [2]int{}
}

// credential returns the certificate and key of a kind, issued at first use.
func (c *cardState) credential(authority *ca.CA, kind ca.Kind) (ca.Credential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made, have := c.credentials[kind]; have {
		return made, nil
	}
	issue := authority.IssueSigning
	if kind == ca.Authentication {
		issue = authority.IssueAuthentication
	}
	made, err := issue(c.Card)
	if err != nil {
		return ca.Credential{}, err
	}
	c.credentials[kind] = made
	return made, nil
}

func (c *cardState) signing(authority *ca.CA) (ca.Credential, error) {
	return c.credential(authority, ca.Signing)
}

// cardDesk is the citizens' side of the provider: the reader, the cards, the sign transactions.
type cardDesk struct {
	provider *provider
	ca       *ca.CA
	cards    []*cardState // in the order of the configuration

	mu           sync.Mutex
	onReader     string // id of a card; empty: none
	transactions map[string]*transaction
}

// newCardDesk checks the cards and puts the first on the reader.
func newCardDesk(p *provider, cfg Config) (*cardDesk, error) {
	d := &cardDesk{provider: p, ca: cfg.CA, transactions: map[string]*transaction{}}
	for _, card := range cfg.Cards {
		if err := checkCard(card); err != nil {
			return nil, fmt.Errorf("card %q: %w", card.ID, err)
		}
		if d.card(card.ID) != nil {
			return nil, fmt.Errorf("card %q: the id is taken", card.ID)
		}
		d.cards = append(d.cards, &cardState{Card: card, credentials: map[ca.Kind]ca.Credential{}})
	}
	if len(d.cards) > 0 {
		d.onReader = d.cards[0].ID
	}
	p.check = d.check
	return d, nil
}

// checkCard sees that the card could be a real one.
func checkCard(c ca.Card) error {
	if !plainID(c.ID) {
		return fmt.Errorf("the id is not letters and digits")
	}
	if len(c.PIN) != 4 || !only(c.PIN, '0', '9') {
		return fmt.Errorf("the PIN is not four digits")
	}
	if len(c.Password) < 6 || len(c.Password) > 16 {
		return fmt.Errorf("the signing password is not 6 to 16 characters")
	}
	for _, r := range c.Password {
		if !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return fmt.Errorf("the signing password has a character other than A-Z and 0-9")
		}
	}
	if _, err := jpki.BirthRaw(c.BirthDate); err != nil {
		return err
	}
	return nil
}

func only(s string, from, to byte) bool {
	for i := range len(s) {
		if s[i] < from || s[i] > to {
			return false
		}
	}
	return true
}

// card returns the card of the id, nil when there is none.
func (d *cardDesk) card(id string) *cardState {
	for _, c := range d.cards {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// reader returns the id of the card on the reader.
func (d *cardDesk) reader() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.onReader
}

// put puts a card on the reader; the empty id takes the present one away.
func (d *cardDesk) put(id string) error {
	if id != "" && d.card(id) == nil {
		return fmt.Errorf("no card %q", id)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onReader = id
	return nil
}

// usable sees that the authentication certificate is valid and, where the request asks for it, not revoked.
func (d *cardDesk) usable(card *cardState, checkList bool) (bool, error) {
	credential, err := card.credential(d.ca, ca.Authentication)
	if err != nil {
		return false, err
	}
	cert, err := x509.ParseCertificate(credential.Certificate)
	if err != nil {
		return false, err
	}
	now := d.provider.clock.Now()
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return false, nil
	}
	return !checkList || !d.ca.Revoked(ca.Authentication, credential.Certificate), nil
}

// outcome is who the card's holder is to the client, with the claims of the granted scopes.
func (d *cardDesk) outcome(card *cardState, req request) (outcome, error) {
	name, address := card.Face()
	birth, err := time.Parse(time.DateOnly, card.BirthDate)
	if err != nil {
		return outcome{}, err
	}
	info := map[string]any{}
	for scope, value := range map[string]string{
		"name": name, "address": address, "birthdate": birth.Format(userinfoDate), "gender": string(card.Sex),
	} {
		if req.wants(scope) {
			info[scope] = value
		}
	}
	return outcome{
		subject: d.provider.pairwise(req.client.ID, card.ID), acr: "aal3", amr: []string{"hwk", "pin"}, info: info,
	}, nil
}

// routes lays out the citizens' side.
func (d *cardDesk) routes(mux *http.ServeMux, o *outages) {
	mux.Handle("POST /api/sign-transactions", o.wrap("sign_start", http.HandlerFunc(d.startSign)))
	mux.Handle("GET /api/sign-transactions/{id}/result", o.wrap("sign_result", http.HandlerFunc(d.result)))
	mux.HandleFunc("GET /{$}", d.showReader)
	mux.HandleFunc("POST /reader", d.postReader)
	mux.HandleFunc("GET /app/{visit}", d.show)
	mux.HandleFunc("POST /app/{visit}/card", d.postCard)
	mux.HandleFunc("POST /app/{visit}/pin", d.postPIN)
	mux.HandleFunc("POST /app/{visit}/password", d.postPassword)
	mux.HandleFunc("POST /app/{visit}/cancel", d.postCancel)
}
