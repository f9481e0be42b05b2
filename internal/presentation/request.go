package presentation

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
)

// Client identifier prefixes (OpenID4VP 1.0 §5.9.3): how a wallet knows who asks.
const (
	PrefixHash = "x509_hash"    // the SHA-256 of the certificate; the one that HAIP 1.0 §5 has
	PrefixDNS  = "x509_san_dns" // a name in the certificate, which is also the host of the response's address
)

// Response modes (§8.2, §8.3.1).
const (
	Encrypted = "direct_post.jwt"
	Plain     = "direct_post"
)

const (
	typeRequest = "oauth-authz-req+jwt" // RFC 9101 §10.8
	// MediaRequest is the media type of a request object.
	MediaRequest = "application/" + typeRequest

	anyWallet = "https://self-issued.me/v2" // aud where the wallet was not discovered (§5.8)
)

// Key is one with which requests are signed, with the certificates by which wallets know it: its own first.
type Key struct {
	KID       string
	Chain     []*x509.Certificate
	NotBefore time.Time
}

// clientID is who asks, with its prefix, in requests that are answered at the address. A certificate's hash fits every address; a
// name must be the host of the address and stand in the certificate as it is, since wallets compare both (§5.9.3). It fails with
// fault.Internal when the certificate has nothing for the prefix.
func (k *Key) clientID(prefix, address string) (string, error) {
	leaf := k.Chain[0]
	if prefix == PrefixHash {
		sum := sha256.Sum256(leaf.Raw)
		return PrefixHash + ":" + base64.RawURLEncoding.EncodeToString(sum[:]), nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || prefix != PrefixDNS || !slices.Contains(leaf.DNSNames, u.Hostname()) {
		return "", fault.New(fault.Internal, "", "naming the verifier by "+prefix+", for which its certificate has nothing")
	}
	return PrefixDNS + ":" + u.Hostname(), nil
}

// sent are the certificates that travel with a request: the authority's own does not (HAIP 1.0 §5).
func (k *Key) sent() []*x509.Certificate { return form.WithoutAnchor(k.Chain) }

// request is a request object before it is signed (§5.1, RFC 9101 §4).
type request struct {
	ResponseType string          `json:"response_type"`
	ResponseMode string          `json:"response_mode"`
	ClientID     string          `json:"client_id"`
	ResponseURI  string          `json:"response_uri"`
	Audience     string          `json:"aud"`
	Nonce        string          `json:"nonce"`
	State        string          `json:"state"`
	Query        json.RawMessage `json:"dcql_query"`
	Metadata     clientMetadata  `json:"client_metadata"`
	WalletNonce  string          `json:"wallet_nonce,omitempty"`
	IssuedAt     int64           `json:"iat"`
	ExpiresAt    int64           `json:"exp"`
}

// clientMetadata is what a wallet needs to know of us (§5.1, §11.1).
type clientMetadata struct {
	Name    string               `json:"client_name"`
	Keys    *jose.JSONWebKeySet  `json:"jwks,omitempty"`
	Encs    []string             `json:"encrypted_response_enc_values_supported,omitempty"`
	Formats map[string]algValues `json:"vp_formats_supported"`
}

type algValues map[string][]any

// supported are the formats and algorithms that are read (Appendix B.2.2, B.3.4): ES256 alone.
func supported() map[string]algValues {
	return map[string]algValues{
		FormatSDJWT: {"sd-jwt_alg_values": {jws.ES256}, "kb-jwt_alg_values": {jws.ES256}},
		FormatMDoc:  {"issuerauth_alg_values": {-7}, "deviceauth_alg_values": {-7}},
	}
}

// encodings are the content encryptions that wallets may choose from (HAIP 1.0 §5).
var encodings = []jose.ContentEncryption{jose.A128GCM, jose.A256GCM}

// object writes and signs the request object of a transaction.
func (t *Transaction) object(chain []*x509.Certificate, sign jws.Sign, name, responseURI, walletNonce string, key *ecdsa.PublicKey, now time.Time) (string, error) {
	r := request{ResponseType: "vp_token", ResponseMode: t.Mode, ClientID: t.ClientID, ResponseURI: responseURI, Audience: anyWallet,
		Nonce: t.Nonce, State: t.State, Query: t.Query, WalletNonce: walletNonce, IssuedAt: now.Unix(), ExpiresAt: t.ExpiresAt.Unix(),
		Metadata: clientMetadata{Name: name, Formats: supported()}}
	if t.Mode == Encrypted {
		r.Metadata.Keys = &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: t.ID.String(), Use: "enc", Algorithm: string(jose.ECDH_ES)}}}
		for _, e := range encodings {
			r.Metadata.Encs = append(r.Metadata.Encs, string(e))
		}
	}
	payload, err := json.Marshal(r)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "writing a request")
	}
	return jws.Make(jws.Header{Type: typeRequest, Chain: chain}, payload, sign)
}

// walletLink is the address that opens a wallet (§5.1, §5.10): who asks, and where the request is to be had.
func walletLink(scheme, clientID, requestURI string) string {
	return scheme + "://?" + url.Values{"client_id": {clientID}, "request_uri": {requestURI}, "request_uri_method": {"post"}}.Encode()
}

// thumbprint is that of a key (RFC 7638), which a mobile document's session names (Appendix B.2.6.1).
func thumbprint(key *ecdsa.PublicKey) ([]byte, error) {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(thumbprintHash)
	return sum, fault.Wrap(fault.Internal, err, "naming a key")
}
