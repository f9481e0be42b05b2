package world

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	connfamily "akashi/internal/connector/family"
	connresident "akashi/internal/connector/resident"
	"akashi/internal/connector/wire"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/idp"
	"akashi/internal/person"
)

// free returns an address that was free a moment ago.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

type fixture struct {
	*World
	clock *clock.Adjustable
	key   *ecdsa.PrivateKey
}

func start(t *testing.T, dir string) fixture {
	t.Helper()
	c := &clock.Adjustable{}
	c.Set(time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k", Use: "sig", Algorithm: "ES256"}}}
	w, err := New(Config{Dir: dir, Clock: c, Log: slog.New(slog.DiscardHandler),
		Addresses: Addresses{Login: free(t), Staff: free(t), Resident: free(t), Family: free(t), Payment: free(t), Timestamp: free(t)},
		Clients: Clients{CitizenID: "akashi", CitizenKeys: keys, CitizenRedirects: []string{"http://127.0.0.1:1/login/callback"},
			StaffID: "akashi", StaffKeys: keys, StaffRedirects: []string{"http://127.0.0.1:2/login/callback"},
			ServiceID: "akashi", ServiceKey: &key.PublicKey, Businesses: []string{"kangoshi.registration"}},
		Staff: []idp.StaffUser{{Subject: "s", Username: "u", Name: "審査 一郎", Password: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("running: %v", err)
		}
	})
	return fixture{w, c, key}
}

func (f fixture) calling(address string) wire.Config {
	return wire.Config{BaseURL: "http://" + address, ClientID: "akashi", KeyID: "k", Key: f.key, Clock: f.clock}
}

func TestEverySimulatorAnswers(t *testing.T) {
	f := start(t, t.TempDir())
	a := f.cfg.Addresses
	for _, address := range []string{a.Login, a.Staff, a.Resident, a.Family, a.Payment, a.Timestamp} {
		resp, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || string(body) != "ok\n" {
			t.Errorf("%s: %d %q", address, resp.StatusCode, body)
		}
	}
}

// The registries know everybody by what the card says, and answer as the person was invented to be answered.
func TestPeopleAgree(t *testing.T) {
	f := start(t, t.TempDir())
	residents, err := connresident.New(f.calling(f.cfg.Addresses.Resident))
	if err != nil {
		t.Fatal(err)
	}
	families, err := connfamily.New(f.calling(f.cfg.Addresses.Family))
	if err != nil {
		t.Fatal(err)
	}
	resident := map[string]string{"shoji": "match_deceased", "mamoru": "withheld"}
	family := map[string]string{"mirai": "partly_unknown_order", "maria": "none"}
	for i, p := range People() {
		birth, err := calendar.ParseISO(p.BirthDate)
		if err != nil {
			t.Fatal(err)
		}
		card := cards(People())[i]
		face, address := card.Face()
		for _, name := range []string{card.Name, face} {
			r, err := residents.Inquire(t.Context(), connresident.Inquiry{RequestID: p.ID + name, BusinessID: "kangoshi.registration",
				Purpose: "procedure", Name: name, BirthDate: birth, Sex: person.Sex(p.Sex), Address: address})
			if want := or(resident[p.ID], "match_alive"); err != nil || r.Answer.Class() != want {
				t.Errorf("resident registry about %s: %+v, %v; want %s", name, r.Answer, err, want)
			}
			q, err := families.Inquire(t.Context(), connfamily.Inquiry{RequestID: p.ID + name, BusinessID: "kangoshi.registration",
				Purpose: "procedure", Name: name, BirthDate: birth, Sex: person.Sex(p.Sex)})
			if want := or(family[p.ID], "determined"); err != nil || q.Answer.Class() != want {
				t.Errorf("family register about %s: %+v, %v; want %s", name, q.Answer, err, want)
			}
		}
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Each card's certificate says what the card says; only those that were invented to be unusable are.
func TestCardsSign(t *testing.T) {
	f := start(t, t.TempDir())
	v := jpki.Verifier{Anchors: nil, CRLs: func(_ context.Context, p jpki.Point) ([]byte, error) { return f.CA.CRL(ca.Signing, p) }, Now: f.clock.Now}
	v.Anchors = append(v.Anchors, f.CA.Anchor(ca.Signing))
	want := map[string]jpki.Reason{"kigen": jpki.Expired}
	for _, card := range cards(People()) {
		credential, err := f.CA.IssueSigning(card)
		if err != nil {
			t.Errorf("%s: %v", card.ID, err)
			continue
		}
		content := []byte("content")
		signer, err := v.Verify(t.Context(), content, sign(t, credential, content), credential.Certificate, f.clock.Now())
		switch reason := want[card.ID]; {
		case reason == "" && (err != nil || signer.Name != card.Name):
			t.Errorf("%s: %q, %v", card.ID, signer.Name, err)
		case reason != "" && !isRefused(err, reason):
			t.Errorf("%s: %v, want %s", card.ID, err, reason)
		}
	}
}

// A second start has the same authority and the same subjects, and revokes again.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	first, second := start(t, dir), start(t, dir)
	if !first.CA.Anchor(ca.Signing).Equal(second.CA.Anchor(ca.Signing)) || !first.Stamps.Anchor().Equal(second.Stamps.Anchor()) {
		t.Error("the authority is another one")
	}
	if err := second.Prepare(); err != nil {
		t.Fatal(err)
	}
}

func sign(t *testing.T, c ca.Credential, content []byte) []byte {
	t.Helper()
	digest := sha256.Sum256(content)
	signature, err := rsa.SignPKCS1v15(nil, c.Key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func isRefused(err error, reason jpki.Reason) bool { return errors.Is(err, reason) }
