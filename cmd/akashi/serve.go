package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"

	"golang.org/x/sync/errgroup"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/issuance"
	"akashi/internal/server"
	"akashi/internal/system"
)

// ServeCmd runs Akashi for real use: all parts in one process, or some, each under its own database role. TLS ends at a
// proxy in front; browsers and outside systems see the origins.
type ServeCmd struct {
	Parts []string `name:"portals" default:"citizen,office,public,api,worker" help:"Which parts this process runs. After an upgrade the worker starts first: it writes the definitions that the others need."`

	Keys bool `env:"-" help:"Print the public keys to register at the outside systems, as JWK sets (RFC 7517), and stop."`

	Citizen listenFlags `embed:"" prefix:"citizen-" group:"Addresses"`
	Office  listenFlags `embed:"" prefix:"office-" group:"Addresses"`
	Public  listenFlags `embed:"" prefix:"public-" group:"Addresses"`
	API     listenFlags `embed:"" prefix:"api-" group:"Addresses"`

	CredentialBase  string         `placeholder:"URL" group:"Addresses" help:"What the QR codes of credentials begin with. Default: /w/ of the public part."`
	Wallets         string         `placeholder:"FILE" type:"existingfile" group:"Addresses" help:"JSON file of the wallets that may ask for authorization by themselves: a list of client_id, name (ja, en, easy) and redirect_uris. Default: none; offers made on the portal need none."`
	WalletProviders []string       `placeholder:"FILE" type:"existingfile" group:"Addresses" help:"PEM files with the certificates that those of wallet providers descend from. With any, wallets and their keys must be attested, as HAIP 1.0 has it. Default: nobody's attestation is asked for."`
	NameFont        string         `type:"path" placeholder:"FILE" help:"The font IPAmj Mincho, for names in PDFs. Default: where Debian's fonts-ipamj-mincho puts it."`
	Proxy           []netip.Prefix `placeholder:"NET" group:"Addresses" help:"Networks of the proxies whose X-Forwarded-For is believed."`
	MetricsListen   string         `placeholder:"HOST:PORT" group:"Addresses" help:"Where /metrics answers, for the operator alone. Default: nowhere."`

	Login      loginFlags   `embed:"" prefix:"login-" group:"Outside systems"`
	StaffLogin loginFlags   `embed:"" prefix:"staff-login-" group:"Outside systems"`
	Resident   serviceFlags `embed:"" prefix:"resident-" group:"Outside systems"`
	Family     serviceFlags `embed:"" prefix:"family-" group:"Outside systems"`
	Payment    serviceFlags `embed:"" prefix:"payment-" group:"Outside systems"`

	WebhookNetworks []netip.Prefix `placeholder:"NET" group:"Outside systems" help:"Networks to which notifications of registered verifiers go although they are not open, by plain HTTP, too. Default: none."`

	Anchors         []string `placeholder:"FILE" type:"existingfile" group:"Outside systems" help:"PEM files with the certificates of the authority for signing certificates of the national ID card that are trusted."`
	RevocationLists string   `placeholder:"URL" group:"Outside systems" help:"Where revocation lists of those certificates are fetched."`

	TimestampURL     string   `placeholder:"URL" group:"Outside systems" help:"Service of the timestamp authority (RFC 3161) that signed PDFs get their timestamps from. Default: they get none."`
	TimestampLists   string   `placeholder:"URL" group:"Outside systems" help:"Where the revocation list of its certificates is fetched, as evidence for later. Default: none is."`
	TimestampAnchors []string `placeholder:"FILE" type:"existingfile" group:"Outside systems" help:"PEM files with the certificates that its certificates descend from."`

	Simulated bool `group:"Outside systems" help:"The outside systems are simulated: every page says so."`
}

type listenFlags struct {
	Listen string `placeholder:"HOST:PORT" help:"Where the part listens."`
	Origin string `placeholder:"URL" help:"Scheme, host and port at which it is reached. Default: http at the address it listens on."`
}

type loginFlags struct {
	Issuer   string `placeholder:"URL" help:"Issuer of the login (OpenID Connect)."`
	ClientID string `placeholder:"ID" help:"Our id there; --keys prints the keys to register with it."`
	SignAPI  string `placeholder:"URL" help:"Where sign transactions are begun. Default: the usual place at the issuer."`
}

type serviceFlags struct {
	URL      string `placeholder:"URL" help:"Address of the service."`
	ClientID string `placeholder:"ID" help:"Our id there; --keys prints the key to register with it."`
}

// usual are the addresses of the demonstration, which serve as defaults.
func usual(p system.Part) string {
	return map[system.Part]string{system.Citizen: "127.0.0.1:8400", system.Office: "127.0.0.2:8401", system.Public: "127.0.0.3:8402", system.API: "127.0.0.4:8403"}[p]
}

func (l listenFlags) address(p system.Part) system.Address {
	a := system.Address{Listen: l.Listen, Origin: l.Origin}
	if a.Listen == "" {
		a.Listen = usual(p)
	}
	if a.Origin == "" {
		a.Origin = "http://" + a.Listen
	}
	return a
}

// Run serves until it is stopped.
func (cmd *ServeCmd) Run(ctx context.Context, g *Globals) (err error) {
	if cmd.Keys {
		return printKeys(g)
	}
	collectLessOften()
	cfg, err := cmd.config(g)
	if err != nil {
		return err
	}
	db, err := g.database(ctx, cfg.Clock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	s, err := system.New(ctx, cfg, db)
	if err != nil {
		return err
	}
	metrics, err := cmd.metrics(cfg)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return server.Run(ctx, metrics...) })
	return group.Wait()
}

// collectLessOften lets garbage grow to three times what lives, a few tens of megabytes, before it is collected: a tenth
// of the processor's time for some memory. The variable GOGC of the environment wins.
func collectLessOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}

func (cmd *ServeCmd) config(g *Globals) (system.Config, error) {
	dir, err := g.dataDir()
	if err != nil {
		return system.Config{}, err
	}
	anchors, err := readAnchors(cmd.Anchors)
	if err != nil {
		return system.Config{}, err
	}
	stampAnchors, err := readAnchors(cmd.TimestampAnchors)
	if err != nil {
		return system.Config{}, err
	}
	wallets, err := readWallets(cmd.Wallets)
	if err != nil {
		return system.Config{}, err
	}
	providers, err := readAnchors(cmd.WalletProviders)
	if err != nil {
		return system.Config{}, err
	}
	cfg := system.Config{
		DataDir: dir, Token: g.tokenConfig(), Wallets: wallets, WalletProviders: providers, Clock: clock.System{}, Log: g.Log, Metrics: server.NewMetrics(), Demo: cmd.Simulated, Proxies: cmd.Proxy,
		Addresses: map[system.Part]system.Address{system.Citizen: cmd.Citizen.address(system.Citizen), system.Office: cmd.Office.address(system.Office),
			system.Public: cmd.Public.address(system.Public), system.API: cmd.API.address(system.API)},
		CitizenLogin: system.Login(cmd.Login), StaffLogin: system.Login(cmd.StaffLogin), Resident: system.Service(cmd.Resident),
		Family: system.Service(cmd.Family), Payment: system.Service(cmd.Payment), Anchors: anchors, RevocationLists: cmd.RevocationLists,
		CredentialBase: cmd.CredentialBase, NameFont: cmd.NameFont, Timestamps: system.Timestamps{URL: cmd.TimestampURL, Lists: cmd.TimestampLists, Anchors: stampAnchors},
		WebhookNetworks: cmd.WebhookNetworks,
	}
	for _, p := range cmd.Parts {
		cfg.Parts = append(cfg.Parts, system.Part(p))
	}
	return cfg, cfg.Check()
}

// readWallets reads the file of wallets, none when there is no file.
func readWallets(path string) (issuance.Wallets, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the file of wallets")
	}
	return issuance.ReadWallets(raw)
}

// metrics is the operator's listener, if there is to be one.
func (cmd *ServeCmd) metrics(cfg system.Config) ([]*server.Server, error) {
	if cmd.MetricsListen == "" {
		return nil, nil
	}
	l, err := server.Listen(server.Config{Name: "metrics", Addr: cmd.MetricsListen, Handler: cfg.Metrics.Handler(), Logger: cfg.Log})
	if err != nil {
		return nil, err
	}
	return []*server.Server{l}, nil
}

// readAnchors reads every certificate of the files.
func readAnchors(files []string) (all []*x509.Certificate, err error) {
	for _, name := range files {
		rest, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading trusted certificates: %w", err)
		}
		found := len(all)
		for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
			cert, err := x509.ParseCertificate(block.Bytes)
			if block.Type != "CERTIFICATE" || err != nil {
				return nil, errors.Join(fault.New(fault.Invalid, "", name+" has something other than certificates in PEM"), err)
			}
			all = append(all, cert)
		}
		if len(all) == found {
			return nil, fault.New(fault.Invalid, "", name+" has no certificate in PEM")
		}
	}
	return all, nil
}

// printKeys prints what outside systems must know of us.
func printKeys(g *Globals) error {
	dir, err := g.dataDir()
	if err != nil {
		return err
	}
	keys, err := system.PublicKeys(dir)
	if err != nil {
		return err
	}
	out := json.NewEncoder(g.Out)
	out.SetIndent("", "  ")
	return out.Encode(keys)
}
