package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/connector/timestamp"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/statuslist"
	"akashi/internal/portal/preview"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/system"
	"akashi/internal/verification"
)

// SampleCmd writes a credential of an invented person, signed with keys that are made for it and kept nowhere else.
type SampleCmd struct {
	Format        string `required:"" enum:"qr,pdf,sdjwt,mdoc,vc" help:"Form of the credential: qr, pdf (signed PDF), sdjwt (SD-JWT VC), mdoc (mobile document) or vc (W3C credential as JWT)."`
	Out           string `required:"" type:"path" placeholder:"DIR" help:"Directory to write to. It is made, or must be empty."`
	Qualification string `default:"kangoshi" help:"Which qualification the holder has."`

	TimestampURL     string   `env:"-" placeholder:"URL" help:"With pdf: service of the timestamp authority (RFC 3161). Without it the PDF gets no timestamp, and says so in its README."`
	TimestampLists   string   `env:"-" placeholder:"URL" help:"With pdf: where the revocation list of the authority's certificates is fetched."`
	TimestampAnchors []string `env:"-" placeholder:"FILE" type:"existingfile" help:"With pdf: PEM files with the certificates that the authority's descend from."`
}

// sampleSite is where the sample's addresses lead: a name that nobody can have (RFC 2606 §2).
const sampleSite = "https://verify.example"

// Places of the sample's list.
const (
	placeValid     = 21
	placeRevoked   = 84
	placeSuspended = 105
)

// sampleTerm is how long the sample's status list holds. A real one ends within a day.
const sampleTerm = 30 * 24 * time.Hour

// sampleForms are the forms that can be written. Each adds its files and says what to do with them.
func sampleForms() map[string]func(*sample) error {
	return map[string]func(*sample) error{"qr": sampleQR, "pdf": samplePDF, "sdjwt": sampleSDJWT, "mdoc": sampleMDoc, "vc": sampleVC}
}

// sampleFile is one file of a sample.
type sampleFile struct {
	name    string
	content []byte
	about   string
	verdict verification.Verdict // what checking it with the trust file and the list must say; "" when it is not to be checked
}

// sample is an invented registrar with its keys, an invented holder, and the files so far.
type sample struct {
	ctx                context.Context
	now                time.Time
	definition         *qualification.Definition
	facts              form.Facts
	issuer             form.Issuer
	ca                 *signer.CA
	key, status, owner *ecdsa.PrivateKey
	stamps             *timestamp.Client // nil: no authority was named
	keys               verification.KeySet
	files              []sampleFile
	how                string // of the form: how to check it with other programs, in Markdown
	// judge is what akashi verify finds by the keys and the list; nil: as with every text.
	judge func(trust *verification.Trust, content []byte) verification.Result
}

// Run writes the files and sees that our own verdict over each is the one that is told of it.
func (c *SampleCmd) Run(ctx context.Context, g *Globals) error {
	s, err := c.sample(ctx, clock.System{}.Now().Truncate(time.Second))
	if err != nil {
		return err
	}
	if err := sampleForms()[c.Format](s); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	s.add("README.md", s.readme(c.Format), "", "")
	if err := emptyDirectory(c.Out); err != nil {
		return err
	}
	for _, f := range s.files {
		if err := os.WriteFile(filepath.Join(c.Out, f.name), f.content, 0o600); err != nil {
			return fmt.Errorf("writing the sample: %w", err)
		}
	}
	_, err = fmt.Fprintf(g.Out, "%d files in %s; README.md says how to check them\n", len(s.files), c.Out)
	return err
}

// emptyDirectory makes the directory, or sees that nothing in it would be written over.
func emptyDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o700)
	case err != nil:
		return fmt.Errorf("looking into the directory: %w", err)
	case len(entries) > 0:
		return fault.New(fault.Invalid, "", "the directory "+dir+" is not empty")
	}
	return nil
}

func (c *SampleCmd) sample(ctx context.Context, now time.Time) (*sample, error) {
	catalogue, err := system.Definitions()
	if err != nil {
		return nil, err
	}
	d, ok := catalogue.Definition(c.Qualification)
	if !ok || len(d.Registers) == 0 {
		return nil, fault.New(fault.Invalid, "", "there is no qualification "+c.Qualification)
	}
	reg := d.Registers[0]
	registrar, ok := catalogue.Registrar(reg.Registrar)
	if !ok {
		return nil, fault.New(fault.Internal, "", "the register has no registrar")
	}
	s := &sample{ctx: ctx, now: now, definition: d}
	if s.stamps, err = c.authority(); err != nil {
		return nil, err
	}
	if s.facts, err = inventedFacts(d, reg, registrar, now); err != nil {
		return nil, err
	}
	for _, key := range []**ecdsa.PrivateKey{&s.key, &s.status, &s.owner} {
		if *key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
	}
	return s, s.trust(reg, registrar)
}

// authority is the timestamp authority that was named, nil when none was.
func (c *SampleCmd) authority() (*timestamp.Client, error) {
	switch {
	case c.TimestampURL == "":
		return nil, nil
	case c.Format != "pdf":
		return nil, fault.New(fault.Invalid, "", "only the form pdf has a timestamp")
	}
	anchors, err := readAnchors(c.TimestampAnchors)
	if err != nil {
		return nil, err
	}
	return timestamp.New(timestamp.Config{URL: c.TimestampURL, Lists: c.TimestampLists, Anchors: anchors, Clock: clock.System{}})
}

// inventedFacts is what the invented holder's credential says.
func inventedFacts(d *qualification.Definition, reg qualification.Register, registrar *qualification.Registrar, now time.Time) (form.Facts, error) {
	today := calendar.Of(now)
	items := preview.SampleItems(d)
	labels, err := d.CredentialFields(qualification.CredentialFacts{Items: items, Number: "123456", RegisteredOn: today.AddDays(-400), IssuedOn: today,
		CredentialID: publicid.New(reg.Code), UserCode: "mihon0000000", Registrar: registrar})
	if err != nil {
		return form.Facts{}, err
	}
	return form.Read(labels, form.Record{Register: reg.ID, RegisterCode: reg.Code, Registrar: registrar.ID,
		Detail: form.Detail{DefinitionVersion: d.Version, TitleEN: d.TitleFor(items).EN, IssuerEN: d.Issuer(registrar).EN}})
}

// trust makes the certificates and writes what a verifier keeps of the registrar: keys, anchor, list.
func (s *sample) trust(reg qualification.Register, registrar *qualification.Registrar) error {
	ca, err := signer.NewCA("AKASHI SAMPLE CA", s.now)
	if err != nil {
		return err
	}
	s.ca = ca
	chain, err := ca.Issue(signer.Key{KID: "sample-credential", Registrar: registrar.ID, Purpose: "credential", Public: &s.key.PublicKey}, registrar.Name.JA, s.now)
	if err != nil {
		return err
	}
	s.issuer = form.Issuer{Registrar: registrar.ID, Name: form.Text{JA: registrar.Name.JA, EN: registrar.Name.EN}, URI: sampleSite + "/issuers/" + registrar.ID,
		KID: "sample-credential", Public: &s.key.PublicKey, Chain: chain, NotBefore: s.now.Add(-time.Hour)}
	s.add("trust.jwks.json", nil, "published keys, each with what it may sign", "")
	if err := errors.Join(s.publish("sample-credential", "credential", &s.key.PublicKey, chain), s.publish("sample-status", "status", &s.status.PublicKey, nil)); err != nil {
		return err
	}
	anchor := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw})
	s.add("anchor.pem", anchor, "certificate that vouches for the issuer's", "")
	issuer := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[0].Raw})
	s.add("issuer.pem", issuer, "the issuer's certificate; it also stands in the header of credentials for wallets", "")
	return s.list()
}

// publish adds a key to those that are published.
func (s *sample) publish(kid, purpose string, public *ecdsa.PublicKey, chain []*x509.Certificate) error {
	s.keys = append(s.keys, verification.PublishedKey{KID: kid, Purpose: purpose, Registrar: s.issuer.Registrar, RegistrarName: s.issuer.Name.JA,
		Registers: []string{s.facts.RegisterCode}, NotBefore: s.now.Add(-time.Hour), Public: public, Chain: chain})
	raw, err := s.keys.JWKS()
	if err != nil {
		return err
	}
	s.files[slices.IndexFunc(s.files, func(f sampleFile) bool { return f.name == "trust.jwks.json" })].content = append(raw, '\n')
	return nil
}

// place is a copy's place in the sample's list.
func (s *sample) place(index int) form.StatusRef {
	return form.StatusRef{URI: sampleSite + "/status/" + s.facts.RegisterCode + "/1", Index: index, RegisterCode: s.facts.RegisterCode, ListNo: 1}
}

func (s *sample) list() error {
	l, err := statuslist.New(1<<20, 2)
	if err != nil {
		return err
	}
	if err := errors.Join(l.Set(placeRevoked, statuslist.Invalid), l.Set(placeSuspended, statuslist.Suspended)); err != nil {
		return err
	}
	jwt, cwt, err := l.Sign(statuslist.Claims{Subject: s.place(0).URI, IssuedAt: s.now, ExpiresAt: s.now.Add(sampleTerm), TTL: 5 * time.Minute},
		statuslist.Signer{KID: "sample-status", Sign: raw(s.status)})
	if err != nil {
		return err
	}
	about := fmt.Sprintf("status list of 2^20 places with 2 bits each; place %d is revoked, %d suspended; holds until %s", placeRevoked, placeSuspended,
		s.now.Add(sampleTerm).Format(time.DateOnly))
	s.add("status-list.jwt", []byte(jwt), about, "")
	s.add("status-list.cwt", cwt, "the same list as a CWT", "")
	return nil
}

// raw signs with a key of the sample: r and s.
func raw(key *ecdsa.PrivateKey) jws.Sign {
	return func(toSign []byte) ([]byte, error) { return jws.SignES256(key, toSign) }
}

// ownerKey is the invented holder's key, with which a wallet would answer.
func (s *sample) ownerKey() error {
	der, err := x509.MarshalPKCS8PrivateKey(s.owner)
	if err != nil {
		return fmt.Errorf("writing the holder's key: %w", err)
	}
	s.add("holder-key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "the invented holder's key, for presentations of your own", "")
	return nil
}

func (s *sample) add(name string, content []byte, about string, verdict verification.Verdict) {
	s.files = append(s.files, sampleFile{name, content, about, verdict})
}

func (s *sample) file(name string) []byte {
	i := slices.IndexFunc(s.files, func(f sampleFile) bool { return f.name == name })
	return s.files[i].content
}

// check checks every file as akashi verify would, and fails when a verdict is not the one that is told.
func (s *sample) check() error {
	trust, err := verification.NewTrust(s.file("trust.jwks.json"))
	if err != nil {
		return err
	}
	if _, err := trust.Keep(s.file("status-list.jwt")); err != nil {
		return err
	}
	judge := s.judge
	if judge == nil {
		judge = func(trust *verification.Trust, content []byte) verification.Result {
			text := string(bytes.TrimSpace(content))
			if verification.IsQRMessage(content) {
				text = verification.QRMessageText(content)
			}
			r, _ := trust.Check(text, s.now)
			return r
		}
	}
	for _, f := range s.files {
		if f.verdict == "" {
			continue
		}
		if r := judge(trust, f.content); r.Verdict != f.verdict {
			return fault.New(fault.Internal, "", fmt.Sprintf("the sample's file %s is %s (%s), not %s", f.name, r.Verdict, r.Reason, f.verdict))
		}
	}
	return nil
}

// spoil changes one character of what is signed, in the middle of the part that begins after the first dot.
func spoil(token string) string {
	b := []byte(token)
	end := strings.IndexAny(token, "~")
	if end < 0 {
		end = len(token)
	}
	middle := (strings.Index(token, ".") + strings.LastIndex(token[:end], ".")) / 2
	if b[middle] == 'A' {
		b[middle] = 'B'
	} else {
		b[middle] = 'A'
	}
	return string(b)
}

func (s *sample) readme(format string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Sample credential (%s)\n\nAn invented holder of the qualification %s, signed at %s with keys that were made for this sample and are kept nowhere\nelse. Nothing here is anybody's credential.\n\n",
		format, s.facts.Title.JA, s.now.UTC().Format(time.RFC3339))
	b.WriteString("| file | what it is | verdict |\n|---|---|---|\n")
	for _, f := range s.files {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.name, f.about, f.verdict)
	}
	b.WriteString(s.how)
	return b.Bytes()
}
