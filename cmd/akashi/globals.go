package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"

	"akashi/internal/clock"
	"akashi/internal/connector/signer/token"
	"akashi/internal/pg/pgserver"
	"akashi/internal/server"
	"akashi/internal/system"
)

// Globals are the settings that every command shares. Each can be given as a flag or as a variable of the environment:
// --data-dir is AKASHI_DATA_DIR. Nothing here is a secret: passwords for the database come from the file that PGPASSFILE
// names, keys from the data directory.
type Globals struct {
	DataDir string `placeholder:"DIR" type:"path" help:"Directory of the program's keys, files and private database. Default: /var/lib/akashi for root, otherwise akashi under the user's data home."`

	Database string `placeholder:"URL" help:"Address of the PostgreSQL database (postgres://host/akashi). Its user is replaced by each part's own role. Default: a private PostgreSQL in the data directory."`

	Token tokenFlags `embed:"" prefix:"token-" group:"Signing keys on a token (PKCS #11)"`

	LogFormat string     `enum:"text,json" default:"text" help:"Form of the log on standard error: text or json."`
	LogLevel  slog.Level `default:"info" help:"Least level that is logged: debug, info, warn, error."`

	Out io.Writer    `kong:"-"` // standard output: what a command was asked for
	Err io.Writer    `kong:"-"` // standard error, for what is drawn there
	Log *slog.Logger `kong:"-"` // the log on standard error: what it did meanwhile
}

// tokenFlags say where the registrars' private keys are, when they lie in no files. The PIN is in none of them.
type tokenFlags struct {
	Module  string `placeholder:"FILE" type:"path" help:"Shared library of the token's maker. New keys are then made on the token; the program must be built with make build-pkcs11. Default: keys lie in files of the data directory."`
	Label   string `placeholder:"LABEL" help:"Label of the token."`
	PINFile string `name:"pin-file" placeholder:"FILE" type:"path" help:"File with the PIN, readable by its owner alone. Default: pkcs11-pin in the directory of credentials that systemd provides."`
}

// token is where the private keys are.
func (g *Globals) tokenConfig() token.Config {
	return token.Config(g.Token)
}

// prepare gives the commands their outputs.
func (g *Globals) prepare(stdout, stderr io.Writer) {
	g.Out, g.Err = stdout, stderr
	g.Log = server.NewLogger(stderr, g.LogFormat == "json", g.LogLevel)
}

// dataDir is the directory that was given, or the usual one.
func (g *Globals) dataDir() (string, error) {
	if g.DataDir != "" {
		return g.DataDir, nil
	}
	return pgserver.DefaultDataDir()
}

// database opens what was given, or the private PostgreSQL.
func (g *Globals) database(ctx context.Context, c clock.Clock) (*system.Database, error) {
	if g.Database != "" {
		return system.OpenGiven(ctx, g.Database, c)
	}
	dir, err := g.dataDir()
	if err != nil {
		return nil, err
	}
	return system.OpenPrivate(ctx, pgserver.Config{DataDir: filepath.Join(dir, "postgres"), Logger: g.Log}, c)
}
