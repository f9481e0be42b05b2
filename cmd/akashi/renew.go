package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"akashi/internal/clock"
	"akashi/internal/connector/timestamp"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/pades"
	"akashi/internal/pg"
	"akashi/internal/system"
)

// CredentialCmd has what is done to credentials beside the portals.
type CredentialCmd struct {
	Sample          SampleCmd          `cmd:"" without:"data-dir,database,log" help:"Write a credential of an invented holder, with all that is needed to check it with other programs."`
	RenewTimestamps RenewTimestampsCmd `cmd:"" help:"Give signed PDFs in a directory a new timestamp before theirs loses its force."`
}

// RenewTimestampsCmd goes through a directory of signed PDFs and renews those whose newest timestamp ends soon. Each file is
// replaced as a whole, so that a run that was broken off is simply begun again: what is done is not due any more.
type RenewTimestampsCmd struct {
	Dir      string        `arg:"" type:"existingdir" help:"Where the PDFs are, in it and below."`
	Within   time.Duration `env:"-" default:"4320h" help:"Renew what ends within this time. Default: half a year."`
	Parallel int           `env:"-" default:"4" help:"How many documents are worked on at once."`

	TimestampURL     string   `required:"" placeholder:"URL" help:"Service of the timestamp authority (RFC 3161)."`
	TimestampLists   string   `placeholder:"URL" help:"Where the revocation list of its certificates is fetched."`
	TimestampAnchors []string `required:"" placeholder:"FILE" type:"existingfile" help:"PEM files with the certificates that its certificates descend from, and those of the authorities before it."`
}

// Run renews, tells the progress on the log, and prints what became of how many. The exit code is 1 when any could not be
// renewed.
func (cmd *RenewTimestampsCmd) Run(ctx context.Context, g *Globals) (err error) {
	files, err := pdfs(cmd.Dir)
	if err != nil {
		return err
	}
	db, err := g.database(ctx, clock.System{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	renewer, err := cmd.renewer(ctx, db)
	if err != nil {
		return err
	}
	p := &progress{g: g, of: len(files)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, cmd.Parallel))
	for _, file := range files {
		group.Go(func() error {
			p.note(file, cmd.renew(ctx, renewer, file))
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "%d documents: %d renewed, %d not due, %d failed\n", p.of, p.renewed, p.notDue, p.failed)
	if p.failed > 0 {
		return &exitWith{exitNotValid, nil}
	}
	return nil
}

func (cmd *RenewTimestampsCmd) renewer(ctx context.Context, db *system.Database) (*credential.Renewer, error) {
	anchors, err := readAnchors(cmd.TimestampAnchors)
	if err != nil {
		return nil, err
	}
	client, err := timestamp.New(timestamp.Config{URL: cmd.TimestampURL, Lists: cmd.TimestampLists, Anchors: anchors, Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	worker, err := db.As(ctx, pg.RoleWorker, int32(max(1, cmd.Parallel)))
	if err != nil {
		return nil, err
	}
	catalogue, err := system.Definitions()
	if err != nil {
		return nil, err
	}
	return &credential.Renewer{DB: worker, Catalogue: catalogue, Timestamps: anchors,
		Sealer: &credential.Sealer{DB: worker, Stamp: client.Stamp, Evidence: client.Evidence}}, nil
}

// pdfs lists the PDFs of a directory. Links are not followed.
func pdfs(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".pdf") {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// errNotDue is no failure: the document's timestamp holds long enough.
var errNotDue = errors.New("not due")

// renew renews one file.
func (cmd *RenewTimestampsCmd) renew(ctx context.Context, r *credential.Renewer, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > pades.MaxSize {
		return fault.New(fault.TooLarge, "", "reading a PDF")
	}
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	renewed, err := r.Renew(ctx, document, cmd.Within)
	switch {
	case err != nil:
		return err
	case renewed.Document == nil:
		return errNotDue
	}
	return replace(file, renewed.Document, info.Mode().Perm())
}

// replace writes a file as a whole: after a crash there is the old one or the new one.
func replace(file string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".renewing-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// progress counts, and tells the log what failed and, now and then, how far it is.
type progress struct {
	g  *Globals
	of int

	mu                      sync.Mutex
	renewed, notDue, failed int
}

// tellEvery is after how many documents the progress is told.
const tellEvery = 100

func (p *progress) note(file string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.renewed++
	case errors.Is(err, errNotDue):
		p.notDue++
	default:
		p.failed++
		p.g.Log.Error("a document was not renewed", "file", file, "error", err)
	}
	if done := p.renewed + p.notDue + p.failed; done%tellEvery == 0 || done == p.of {
		p.g.Log.Info("renewing timestamps", "done", done, "of", p.of, "renewed", p.renewed, "failed", p.failed)
	}
}
