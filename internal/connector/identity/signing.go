package identity

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"akashi/internal/fault"
)

// Tries for reading a result, which changes nothing on the other side, and the pause between them.
const (
	readTries = 3
	readPause = 200 * time.Millisecond
)

// maxJWE is the longest sign result that is opened, in bytes. Real ones have about 4,000.
const maxJWE = 64 << 10

// StartSignature hands the SHA-256 digest of what is to be signed to the signing service and returns the id of the
// waiting transaction. When it fails with fault.Upstream the transaction may exist all the same: nobody can sign it
// without the id and it ends by itself, so the caller simply starts another.
func (c *Citizen) StartSignature(ctx context.Context, digest [32]byte) (string, error) {
	token, err := c.clientToken(ctx)
	if err != nil {
		return "", err
	}
	// The DigestInfo, not the bare digest: what the card signs is then a signature of RFC 8017 §8.2, which other programs
	// can check, and which is the form for submissions to J-LIS.
	body, err := json.Marshal(signStart{c.party.cfg.ClientID, base64.StdEncoding.EncodeToString(append(digestInfo(), digest[:]...))})
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "starting a signature")
	}
	req, err := http.NewRequest(http.MethodPost, c.party.cfg.SignAPI, bytes.NewReader(body))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "starting a signature")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	var started signStarted
	if err := call(ctx, c.party.client, req, http.StatusCreated, &started); err != nil {
		return "", fmt.Errorf("starting a signature: %w", err)
	}
	if _, err := uuid.Parse(started.ID); err != nil {
		return "", fault.Wrap(fault.Upstream, err, "starting a signature: the transaction's id")
	}
	return started.ID, nil
}

// digestInfo is the DER of a DigestInfo with SHA-256 and NULL up to the digest (RFC 8017 §9.2 note 1).
func digestInfo() []byte {
	return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
}

// clientToken gets the client's own access token (RFC 6749 §4.4).
func (c *Citizen) clientToken(ctx context.Context) (string, error) {
	provider, err := c.party.metadata(ctx)
	if err != nil {
		return "", err
	}
	assertion, err := c.party.assertion(provider)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "starting a signature")
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.party.cfg.ClientID},
		"client_assertion_type": {assertionType}, "client_assertion": {assertion},
	}
	req, err := http.NewRequest(http.MethodPost, provider.Endpoint().TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "starting a signature")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	if err := call(ctx, c.party.client, req, http.StatusOK, &answer); err != nil {
		return "", fmt.Errorf("starting a signature: %w", err)
	}
	if answer.AccessToken == "" || !strings.EqualFold(answer.TokenType, "Bearer") {
		return "", fault.Wrap(fault.Upstream, errors.New("no bearer token"), "starting a signature")
	}
	return answer.AccessToken, nil
}

// SignatureRequest is what a portal asks of the visit in which the citizen signs.
type SignatureRequest struct {
	RedirectURI string
	Transaction string // of StartSignature
	Subject     string // who is to sign: the subject of the login; empty: anybody
}

// SignatureAuthURL begins the visit in which the citizen signs.
func (c *Citizen) SignatureAuthURL(ctx context.Context, req SignatureRequest) (string, Pending, error) {
	pending := Pending{
		Flow: FlowSignature, RedirectURI: req.RedirectURI, Scopes: []string{"openid", "sign"}, Transaction: req.Transaction,
		Subject: req.Subject,
	}
	return c.party.begin(ctx, pending, oauth2.SetAuthURLParam("sign_transaction_id", req.Transaction))
}

// FinishSignature ends the visit and fetches signature and certificate. They are as they came: format/jpki decides
// whether they may be relied on, and whether the certificate's holder is the person logged in. After fault.Upstream the
// code may be used up; the caller starts a new signature over the same bytes.
func (c *Citizen) FinishSignature(ctx context.Context, pending Pending, callback url.Values) (Signature, error) {
	code, err := c.party.code(FlowSignature, pending, callback)
	if err != nil {
		return Signature{}, err
	}
	s, err := c.party.exchange(ctx, pending, code)
	if err != nil {
		return Signature{}, err
	}
	req, err := http.NewRequest(http.MethodGet, c.party.cfg.SignAPI+"/"+url.PathEscape(pending.Transaction)+"/result", nil)
	if err != nil {
		return Signature{}, fault.Wrap(fault.Internal, err, "fetching the signature")
	}
	s.token.SetAuthHeader(req)
	var result signResult
	if err := c.party.get(ctx, req, &result); err != nil {
		return Signature{}, fmt.Errorf("fetching the signature: %w", err)
	}
	outcome, err := c.open(result.Result)
	if err != nil {
		return Signature{}, fault.Wrap(fault.Upstream, err, "opening the signature")
	}
	outcome.Transaction, outcome.Subject = pending.Transaction, s.id.Subject
	return outcome, nil
}

// get sends a request that only reads, again when the other side failed, because by now the visitor's code is used up
// and a failure would cost a whole new visit.
func (p *party) get(ctx context.Context, req *http.Request, out any) error {
	for try := 1; ; try++ {
		err := call(ctx, p.client, req, http.StatusOK, out)
		var s *status
		if err == nil || try == readTries || errors.As(err, &s) && s.code < 500 {
			return err
		}
		select {
		case <-time.After(readPause):
		case <-ctx.Done():
			return fault.Wrap(fault.Upstream, ctx.Err(), "trying again after "+err.Error())
		}
	}
}

// open decrypts a sign result. The algorithms are exactly those of our key; compressed content is refused, because the
// provider has no use for it and it hides its size.
func (c *Citizen) open(jwe string) (Signature, error) {
	if len(jwe) > maxJWE {
		return Signature{}, errTooLong
	}
	algorithm, _, err := c.party.cfg.Keys.decryption()
	if err != nil {
		return Signature{}, err
	}
	object, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{algorithm}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return Signature{}, err
	}
	if err := uncompressed(jwe); err != nil {
		return Signature{}, err
	}
	plain, err := object.Decrypt(c.party.cfg.Keys.Decryption)
	if err != nil {
		return Signature{}, err
	}
	var outcome signOutcome
	if err := json.Unmarshal(plain, &outcome); err != nil {
		return Signature{}, err
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(outcome.Signature)
	if err != nil {
		return Signature{}, fmt.Errorf("signature: %w", err)
	}
	certificate, err := base64.StdEncoding.Strict().DecodeString(outcome.Certificate)
	if err != nil {
		return Signature{}, fmt.Errorf("certificate: %w", err)
	}
	if len(signature) == 0 || len(certificate) == 0 {
		return Signature{}, errors.New("signature or certificate is missing")
	}
	return Signature{Value: signature, Certificate: certificate}, nil
}

// uncompressed refuses a JWE whose header has "zip" (RFC 7516 §4.1.3).
func uncompressed(jwe string) error {
	header, _, _ := strings.Cut(jwe, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	if _, zipped := members["zip"]; zipped {
		return errors.New("the content is compressed")
	}
	return nil
}
