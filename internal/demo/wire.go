package demo

import (
	"crypto/x509"
	"log/slog"
	"net/netip"
	"path/filepath"

	"akashi/internal/clock"
	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/world"
	"akashi/internal/portal/citizen"
	"akashi/internal/portal/office"
	"akashi/internal/qualification"
	"akashi/internal/system"
)

// ClientID is our name at every simulated outside system.
const ClientID = "akashidemo"

// WorldConfig says how to run the simulated outside systems of a demonstration by themselves.
type WorldConfig struct {
	DataDir    string // of the Akashi that will call them: our keys are there
	BasePort   int    // as in Config
	AdminToken string // of the administration of the logins; empty: there is none over the wire
	KeepOrders bool   // payments outlive a restart
	Clock      clock.Clock
	Log        *slog.Logger
}

// NewWorld makes the simulators for an Akashi whose data directory and ports are those of a demonstration.
func NewWorld(cfg WorldConfig) (*world.World, error) {
	keys, err := system.PublicKeys(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	cat, err := system.Definitions()
	if err != nil {
		return nil, err
	}
	at, err := findPlaces(cfg.BasePort)
	if err != nil {
		return nil, err
	}
	return newWorld(cfg, at, keys, cat)
}

func newWorld(cfg WorldConfig, at places, keys system.ClientKeys, cat *qualification.Catalogue) (*world.World, error) {
	return world.New(world.Config{Dir: filepath.Join(cfg.DataDir, "world"), Clock: cfg.Clock, Log: cfg.Log, Addresses: at.simulators(),
		Clients: clientsFrom(at, keys, cat), Staff: users(), KeepOrders: cfg.KeepOrders, AdminToken: cfg.AdminToken})
}

// clientsFrom registers us at the simulators, by the public halves of our keys.
func clientsFrom(at places, keys system.ClientKeys, cat *qualification.Catalogue) world.Clients {
	return world.Clients{
		CitizenID: ClientID, CitizenKeys: keys.CitizenLogin,
		CitizenRedirects: []string{"http://" + at.citizen() + citizen.LoginCallback, "http://" + at.citizen() + citizen.SignCallback},
		StaffID:          ClientID, StaffKeys: keys.StaffLogin, StaffRedirects: []string{"http://" + at.office() + office.LoginCallback},
		ServiceID: ClientID, ServiceKey: keys.Services.Keys[0].Key, Businesses: businesses(cat),
	}
}

// businesses are the tasks for which the registries may be asked: every procedure of every qualification.
func businesses(cat *qualification.Catalogue) []string {
	var all []string
	for _, d := range cat.List() {
		for _, p := range d.Procedures {
			all = append(all, d.ID+"."+p.ID)
		}
	}
	return all
}

// systemConfig points Akashi at the simulators.
func (d *Demo) systemConfig() system.Config {
	sim := d.places.simulators()
	service := func(at string) system.Service { return system.Service{URL: "http://" + at, ClientID: ClientID} }
	return system.Config{
		Parts: system.Parts, DataDir: d.cfg.DataDir, Token: d.cfg.Token, Clock: d.Clock, Log: d.cfg.Log, Metrics: d.cfg.Metrics, Demo: true,
		Catalogue: d.cat, Addresses: d.places.system(),
		CitizenLogin: system.Login{Issuer: sim.LoginIssuer(), ClientID: ClientID},
		StaffLogin:   system.Login{Issuer: sim.StaffIssuer(), ClientID: ClientID},
		Resident:     service(sim.Resident), Family: service(sim.Family), Payment: service(sim.Payment),
		Anchors: []*x509.Certificate{d.World.CA.Anchor(ca.Signing)}, RevocationLists: sim.RevocationLists(),
		Timestamps:      system.Timestamps{URL: sim.TimestampService(), Lists: sim.TimestampLists(), Anchors: []*x509.Certificate{d.World.Stamps.Anchor()}},
		WebhookNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
}
