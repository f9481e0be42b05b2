package wallettest

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Request is a verified request object (OpenID4VP 1.0 §5), with the members that the wallet uses.
type Request struct {
	ClientID     string `json:"client_id"`
	ResponseType string `json:"response_type"`
	ResponseMode string `json:"response_mode"`
	ResponseURI  string `json:"response_uri"`
	Audience     string `json:"aud"`
	Nonce        string `json:"nonce"`
	State        string `json:"state"`
	WalletNonce  string `json:"wallet_nonce"`
	ExpiresAt    int64  `json:"exp"`
	Query        Query  `json:"dcql_query"`
	Metadata     struct {
		Name string             `json:"client_name"`
		Keys jose.JSONWebKeySet `json:"jwks"`
		Encs []string           `json:"encrypted_response_enc_values_supported"`
	} `json:"client_metadata"`
	Chain []*x509.Certificate `json:"-"` // of the verifier
}

// Query is a DCQL query as far as the wallet understands it.
type Query struct {
	Credentials []struct {
		ID     string `json:"id"`
		Format string `json:"format"`
		Meta   struct {
			VCTs    []string `json:"vct_values"`
			DocType string   `json:"doctype_value"`
		} `json:"meta"`
		Claims []struct {
			Path   []any `json:"path"`
			Values []any `json:"values"`
		} `json:"claims"`
		Authorities []Authority `json:"trusted_authorities"`
	} `json:"credentials"`
}

// Authority limits who may stand above the issuer's key (§6.1.1).
type Authority struct {
	Type   string   `json:"type"`
	Values []string `json:"values"`
}

const maxObject = 64 << 10

// Fetch opens a link that invokes a wallet and returns the request behind it.
func (w *Wallet) Fetch(ctx context.Context, link string) (*Request, error) {
	u, err := url.Parse(link)
	if err != nil {
		return nil, fmt.Errorf("reading a wallet's link: %w", err)
	}
	q := u.Query()
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	mine := base64.RawURLEncoding.EncodeToString(nonce)
	object, err := w.object(ctx, q.Get("request_uri"), q.Get("request_uri_method"), mine)
	if err != nil {
		return nil, err
	}
	r, err := readRequest(object)
	if err != nil {
		return nil, err
	}
	switch {
	case r.ClientID != q.Get("client_id"):
		return nil, errors.New("the request is of another client than the link")
	case q.Get("request_uri_method") == "post" && r.WalletNonce != mine:
		return nil, errors.New("the request does not have the wallet's nonce")
	case r.ExpiresAt <= w.Now().Unix():
		return nil, errors.New("the request has expired")
	}
	return r, nil
}

// object fetches the request object by GET or POST (§5.10).
func (w *Wallet) object(ctx context.Context, uri, method, nonce string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if method == "post" {
		form := url.Values{"wallet_nonce": {nonce}, "wallet_metadata": {`{"vp_formats_supported":{"dc+sd-jwt":{},"mso_mdoc":{}}}`}}
		request, err = http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	}
	if err != nil {
		return "", fmt.Errorf("asking for a request: %w", err)
	}
	if method == "post" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Accept", "application/oauth-authz-req+jwt")
	response, err := w.Client.Do(request)
	if err != nil {
		return "", fmt.Errorf("fetching a request: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxObject))
	if err != nil {
		return "", fmt.Errorf("reading a request: %w", err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/oauth-authz-req+jwt" {
		return "", &Refused{Status: response.StatusCode, Body: string(body)}
	}
	return string(body), nil
}

// Refused is an answer of the verifier that is not a success.
type Refused struct {
	Status int
	Body   string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the verifier answered %d: %s", r.Status, r.Body)
}

// readRequest checks the signature with the key in the certificate that the client identifier names (§5.9.3).
func readRequest(object string) (*Request, error) {
	signed, err := jose.ParseSignedCompact(object, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, fmt.Errorf("reading a request object: %w", err)
	}
	header := signed.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != "oauth-authz-req+jwt" {
		return nil, fmt.Errorf("the request object has the type %v", header.ExtraHeaders[jose.HeaderType])
	}
	var r Request
	if r.Chain, err = chainOf(object); err != nil {
		return nil, err
	}
	key, ok := r.Chain[0].PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the verifier's certificate has no elliptic key")
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, fmt.Errorf("checking the signature of a request: %w", err)
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	if r.ResponseType != "vp_token" || r.Audience != "https://self-issued.me/v2" || r.Nonce == "" {
		return nil, errors.New("the request lacks what every one has")
	}
	return &r, r.checkClient()
}

func chainOf(object string) ([]*x509.Certificate, error) {
	first, _, _ := strings.Cut(object, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, fmt.Errorf("reading the header of a request: %w", err)
	}
	var header struct {
		Chain [][]byte `json:"x5c"`
	}
	if err := json.Unmarshal(raw, &header); err != nil || len(header.Chain) == 0 {
		return nil, fmt.Errorf("the request has no certificates: %w", err)
	}
	var out []*x509.Certificate
	for _, der := range header.Chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate of the verifier: %w", err)
		}
		if c.IsCA && c.CheckSignatureFrom(c) == nil {
			return nil, errors.New("the request carries the trust anchor itself (HAIP 1.0 §5)")
		}
		out = append(out, c)
	}
	return out, nil
}

// checkClient compares the client identifier with the certificate.
func (r *Request) checkClient() error {
	prefix, rest, _ := strings.Cut(r.ClientID, ":")
	leaf := r.Chain[0]
	switch prefix {
	case "x509_hash":
		sum := sha256.Sum256(leaf.Raw)
		if rest != base64.RawURLEncoding.EncodeToString(sum[:]) {
			return errors.New("the client identifier is not the certificate's hash")
		}
		return nil
	case "x509_san_dns":
		u, err := url.Parse(r.ResponseURI)
		if err != nil || !slices.Contains(leaf.DNSNames, rest) || u.Hostname() != rest {
			return errors.New("the client identifier is not a name of the certificate, or not the host of the response")
		}
		return nil
	}
	return fmt.Errorf("unknown client identifier prefix %q", prefix)
}
