// Package timestamp gets timestamps (RFC 3161) from an outside authority over HTTP (§3.4).
//
// An authority is not believed, it is checked: the token must be over our digest, answer our nonce, name a time near ours,
// and be signed by a certificate for timestamping that descends from a configured one. Asking twice for the same digest is
// harmless, so a request is repeated when it fails. Only a digest ever leaves us.
//
// Failures are classified: fault.Upstream when trying again later may help, or when the authority answers what cannot be
// believed; fault.Internal when it refuses our request as such.
package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/wire"
	"akashi/internal/fault"
	"akashi/internal/format/tsp"
)

// Limits, and what a zero in Config means.
const (
	maxAnswer   = 64 << 10
	maxList     = 4 << 20
	maxSkew     = 5 * time.Minute
	listAge     = time.Hour // how long a fetched revocation list serves as evidence
	defaultTime = 5 * time.Second
	defaultTry  = 3
	defaultWait = 200 * time.Millisecond
)

// Config says whom to ask. The zero of the last four means a default.
type Config struct {
	URL     string                // of the service; https, or http to a loopback address
	Anchors []*x509.Certificate   // from which its certificate must descend
	Lists   string                // address of the revocation list of its certificate; empty: none is fetched
	Policy  asn1.ObjectIdentifier // to ask for; nil: the authority's own
	Clock   clock.Clock
	HTTP    http.RoundTripper
	Timeout time.Duration
	Tries   int
	Wait    time.Duration // before the first repetition, doubled for each further one
}

// Client asks one authority. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client

	mu        sync.Mutex
	list      []byte // the revocation list last fetched
	fetchedAt time.Time
}

// New returns a client. It fails with fault.Invalid when the configuration lacks something.
func New(c Config) (*Client, error) {
	if c.Clock == nil || len(c.Anchors) == 0 {
		return nil, fault.New(fault.Invalid, "", "configuring the timestamp authority without a clock or a trusted certificate")
	}
	for _, address := range []string{c.URL, c.Lists} {
		if address == "" && c.URL != "" {
			continue
		}
		if _, err := wire.CheckAddress(address); err != nil {
			return nil, fmt.Errorf("configuring the timestamp authority: %w", err)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTime
	}
	if c.Tries == 0 {
		c.Tries = defaultTry
	}
	if c.Wait == 0 {
		c.Wait = defaultWait
	}
	return &Client{config: c, http: &http.Client{Transport: c.HTTP, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Anchors are the certificates that the authority's must descend from.
func (c *Client) Anchors() []*x509.Certificate { return c.config.Anchors }

// Stamp gets a token (DER) for a SHA-256 digest.
func (c *Client) Stamp(ctx context.Context, digest [sha256.Size]byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "asking for a timestamp")
	}
	request := tsp.Request{Hash: crypto.SHA256, Imprint: digest[:], Policy: c.config.Policy, Nonce: nonce, Certs: true}
	body, err := request.Marshal()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "asking for a timestamp")
	}
	var token *tsp.Token
	err = c.repeat(ctx, func() error {
		token, err = c.once(ctx, request, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return token.Raw, nil
}

// repeat tries while that may help.
func (c *Client) repeat(ctx context.Context, once func() error) error {
	for try := 1; ; try++ {
		err := once()
		if err == nil || try >= c.config.Tries || !errors.Is(err, fault.Upstream) {
			return err
		}
		timer := time.NewTimer(c.config.Wait << (try - 1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, q tsp.Request, body []byte) (*tsp.Token, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "asking for a timestamp")
	}
	request.Header.Set("Content-Type", "application/timestamp-query")
	answer, err := c.do(request, "application/timestamp-reply", maxAnswer, "asking for a timestamp")
	if err != nil {
		return nil, err
	}
	token, err := tsp.ParseResponse(answer)
	var refused *tsp.Failure
	if errors.As(err, &refused) && !refused.Passing() {
		return nil, fault.Wrap(fault.Internal, err, "asking for a timestamp")
	}
	if err == nil {
		err = c.believe(token, q)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Upstream, err, "asking for a timestamp")
	}
	return token, nil
}

// ErrClock: the authority's time and ours are too far apart for either to be believed.
var ErrClock = errors.New("the timestamp authority's clock and ours disagree")

// believe checks a token against the request and the configured authority.
func (c *Client) believe(token *tsp.Token, q tsp.Request) error {
	if err := token.Matches(q); err != nil {
		return err
	}
	now := c.config.Clock.Now()
	if token.Info.Time.Sub(now).Abs() > maxSkew {
		return ErrClock
	}
	_, err := token.Verify(q.Imprint, tsp.Trust{Anchors: c.config.Anchors, At: now})
	return err
}

// do makes one request and reads an answer of the expected type.
func (c *Client) do(request *http.Request, want string, limit int64, doing string) ([]byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fault.Wrap(fault.Upstream, withoutAddress(err), doing)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Upstream, err, doing)
	case int64(len(answer)) > limit:
		return nil, fault.New(fault.Upstream, "", doing+": the answer is too long")
	case response.StatusCode >= 400 && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests:
		return nil, fault.New(fault.Internal, "", fmt.Sprintf("%s: the authority answered %d", doing, response.StatusCode))
	case response.StatusCode != http.StatusOK:
		return nil, fault.New(fault.Upstream, "", fmt.Sprintf("%s: the authority answered %d", doing, response.StatusCode))
	case response.Header.Get("Content-Type") != want:
		return nil, fault.New(fault.Upstream, "", doing+": an answer of another type")
	}
	return answer, nil
}

// withoutAddress drops the address that net/http puts in front of an error.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Evidence is what a later reader needs to judge a token of this authority: the certificates of its chain, and, where an
// address of one is configured, a fresh revocation list (each DER). pades.Extend takes them.
func (c *Client) Evidence(ctx context.Context, token []byte) (certificates, lists [][]byte, err error) {
	const doing = "gathering evidence for a timestamp"
	t, err := tsp.ParseToken(token)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, doing)
	}
	chain, err := t.Verify(t.Info.Imprint, tsp.Trust{Anchors: c.config.Anchors, At: c.config.Clock.Now()})
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, doing)
	}
	for _, one := range chain {
		certificates = append(certificates, one.Raw)
	}
	if c.config.Lists == "" {
		return certificates, nil, nil
	}
	list := c.kept(chain[1:])
	if list == nil {
		if list, err = c.fetch(ctx, chain[1:], doing); err != nil {
			return nil, nil, err
		}
	}
	return certificates, [][]byte{list}, nil
}

// kept is the list that was fetched within the hour, if it is by one of these issuers.
func (c *Client) kept(issuers []*x509.Certificate) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list == nil || c.config.Clock.Now().Sub(c.fetchedAt).Abs() > listAge || c.checkList(c.list, issuers) != nil {
		return nil
	}
	return c.list
}

// fetch gets the list anew and keeps it.
func (c *Client) fetch(ctx context.Context, issuers []*x509.Certificate, doing string) (list []byte, err error) {
	err = c.repeat(ctx, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.config.Lists, nil)
		if err != nil {
			return fault.Wrap(fault.Internal, err, doing)
		}
		if list, err = c.do(request, "application/pkix-crl", maxList, doing); err != nil {
			return err
		}
		return fault.Wrap(fault.Upstream, c.checkList(list, issuers), doing)
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.fetchedAt = list, c.config.Clock.Now()
	return list, nil
}

// ErrList: a revocation list by nobody who issued the certificate, or one that is not of now.
var ErrList = errors.New("not a fresh revocation list of the timestamp authority")

func (c *Client) checkList(der []byte, issuers []*x509.Certificate) error {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	now := c.config.Clock.Now()
	if now.Add(maxSkew).Before(list.ThisUpdate) || now.After(list.NextUpdate) {
		return ErrList
	}
	for _, issuer := range issuers {
		if list.CheckSignatureFrom(issuer) == nil {
			return nil
		}
	}
	return ErrList
}
