package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"akashi/internal/fault"
)

// The JSON of sign transactions and the value forms of userinfo. Member names of the sign transaction, the form of
// birthdate and gender, and address as one string are unverified: the official text with them could not be read.
// birthdate is also accepted as YYYY-MM-DD and address as an object with "formatted", which are the forms of OpenID
// Connect Core 1.0 §5.1.
type (
	signStart struct {
		ClientID string `json:"client_id"`
		Digest   string `json:"digest"` // Base64 of a DER DigestInfo
	}
	signStarted struct {
		ID string `json:"sign_transaction_id"`
	}
	signResult struct {
		Result string `json:"result"` // compact JWE
	}
	signOutcome struct {
		Signature   string `json:"signature"`   // Base64
		Certificate string `json:"certificate"` // Base64 of DER
	}
)

// maxAnswer is the longest answer of an outside service that is read, in bytes.
const maxAnswer = 1 << 20

// errTooLong is the cause when an answer exceeds maxAnswer.
var errTooLong = errors.New("answer too long")

// newClient returns an HTTP client for outside services: bounded in time and size, and never led elsewhere by a redirect.
func newClient(transport http.RoundTripper, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     limited{transport},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// limited fails a read beyond maxAnswer.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{body: resp.Body, left: maxAnswer}
	return resp, nil
}

type limitedBody struct {
	body io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.body.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (b *limitedBody) Close() error { return b.body.Close() }

// status is an answer other than the one expected.
type status struct {
	code int
	body string // its beginning
}

func (s *status) Error() string { return fmt.Sprintf("answer %d: %s", s.code, s.body) }

// call sends a request and decodes the JSON answer into out. Failures are fault.Upstream; errors.As finds a *status.
func call(ctx context.Context, client *http.Client, req *http.Request, want int, out any) error {
	doing := req.Method + " " + req.URL.Path
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return fault.Wrap(fault.Upstream, err, doing)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fault.Wrap(fault.Upstream, err, doing)
	}
	if resp.StatusCode != want {
		return fault.Wrap(fault.Upstream, &status{resp.StatusCode, string(body[:min(len(body), 300)])}, doing)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fault.Wrap(fault.Upstream, fmt.Errorf("reading the answer: %w", err), doing)
	}
	return nil
}

// single reads one value of a callback's query; a name that stands twice is a manipulation.
func single(query url.Values, name string) (string, error) {
	switch values := query[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", fmt.Errorf("%s stands more than once", name)
}

// addressText reads the address claim, a string or an object with "formatted".
type addressText string

func (a *addressText) UnmarshalJSON(b []byte) error {
	var object struct {
		Formatted string `json:"formatted"`
	}
	if len(b) > 0 && b[0] == '{' {
		err := json.Unmarshal(b, &object)
		*a = addressText(object.Formatted)
		return err
	}
	var text string
	err := json.Unmarshal(b, &text)
	*a = addressText(text)
	return err
}

// userinfo is the answer of the userinfo endpoint.
type userinfo struct {
	Subject   string      `json:"sub"`
	Name      string      `json:"name"`
	Address   addressText `json:"address"`
	BirthDate string      `json:"birthdate"`
	Gender    string      `json:"gender"`
}

// particulars checks that all four are there and in a known form.
func (u userinfo) particulars() (Particulars, error) {
	birth, err := time.Parse("20060102", u.BirthDate)
	if err != nil {
		birth, err = time.Parse(time.DateOnly, u.BirthDate)
	}
	switch {
	case err != nil:
		return Particulars{}, errors.New("birthdate is no date")
	case u.Gender != "1" && u.Gender != "2" && u.Gender != "3":
		return Particulars{}, errors.New("gender is none of the codes")
	case u.Name == "" || u.Address == "":
		return Particulars{}, errors.New("name or address is missing")
	}
	return Particulars{Name: u.Name, Address: string(u.Address), BirthDate: birth.Format(time.DateOnly), Sex: u.Gender}, nil
}
