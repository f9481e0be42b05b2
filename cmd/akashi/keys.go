package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"akashi/internal/clock"
	"akashi/internal/connector/signer"
	"akashi/internal/fault"
	"akashi/internal/system"
)

// KeysCmd works on the registrars' signing keys. None of it prints or sends a private key.
type KeysCmd struct {
	List      KeysListCmd      `cmd:"" help:"List the keys with their purposes and certificates."`
	InitCA    KeysInitCACmd    `cmd:"" name:"init-ca" help:"Make an issuing authority of our own, for development; the worker's next start certifies every key without a certificate."`
	CSR       KeysCSRCmd       `cmd:"" name:"csr" help:"Print a request for the certificate of a key (PKCS #10, PEM), for an outside authority."`
	Install   KeysInstallCmd   `cmd:"" help:"Put certificates beside a key, its own first, and publish them."`
	Rotate    KeysRotateCmd    `cmd:"" help:"Make and publish the next key of a registrar for a purpose. What earlier ones signed stands."`
	TrustList KeysTrustListCmd `cmd:"" name:"trust-list" help:"Publish the trust list when something has changed, and write it: every registrar with its keys, certificates and status lists, signed."`
	Replace   KeysReplaceCmd   `cmd:"" help:"Emergency: distrust a key from now on, and sign everything living anew with its successor. Can be repeated after an interruption."`
}

// KeysListCmd lists keys.
type KeysListCmd struct{}

// Run prints the keys.
func (KeysListCmd) Run(ctx context.Context, g *Globals) error {
	return withKeys(ctx, g, false, func(k *system.Keyring) error {
		out := tabwriter.NewWriter(g.Out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(out, "KID\tREGISTRAR\tPURPOSE\tSIGNS FROM\tCERTIFICATE UNTIL")
		for _, key := range k.Signer.Public() {
			until := "none"
			if len(key.Chain) > 0 {
				until = key.Chain[0].NotAfter.In(clock.JST).Format(time.DateOnly)
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", key.KID, key.Registrar, key.Purpose, key.NotBefore.Format(time.DateOnly), until)
		}
		return out.Flush()
	})
}

// KeysInitCACmd makes an authority.
type KeysInitCACmd struct {
	Name string `env:"-" default:"Akashi Development CA" help:"Name of the authority."`
}

// Run makes it.
func (cmd KeysInitCACmd) Run(_ context.Context, g *Globals) error {
	dir, err := g.dataDir()
	if err != nil {
		return err
	}
	return system.InitCA(dir, cmd.Name, clock.System{})
}

// KeysCSRCmd asks for a certificate.
type KeysCSRCmd struct {
	KID string `arg:"" name:"kid" help:"The key's id, see keys list."`
}

// Run prints the request.
func (cmd KeysCSRCmd) Run(ctx context.Context, g *Globals) error {
	return withKeys(ctx, g, false, func(k *system.Keyring) error {
		key, ok := k.Find(cmd.KID)
		if !ok {
			return fault.New(fault.NotFound, "", "there is no key "+cmd.KID)
		}
		request, err := k.Signer.CSR(cmd.KID, k.Organization(key.Registrar))
		if err != nil {
			return err
		}
		_, err = g.Out.Write(request)
		return err
	})
}

// KeysInstallCmd installs certificates.
type KeysInstallCmd struct {
	KID  string `arg:"" name:"kid" help:"The key's id, see keys list."`
	File string `arg:"" type:"existingfile" help:"PEM file with the certificates, the key's own first, each signed by the next."`
}

// Run installs and publishes them.
func (cmd KeysInstallCmd) Run(ctx context.Context, g *Globals) error {
	raw, err := os.ReadFile(cmd.File)
	if err != nil {
		return fmt.Errorf("reading certificates: %w", err)
	}
	chain, err := signer.ParseChain(raw)
	if err != nil {
		return err
	}
	return withKeys(ctx, g, true, func(k *system.Keyring) error {
		if err := k.Signer.Install(cmd.KID, chain); err != nil {
			return err
		}
		key, _ := k.Find(cmd.KID)
		return k.Publish(ctx, key)
	})
}

// KeysRotateCmd makes the next key.
type KeysRotateCmd struct {
	Registrar string `arg:"" help:"Id of the registrar, e.g. mhlw."`
	Purpose   string `arg:"" enum:"credential,status,document,mdoc" help:"credential, status, document or mdoc."`

	After time.Duration `env:"-" default:"10m" help:"How long after its publication the key begins to sign, e.g. 10m or 24h. Published keys may be kept for five minutes: by then everybody has it. 0s: at once."`
}

// Run makes and publishes it.
func (cmd KeysRotateCmd) Run(ctx context.Context, g *Globals) error {
	return withKeys(ctx, g, true, func(k *system.Keyring) error {
		made, err := k.Rotate(ctx, cmd.Registrar, cmd.Purpose, clock.System{}.Now().Add(cmd.After))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(g.Out, made.KID)
		return err
	})
}

// KeysTrustListCmd writes the trust list.
type KeysTrustListCmd struct {
	Out          string `env:"-" type:"path" placeholder:"FILE" help:"File to write to, at once and whole. Default: standard output."`
	PublicOrigin string `placeholder:"URL" help:"Origin of the verification site, as serve has it. Default: that of the demonstration."`
	APIOrigin    string `name:"api-origin" placeholder:"URL" help:"Origin of the API, as serve has it. Default: that of the demonstration."`
}

// Run publishes and writes it.
func (cmd KeysTrustListCmd) Run(ctx context.Context, g *Globals) error {
	return withKeys(ctx, g, true, func(k *system.Keyring) error {
		list, err := k.TrustList(ctx, listenFlags{Origin: cmd.PublicOrigin}.address(system.Public).Origin, listenFlags{Origin: cmd.APIOrigin}.address(system.API).Origin)
		if err != nil {
			return err
		}
		g.Log.Info("the trust list", "version", list.Version, "until", list.ExpiresAt)
		if cmd.Out == "" {
			_, err = fmt.Fprintln(g.Out, list.Token)
			return err
		}
		return writeWhole(cmd.Out, []byte(list.Token+"\n"))
	})
}

// writeWhole puts a file under its name only once all of it is written, so that whoever reads it has the old one or the new.
func writeWhole(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// KeysReplaceCmd replaces a key in an emergency.
type KeysReplaceCmd struct {
	KID string `arg:"" name:"kid" help:"Id of the key that is no longer to be trusted."`
}

// Run replaces it and tells how far it is.
func (cmd KeysReplaceCmd) Run(ctx context.Context, g *Globals) error {
	return withKeys(ctx, g, true, func(k *system.Keyring) error {
		return k.Replace(ctx, cmd.KID, newBar(g.Err, g.Log, "credentials are being signed anew").show)
	})
}

// withKeys opens the keys, and the database where something is to be published.
func withKeys(ctx context.Context, g *Globals, publish bool, f func(*system.Keyring) error) (err error) {
	dir, err := g.dataDir()
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); !publish && err != nil { // a question makes no directory
		return fault.New(fault.Invalid, "", fmt.Sprintf("there are no keys: %v; choose the directory with --data-dir", err))
	}
	var db *system.Database
	if publish {
		if db, err = g.database(ctx, clock.System{}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	}
	k, err := system.OpenKeyring(ctx, dir, db, clock.System{}, g.tokenConfig())
	if err != nil {
		return err
	}
	return errors.Join(f(k), k.Close())
}
