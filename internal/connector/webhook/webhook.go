// Package webhook sends notifications to addresses that others have chosen: signed (RFC 9421), with a time limit, and
// nowhere but to the open network, so that nobody makes us call our own machines. What an answer says is not read.
package webhook

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/httpsig"
)

// Tag is the tag of our signatures (RFC 9421 §2.3).
const Tag = "akashi-webhook"

// EventHeader carries the event's id, the same however often it is sent.
const EventHeader = "Akashi-Event-Id"

const (
	patience    = 10 * time.Second
	contentType = "application/json"
	maxAnswer   = 64 << 10 // read so that the connection can be used again, and thrown away
)

// Config is what a Sender needs.
type Config struct {
	KeyID string
	Key   crypto.Signer // ECDSA P-256
	Clock clock.Clock
	// Near are networks that may be called although they are not open, by plain HTTP, too: loopback in the demonstration,
	// none in earnest.
	Near []netip.Prefix
}

// Sender sends notifications. It is safe for concurrent use.
type Sender struct {
	config Config
	http   *http.Client
}

// New returns a sender.
func New(c Config) (*Sender, error) {
	if c.KeyID == "" || c.Key == nil || c.Clock == nil {
		return nil, fault.New(fault.Invalid, "", "configuring the sender of notifications without key or clock")
	}
	s := &Sender{config: c}
	dialer := &net.Dialer{Timeout: patience, Control: s.control}
	s.http = &http.Client{
		Timeout: patience,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: patience, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
			ForceAttemptHTTP2: true}, // no proxy: it would look the address up in our stead
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// errClosed says that an address is not of the open network.
var errClosed = errors.New("the address is not of the open network")

// control looks at the address that a name has led to, right before it is called: a look at the name would be too early.
func (s *Sender) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); !open(ip) && !s.near(ip) {
		return errClosed
	}
	return nil
}

func (s *Sender) near(ip netip.Addr) bool {
	for _, p := range s.config.Near {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// closed are special networks beside those that netip knows (IANA's registries of special-purpose addresses).
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

// open tells whether an address is of the open network.
func open(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range closed {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// Post sends one notification and returns the status of its answer. fault.Forbidden when the address may not be called,
// fault.Upstream when nobody answered.
func (s *Sender) Post(ctx context.Context, target, id string, body []byte) (status int, err error) {
	if err := s.check(target); err != nil {
		return 0, err
	}
	h, err := httpsig.Sign(httpsig.Message{Method: http.MethodPost, TargetURI: target, ContentType: contentType, Body: body},
		httpsig.Parameters{Created: s.config.Clock.Now(), KeyID: s.config.KeyID, Tag: Tag}, s.sign)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, errors.New("it cannot be called"), "reading the address of a notification")
	}
	for name, value := range map[string]string{"Content-Type": contentType, "Content-Digest": h.ContentDigest, "Signature-Input": h.SignatureInput,
		"Signature": h.Signature, EventHeader: id, "User-Agent": "akashi"} {
		req.Header.Set(name, value)
	}
	answer, err := s.http.Do(req)
	if errors.Is(err, errClosed) {
		return 0, fault.Wrap(fault.Forbidden, errClosed, "sending a notification")
	}
	if err != nil {
		return 0, fault.Wrap(fault.Upstream, withoutAddress(err), "sending a notification")
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return answer.StatusCode, nil //nolint:nilerr // the status has arrived; what follows it is thrown away
	}
	return answer.StatusCode, nil
}

// withoutAddress takes the address out of an error, since its path may hold a secret of the verifier's.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// check refuses an address by its text: plain HTTP but to a near network, which a name does not tell.
func (s *Sender) check(target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil {
		return fault.New(fault.Invalid, "", "reading the address of a notification")
	}
	if u.Scheme == "https" {
		return nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Scheme != "http" || err != nil || !s.near(ip.Unmap()) {
		return fault.New(fault.Forbidden, "", "sending a notification without TLS")
	}
	return nil
}

// sign makes r and s, 32 bytes each, of the signer's ASN.1.
func (s *Sender) sign(digest []byte) ([]byte, error) {
	der, err := s.config.Key.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing a notification: %w", err)
	}
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) > 0 {
		return nil, fault.New(fault.Internal, "", "signing a notification: the signature is not ECDSA's")
	}
	out := make([]byte, 64)
	pair.R.FillBytes(out[:32])
	pair.S.FillBytes(out[32:])
	return out, nil
}

// Public returns the public half of the key.
func (s *Sender) Public() *ecdsa.PublicKey {
	public, _ := s.config.Key.Public().(*ecdsa.PublicKey)
	return public
}
