package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jpki"
)

// CRLServer fetches revocation lists of signing certificates over HTTP: GET {Address}?point=<directory name, DER,
// base64url>. By law only notified bodies may obtain the real lists (電子署名等に係る地方公共団体情報システム機構の認証業務に
// 関する法律 17条), by a link of their own; a site that has one gives jpki.Verifier another function. Nothing is kept between
// calls, so that a revocation counts from its first moment.
type CRLServer struct {
	address string
	client  *http.Client
}

// NewCRLServer prepares the fetcher. Timeout 0 means 10 seconds, a nil transport http.DefaultTransport.
func NewCRLServer(address string, timeout time.Duration, transport http.RoundTripper) (*CRLServer, error) {
	u, err := url.Parse(address)
	if err != nil || !secure(u) {
		return nil, fmt.Errorf("revocation lists at %q: neither https nor on a loopback address", address)
	}
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &CRLServer{address, newClient(transport, timeout)}, nil
}

// Fetch returns the newest list of a point, DER. It is a jpki.Verifier's CRLs.
func (s *CRLServer) Fetch(ctx context.Context, p jpki.Point) ([]byte, error) {
	doing := "fetching the revocation list of " + p.Name
	address := s.address + "?" + url.Values{"point": {base64.RawURLEncoding.EncodeToString(p.Raw)}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, doing)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fault.Wrap(fault.Upstream, err, doing)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = &status{resp.StatusCode, http.StatusText(resp.StatusCode)}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Upstream, err, doing)
	}
	return body, nil
}
