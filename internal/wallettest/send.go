package wallettest

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const thumbprintHash = crypto.SHA256

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Reply is what a verifier says to an answer that it took.
type Reply struct {
	RedirectURI string `json:"redirect_uri"` // where the holder goes on, "" across devices
}

// Send posts an answer in the mode of the request (OpenID4VP 1.0 §8.2, §8.3). A refusal is *Refused.
func (w *Wallet) Send(ctx context.Context, r *Request, shown Shown) (*Reply, error) {
	if r.ResponseMode == "direct_post.jwt" {
		text, err := r.Encrypt(map[string]any{"vp_token": shown, "state": r.State})
		if err != nil {
			return nil, err
		}
		return w.Post(ctx, r.ResponseURI, url.Values{"response": {text}})
	}
	token, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	return w.Post(ctx, r.ResponseURI, url.Values{"vp_token": {string(token)}, "state": {r.State}})
}

// Decline tells the verifier that the holder did not want to (§8.5).
func (w *Wallet) Decline(ctx context.Context, r *Request) (*Reply, error) {
	return w.Post(ctx, r.ResponseURI, url.Values{"error": {"access_denied"}, "state": {r.State}})
}

// Encrypt makes a JWE of members for the verifier's key, with the strongest encoding that it takes.
func (r *Request) Encrypt(members map[string]any) (string, error) {
	key, err := r.key()
	if err != nil {
		return "", err
	}
	enc := jose.A128GCM
	if slices.Contains(r.Metadata.Encs, string(jose.A256GCM)) {
		enc = jose.A256GCM
	}
	plain, err := json.Marshal(members)
	if err != nil {
		return "", fmt.Errorf("writing an answer: %w", err)
	}
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.ECDH_ES, Key: key.Key, KeyID: key.KeyID}, nil)
	if err != nil {
		return "", fmt.Errorf("encrypting an answer: %w", err)
	}
	message, err := e.Encrypt(plain)
	if err != nil {
		return "", fmt.Errorf("encrypting an answer: %w", err)
	}
	return message.CompactSerialize()
}

// Post sends form parameters to a response's address.
func (w *Wallet) Post(ctx context.Context, uri string, form url.Values) (*Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("answering a verifier: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := w.Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("answering a verifier: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxObject))
	if err != nil {
		return nil, fmt.Errorf("reading a verifier's reply: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, &Refused{Status: response.StatusCode, Body: string(body)}
	}
	var reply Reply
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, fmt.Errorf("reading a verifier's reply: %w", err)
	}
	return &reply, nil
}
