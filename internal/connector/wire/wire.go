// Package wire is how a connector calls an outside service: JSON over HTTP, each call with a fresh token signed by our
// key, a time limit, a bound on what is read, and a few repetitions where the service promises that a repeated request
// takes effect once.
//
// Whatever goes wrong is classified: fault.Upstream when trying again later may help (no answer, 5xx, 429, an answer that
// cannot be understood); fault.Internal when our own configuration or request is at fault (400, 401, 403);
// fault.NotFound, fault.Conflict and fault.Invalid for 404, 409 and 422. After fault.Upstream the outcome is unknown: the
// caller repeats the request with the same key, and never takes it for undone.
package wire

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

const (
	maxAnswer   = 1 << 20
	tokenLife   = time.Minute
	defaultTime = 5 * time.Second
	defaultTry  = 3
	defaultWait = 200 * time.Millisecond
)

// Config says whom to call and as whom. The zero of the last four means a default.
type Config struct {
	BaseURL  string        // https, or http to a loopback address; no path
	ClientID string        // as the service knows us
	KeyID    string        // names Key to the service
	Key      crypto.Signer // ECDSA P-256
	Clock    clock.Clock
	HTTP     http.RoundTripper // http.DefaultTransport
	Timeout  time.Duration     // of one try; 5 s
	Tries    int               // 3
	Wait     time.Duration     // before the first repetition, doubled for each further one; 200 ms
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client
	signer jose.Signer
}

// New returns a client. It fails with fault.Invalid when the configuration lacks something or the address is neither
// https nor loopback.
func New(c Config) (*Client, error) {
	if c.ClientID == "" || c.Key == nil || c.Clock == nil {
		return nil, fault.New(fault.Invalid, "", "configuring a client without id, key or clock")
	}
	base, err := CheckAddress(c.BaseURL)
	if err != nil {
		return nil, err
	}
	c.BaseURL = base
	c.Timeout, c.Tries, c.Wait = or(c.Timeout, defaultTime), or(c.Tries, defaultTry), or(c.Wait, defaultWait)
	key := jose.JSONWebKey{Key: cryptosigner.Opaque(c.Key), KeyID: c.KeyID}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "configuring a client's key")
	}
	return &Client{config: c, signer: signer, http: &http.Client{
		Transport: c.HTTP, Timeout: c.Timeout,
		// An answer that points elsewhere would carry our token there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// CheckAddress refuses an address to which nothing may be sent: neither https nor on this machine (fault.Invalid). It returns
// the address without a slash at the end.
func CheckAddress(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "reading a service's address")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return "", fault.New(fault.Invalid, "", fmt.Sprintf("configuring a service at %q: neither https nor loopback", raw))
	}
	return strings.TrimSuffix(raw, "/"), nil
}

// BaseURL returns the service's address without a slash at the end.
func (c *Client) BaseURL() string { return c.config.BaseURL }

// Request is one call. Body becomes JSON when not nil. Repeatable says that the service lets the request take effect
// only once however often it arrives.
type Request struct {
	Method     string
	Path       string
	Header     map[string]string
	Body       any
	Repeatable bool
}

// Refusal is what the service said when it answered with an error. It is found with errors.As.
type Refusal struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"description"`
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the service answered %d %s", r.Status, r.Code)
}

// Do makes the call and decodes the answer into out. It returns the status, which is 2xx when the error is nil.
func (c *Client) Do(ctx context.Context, r Request, out any) (int, error) {
	body, err := encode(r.Body)
	if err != nil {
		return 0, err
	}
	tries := 1
	if r.Repeatable {
		tries = c.config.Tries
	}
	for try := 1; ; try++ {
		status, err := c.once(ctx, r, body, out)
		if err == nil || try >= tries || !errors.Is(err, fault.Upstream) {
			return status, err
		}
		if c.pause(ctx, try) != nil {
			return status, err
		}
	}
}

func encode(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	return b, fault.Wrap(fault.Internal, err, "encoding a request")
}

// pause waits between half and the whole of a doubling time, so that many callers do not come back at once.
func (c *Client) pause(ctx context.Context, try int) error {
	wait := c.config.Wait << (try - 1)
	timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) once(ctx context.Context, r Request, body []byte, out any) (int, error) {
	request, err := c.request(ctx, r, body)
	if err != nil {
		return 0, err
	}
	doing := r.Method + " " + request.URL.Path
	response, err := c.http.Do(request)
	if err != nil {
		return 0, fault.Wrap(fault.Upstream, withoutAddress(err), doing)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return response.StatusCode, fault.Wrap(fault.Upstream, err, doing)
	}
	if len(answer) > maxAnswer {
		return response.StatusCode, fault.New(fault.Upstream, "", doing+": the answer is too long")
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.StatusCode, refusal(response.StatusCode, answer, doing)
	}
	return response.StatusCode, decode(answer, out, doing)
}

// withoutAddress drops the address that net/http puts in front of an error, since its query may hold something personal.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (c *Client) request(ctx context.Context, r Request, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, c.config.BaseURL+r.Path, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "preparing "+r.Method)
	}
	repeatNothing(request)
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	return request, nil
}

// repeatNothing keeps net/http from sending a request a second time by itself, as it does when a kept connection breaks and
// the request looks repeatable: the token in it would be refused as used. Our own repetition makes a new one.
func repeatNothing(request *http.Request) {
	request.GetBody = nil
	if request.Method == http.MethodGet {
		request.Body = io.NopCloser(bytes.NewReader(nil))
	}
}

// token is made anew for every try, because each is accepted once.
func (c *Client) token() (string, error) {
	now := c.config.Clock.Now()
	token, err := jwt.Signed(c.signer).Claims(jwt.Claims{
		Issuer: c.config.ClientID, Subject: c.config.ClientID, Audience: jwt.Audience{c.config.BaseURL},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokenLife)), ID: uuid.NewString(),
	}).Serialize()
	return token, fault.Wrap(fault.Internal, err, "signing a client token")
}

func decode(answer []byte, out any, doing string) error {
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fault.Wrap(fault.Upstream, err, doing+": reading the answer")
	}
	return nil
}

func refusal(status int, answer []byte, doing string) error {
	r := &Refusal{}
	// An error page that is not ours to read still has its status.
	if json.Unmarshal(answer, r) != nil {
		r = &Refusal{}
	}
	r.Status = status
	return fault.Wrap(kindOf(status), r, doing)
}

func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return fault.Internal
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusUnprocessableEntity:
		return fault.Invalid
	}
	return fault.Upstream
}
