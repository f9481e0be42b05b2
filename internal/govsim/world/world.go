// Package world runs all simulated outside systems together, as the demonstration, the tests of the whole and the command
// simulate need them: the citizens' login and signing service with its certification authority, the staff's login, the
// resident registry, the family register, the payment provider, and the timestamp authority. The same invented people live in all of them
// (people.go), so that a card, its holder's resident record and family register agree, or disagree in the way that a
// person was invented for.
//
// The keys of the certification authority, the secret behind the subjects of logins, and on request payments are kept in a
// directory, so that signatures, accounts and orders outlive a restart; everything else lasts as long as the process.
package world

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/clock"
	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/family"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/idp"
	"akashi/internal/govsim/payment"
	"akashi/internal/govsim/resident"
	"akashi/internal/govsim/timestamp"
	"akashi/internal/server"
)

// Addresses says where each simulator listens, as host:port.
type Addresses struct {
	Login, Staff, Resident, Family, Payment, Timestamp string
}

// Clients are the systems under test, as the simulators know them.
type Clients struct {
	CitizenID        string // at the citizens' login
	CitizenKeys      jose.JSONWebKeySet
	CitizenRedirects []string
	StaffID          string // at the staff's login
	StaffKeys        jose.JSONWebKeySet
	StaffRedirects   []string
	ServiceID        string // at the registries and the payment provider
	ServiceKey       crypto.PublicKey
	Businesses       []string // tasks (事務) for which the registries may be asked
}

// Config describes a world.
type Config struct {
	Dir        string // made when it is missing
	Clock      clock.Clock
	Log        *slog.Logger
	Addresses  Addresses
	Clients    Clients
	Staff      []idp.StaffUser
	KeepOrders bool            // payments outlive a restart; each one then writes all of them down
	AdminToken string          // of the administration of both logins; empty: there is none over the wire
	Also       []Person        // more people than People, for measurements
	CardKey    *rsa.PrivateKey // of all cards, for measurements with very many; nil: each card has keys of its own
}

// people are all who live in this world.
func (c Config) people() []Person { return append(People(), settled(c.Also)...) }

// World is the simulators, bound and ready.
type World struct {
	CA       *ca.CA
	Citizens *idp.Server
	Staff    *idp.Server
	Resident *resident.Server
	Family   *family.Server
	Payment  *payment.Server
	Stamps   *timestamp.Server

	cfg     Config
	servers []*server.Server
}

// Where the logins live below their origins, as the real citizens' service does.
const realm = "/api/realms/main"

// LoginIssuer is the citizens' login's issuer.
func (a Addresses) LoginIssuer() string { return "http://" + a.Login + realm }

// StaffIssuer is the staff's login's issuer.
func (a Addresses) StaffIssuer() string { return "http://" + a.Staff + realm }

// RevocationLists is where the lists of signing certificates are.
func (a Addresses) RevocationLists() string {
	return "http://" + a.Login + "/jpki/crl/" + string(ca.Signing)
}

// TimestampService is where timestamps are asked for.
func (a Addresses) TimestampService() string { return "http://" + a.Timestamp + timestamp.Path }

// TimestampLists is where the revocation list of the timestamp authority's certificates is.
func (a Addresses) TimestampLists() string { return "http://" + a.Timestamp + timestamp.ListPath }

// TimestampAnchorFile is where the certificate behind the timestamp authority is left in the directory.
const TimestampAnchorFile = "timestamp-anchor.pem"

// AnchorFile is where the certificate of the authority for signing is left in the directory, for those who are to trust it.
const AnchorFile = "anchor.pem"

// orderLife is how long an unpaid order stays open: longer than a demonstration moves its clock at once.
const orderLife = 180 * 24 * time.Hour

// New makes the simulators and binds their addresses.
func New(cfg Config) (*World, error) {
	w := &World{cfg: cfg}
	for _, step := range []func() error{w.authority, w.logins, w.registries, w.provider, w.stamps, w.bind} {
		if err := step(); err != nil {
			return nil, errors.Join(fmt.Errorf("making the simulated outside systems: %w", err), w.release())
		}
	}
	return w, nil
}

func (w *World) authority() (err error) {
	if err = os.MkdirAll(w.cfg.Dir, 0o700); err != nil {
		return err
	}
	if w.CA, err = ca.New(ca.Config{Clock: w.cfg.Clock, Dir: w.cfg.Dir, CardKey: w.cfg.CardKey}); err != nil {
		return err
	}
	anchor := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.CA.Anchor(ca.Signing).Raw})
	return os.WriteFile(filepath.Join(w.cfg.Dir, AnchorFile), anchor, 0o644)
}

func (w *World) logins() error {
	secret, err := keptSecret(filepath.Join(w.cfg.Dir, "subjects.key"))
	if err != nil {
		return err
	}
	common := idp.Common{Secret: secret, AdminToken: w.cfg.AdminToken, ShowSecrets: true}
	c := w.cfg.Clients
	w.Citizens, err = idp.New(idp.Config{Issuer: w.cfg.Addresses.LoginIssuer(), Clock: w.cfg.Clock, CA: w.CA, Cards: cards(w.cfg.people()), Common: common,
		Clients: []idp.Client{{ID: c.CitizenID, Name: "国家資格オンライン", RedirectURIs: c.CitizenRedirects, Keys: c.CitizenKeys,
			Scopes: []string{"openid", "name", "address", "birthdate", "gender", "sign"}}}})
	if err != nil {
		return err
	}
	w.Staff, err = idp.NewStaff(idp.StaffConfig{Issuer: w.cfg.Addresses.StaffIssuer(), Clock: w.cfg.Clock, Staff: w.cfg.Staff, Common: common,
		Clients: []idp.Client{{ID: c.StaffID, Name: "資格管理者コンソール", RedirectURIs: c.StaffRedirects, Keys: c.StaffKeys,
			Scopes: []string{"openid", "profile"}}}})
	return err
}

func (w *World) stamps() (err error) {
	w.Stamps, err = timestamp.New(timestamp.Config{BaseURL: "http://" + w.cfg.Addresses.Timestamp, Clock: w.cfg.Clock, Dir: w.cfg.Dir})
	if err != nil {
		return err
	}
	anchor := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Stamps.Anchor().Raw})
	return os.WriteFile(filepath.Join(w.cfg.Dir, TimestampAnchorFile), anchor, 0o644)
}

// keptSecret reads 32 bytes from a file, or makes them at first use. O_EXCL keeps the bytes of whoever was first.
func keptSecret(path string) ([]byte, error) {
	if secret, err := os.ReadFile(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return secret, err
	}
	secret := []byte(rand.Text())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(secret)
	return secret, errors.Join(err, f.Sync(), f.Close())
}

func (w *World) registries() (err error) {
	clients := []gate.Client{{ID: w.cfg.Clients.ServiceID, Key: w.cfg.Clients.ServiceKey, Businesses: w.cfg.Clients.Businesses}}
	w.Resident, err = resident.New(resident.Config{Audience: "http://" + w.cfg.Addresses.Resident, Clients: clients, People: residents(w.cfg.people()), Clock: w.cfg.Clock})
	if err != nil {
		return err
	}
	w.Family, err = family.New(family.Config{Audience: "http://" + w.cfg.Addresses.Family, Clients: clients, People: families(w.cfg.people()), Clock: w.cfg.Clock})
	return err
}

// ordersFile is where the payment provider writes its orders down.
func (w *World) ordersFile() string {
	if !w.cfg.KeepOrders {
		return ""
	}
	return filepath.Join(w.cfg.Dir, "orders.json")
}

func (w *World) provider() (err error) {
	w.Payment, err = payment.New(payment.Config{BaseURL: "http://" + w.cfg.Addresses.Payment, Clock: w.cfg.Clock, OrderLife: orderLife, File: w.ordersFile(),
		Clients: []gate.Client{{ID: w.cfg.Clients.ServiceID, Key: w.cfg.Clients.ServiceKey}}})
	return err
}

func (w *World) bind() error {
	a := w.cfg.Addresses
	for _, s := range []struct {
		name, addr string
		handler    http.Handler
	}{{"sim-login", a.Login, w.Citizens}, {"sim-staff", a.Staff, w.Staff}, {"sim-resident", a.Resident, w.Resident},
		{"sim-family", a.Family, w.Family}, {"sim-payment", a.Payment, w.Payment}, {"sim-timestamp", a.Timestamp, w.Stamps}} {
		l, err := server.Listen(server.Config{Name: s.name, Addr: s.addr, Handler: s.handler, Logger: w.cfg.Log, Grace: 2 * time.Second})
		if err != nil {
			return err
		}
		w.servers = append(w.servers, l)
	}
	return nil
}

// Run serves until ctx ends.
func (w *World) Run(ctx context.Context) error {
	defer w.Payment.Close()
	return server.Run(ctx, w.servers...)
}

// Prepare brings the people into the state that they were invented for and that needs a key to be made first: it revokes
// signing certificates. It takes a moment, so that a start need not wait for it.
func (w *World) Prepare() error {
	var all error
	for _, p := range People() {
		if p.Revoked {
			all = errors.Join(all, w.Citizens.Revoke(p.ID, ca.Signing))
		}
	}
	return all
}

// release gives the addresses back.
func (w *World) release() error {
	var err error
	for _, s := range w.servers {
		err = errors.Join(err, s.Close())
	}
	if w.Payment != nil {
		w.Payment.Close()
	}
	return err
}

// Addresses says where the simulators listen.
func (w *World) Addresses() Addresses { return w.cfg.Addresses }
