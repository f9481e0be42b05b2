package system

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"akashi/internal/clock"
	"akashi/internal/connector/signer/token"
	"akashi/internal/fault"
	"akashi/internal/issuance"
	"akashi/internal/qualification"
	"akashi/internal/server"
)

// Part is one of the parts that a process can run. Each works under its own database role.
type Part string

// The parts.
const (
	Citizen Part = "citizen" // portal of holders and applicants
	Office  Part = "office"  // console of registrars' staff
	Public  Part = "public"  // verification page and published keys
	API     Part = "api"     // verification by machines, callbacks of the payment provider
	Worker  Part = "worker"  // jobs, audit log, reference tables, signing of credentials
)

// Parts lists every part.
var Parts = []Part{Citizen, Office, Public, API, Worker}

// Address says where a part listens and how browsers reach it.
type Address struct {
	Listen string // host:port
	Origin string // scheme, host and port, no slash at the end
}

// Login is one outside login service (OpenID Connect).
type Login struct {
	Issuer   string
	ClientID string // as the service knows us; our keys for it are in the vault
	SignAPI  string // citizens' service: address of sign transactions; empty: the usual one at the issuer
}

// Service is one outside service that is called with a token signed by our key for services.
type Service struct {
	URL      string
	ClientID string
}

// Timestamps is an authority for timestamps (RFC 3161).
type Timestamps struct {
	URL     string              // of the service; empty: none is asked
	Lists   string              // where the revocation list of its certificates is; empty: none is fetched
	Anchors []*x509.Certificate // from which its certificates descend; needed to check timestamps, too
}

// Config is everything that a process of Akashi needs to know beside its database. Parts, Clock, Log and DataDir are
// always required; what else is, depends on the parts and is checked by New.
type Config struct {
	Parts   []Part
	DataDir string // keys of the platform, signing keys, uploaded files
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics *server.Metrics // nil: none are kept
	Demo    bool            // the outside systems are simulated: the pages say so
	Proxies []netip.Prefix  // proxies whose X-Forwarded-For is believed

	// Catalogue is what Definitions returned, for a program that has read them already; nil: New reads them.
	Catalogue *qualification.Catalogue

	Addresses map[Part]Address // of the parts that listen, and of those that pages link to

	CitizenLogin Login
	StaffLogin   Login
	Resident     Service // resident registry
	Family       Service // family register
	Payment      Service // payment provider

	// Anchors are the certificates of the authority for signing certificates that are trusted.
	Anchors []*x509.Certificate
	// RevocationLists is where revocation lists of signing certificates are fetched.
	RevocationLists string

	// Timestamps is the authority whose timestamps signed PDFs carry; without an address they carry none.
	Timestamps Timestamps
	// WebhookNetworks are networks to which notifications go although they are not open, by plain HTTP, too: loopback in the
	// demonstration, none in earnest.
	WebhookNetworks []netip.Prefix

	// Wallets may ask for authorization by themselves; whoever has an offer needs none of them.
	Wallets issuance.Wallets
	// WalletProviders are the authorities above the providers of wallets; where there are any, every wallet and every key that is
	// given a credential must be attested. None: nobody's attestation is asked for.
	WalletProviders issuance.Providers

	// CredentialBase is the address that QR codes begin with; empty: the public part's /w/.
	CredentialBase string

	// Token is where the registrars' private keys are kept; without a module they lie in files.
	Token token.Config

	// NameFont is the file of the font IPAmj Mincho, with which PDFs show names; empty: it is looked up where systems keep it.
	NameFont string
}

// Runs tells whether the process runs a part.
func (c Config) Runs(p Part) bool { return slices.Contains(c.Parts, p) }

// origin is how browsers reach a part.
func (c Config) origin(p Part) string { return c.Addresses[p].Origin }

// credentialBase is what QR codes begin with.
func (c Config) credentialBase() string {
	if c.CredentialBase != "" {
		return c.CredentialBase
	}
	return c.origin(Public) + "/w/"
}

// need is one setting and the parts that cannot do without it.
type need struct {
	name  string
	value string
	parts []Part
}

func (c Config) needs() []need {
	portals := []Part{Citizen, Office, Public, API}
	all := []need{
		{"the data directory (--data-dir)", c.DataDir, Parts},
		{"the address of the citizens' login (--login-issuer)", c.CitizenLogin.Issuer, []Part{Citizen}},
		{"the client id at the citizens' login (--login-client-id)", c.CitizenLogin.ClientID, []Part{Citizen}},
		{"the address of the revocation lists (--revocation-lists)", c.RevocationLists, []Part{Citizen}},
		{"the address of the staff's login (--staff-login-issuer)", c.StaffLogin.Issuer, []Part{Office}},
		{"the client id at the staff's login (--staff-login-client-id)", c.StaffLogin.ClientID, []Part{Office}},
		{"the address of the resident registry (--resident-url)", c.Resident.URL, []Part{Citizen, Worker}},
		{"the address of the family register (--family-url)", c.Family.URL, []Part{Citizen, Worker}},
		{"the address of the payment provider (--payment-url)", c.Payment.URL, []Part{Citizen, API, Worker}},
		{"the citizen portal's origin, for the holders of wallets", c.origin(Citizen), []Part{API}},
		{"the public part's origin, for QR codes", c.CredentialBase + c.origin(Public), []Part{Citizen}},
		{"the public part's origin, for status lists", c.origin(Public), []Part{Citizen, Worker, API}},
		{"the API's origin, for the payment provider's callbacks and offers to wallets", c.origin(API), []Part{Citizen, Worker}},
		{"the citizen portal's origin, for the way back from the payment", c.origin(Citizen), []Part{Worker}},
	}
	for _, p := range portals {
		all = append(all, need{"where the part " + string(p) + " listens", c.Addresses[p].Listen, []Part{p}},
			need{"the origin of the part " + string(p), c.origin(p), []Part{p}})
	}
	return all
}

// partNames lists the parts for somebody who named another.
func partNames() string {
	names := make([]string, len(Parts))
	for i, p := range Parts {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

// Check refuses a configuration that would fail at the first visitor (fault.Invalid, every lack at once).
func (c Config) Check() error {
	if c.Clock == nil || c.Log == nil {
		return fault.New(fault.Internal, "", "configuring the system without a clock or a log")
	}
	var lacks []string
	for _, p := range c.Parts {
		if !slices.Contains(Parts, p) {
			lacks = append(lacks, fmt.Sprintf("there is no part %q; the parts are %s", p, partNames()))
		}
	}
	if len(c.Parts) == 0 {
		lacks = append(lacks, "no part is to run")
	}
	for _, n := range c.needs() {
		if n.value == "" && slices.ContainsFunc(n.parts, c.Runs) {
			lacks = append(lacks, n.name+" is missing")
		}
	}
	if c.Runs(Citizen) && len(c.Anchors) == 0 {
		lacks = append(lacks, "no certificate of the authority for signing certificates is trusted (--anchors)")
	}
	if c.Timestamps.URL != "" && len(c.Timestamps.Anchors) == 0 {
		lacks = append(lacks, "no certificate of the timestamp authority is trusted (--timestamp-anchors)")
	}
	for p, a := range c.Addresses {
		if u, err := url.Parse(a.Origin); err != nil || u.Host == "" || u.Path != "" {
			lacks = append(lacks, fmt.Sprintf("the origin of the part %s, %q, is not scheme, host and port", p, a.Origin))
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "", "configuring: "+strings.Join(lacks, "; "))
}

// originOf cuts an address down to its origin, for content security policies; empty for what is no address.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
