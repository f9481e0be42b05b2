package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/relying"
)

// VerifierCmd registers bodies that check credentials by programs under a name of their own, and gives them keys.
type VerifierCmd struct {
	Add    verifierAdd    `cmd:"" help:"Register a verifier and give it a first key, which is told once."`
	List   verifierList   `cmd:"" help:"List verifiers and their keys."`
	Key    verifierKey    `cmd:"" help:"Give a verifier another key, which is told once. Revoke the old one when the new one is in use."`
	Revoke verifierRevoke `cmd:"" help:"End a key at once."`
	Close  verifierClose  `cmd:"" help:"End a verifier: its keys count no more and nothing more is sent to it."`
}

type verifierAdd struct {
	Name    string `arg:"" help:"Name, as holders read it when they are asked to agree."`
	Webhook string `env:"-" placeholder:"URL" help:"https address to which changes of status are sent."`
	Days    int    `env:"-" default:"365" help:"Days for which the key is good, at most 732."`
}

type verifierList struct {
	JSON bool `env:"-" name:"json" help:"Print JSON."`
}

type verifierKey struct {
	Verifier string `arg:"" help:"Id of the verifier."`
	Label    string `env:"-" help:"What it is for."`
	Days     int    `env:"-" default:"365" help:"Days for which the key is good, at most 732."`
}

type verifierRevoke struct {
	Key string `arg:"" help:"Id of the key: the part between the underscores."`
}

type verifierClose struct {
	Verifier string `arg:"" help:"Id of the verifier."`
}

// withOffice opens the database for the registration of verifiers.
func withOffice(ctx context.Context, g *Globals, f func(relying.Office) error) (err error) {
	d, err := g.database(ctx, clock.System{})
	if err != nil {
		return err
	}
	defer func() {
		if closed := d.Close(context.WithoutCancel(ctx)); err == nil {
			err = closed
		}
	}()
	db, err := d.As(ctx, pg.RoleWorker, 2)
	if err != nil {
		return err
	}
	defer db.Close()
	return f(relying.Office{DB: db})
}

// Run registers and prints id and key.
func (cmd *verifierAdd) Run(ctx context.Context, g *Globals) error {
	return withOffice(ctx, g, func(o relying.Office) error {
		c, err := o.Register(ctx, cmd.Name, cmd.Webhook)
		if err != nil {
			return err
		}
		fmt.Fprintf(g.Out, "verifier %s\n", c.ID)
		return give(ctx, g, o, c.ID, "", cmd.Days)
	})
}

func give(ctx context.Context, g *Globals, o relying.Office, client, label string, days int) error {
	text, k, err := o.Give(ctx, client, label, time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "key %s, good until %s; it is told this once:\n%s\n", k.ID, k.ExpiresAt.Format(time.DateOnly), text)
	return nil
}

// Run prints every verifier with its keys.
func (cmd *verifierList) Run(ctx context.Context, g *Globals) error {
	return withOffice(ctx, g, func(o relying.Office) error {
		clients, keys, err := o.List(ctx)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return json.NewEncoder(g.Out).Encode(map[string]any{"verifiers": clients, "keys": keys})
		}
		for _, c := range clients {
			fmt.Fprintf(g.Out, "%s  %s  %s%s\n", c.ID, c.Name, c.WebhookURL, since("closed", c.ClosedAt))
			for _, k := range keys {
				if k.ClientID == c.ID {
					fmt.Fprintf(g.Out, "  key %s  good until %s  %s%s\n", k.ID, k.ExpiresAt.Format(time.DateOnly), k.Label, since("revoked", k.RevokedAt))
				}
			}
		}
		return nil
	})
}

func since(what string, at *time.Time) string {
	if at == nil {
		return ""
	}
	return fmt.Sprintf("  %s %s", what, at.Format(time.RFC3339))
}

// Run gives another key.
func (cmd *verifierKey) Run(ctx context.Context, g *Globals) error {
	return withOffice(ctx, g, func(o relying.Office) error { return give(ctx, g, o, cmd.Verifier, cmd.Label, cmd.Days) })
}

// Run ends a key.
func (cmd *verifierRevoke) Run(ctx context.Context, g *Globals) error {
	return withOffice(ctx, g, func(o relying.Office) error { return o.Revoke(ctx, cmd.Key) })
}

// Run ends a verifier.
func (cmd *verifierClose) Run(ctx context.Context, g *Globals) error {
	return withOffice(ctx, g, func(o relying.Office) error { return o.Close(ctx, cmd.Verifier) })
}
