package main

import (
	"context"
	"fmt"

	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/system"
)

// MigrateCmd makes the roles and the schema. With --database it logs in exactly as the address says: for --bootstrap as
// a superuser, otherwise as a member of akashi_owner and akashi_data. A private database needs neither: every start
// migrates it.
type MigrateCmd struct {
	Bootstrap bool `help:"Make the roles and prepare the database first (once per cluster and database; needs a superuser)."`
	Pending   bool `help:"Only list the migrations that are missing; exit with 3 if there are any."`
}

// Run migrates and says what was done.
func (cmd *MigrateCmd) Run(ctx context.Context, g *Globals) error {
	if g.Database == "" {
		d, err := g.database(ctx, clock.System{})
		if err != nil {
			return err
		}
		fmt.Fprintln(g.Out, "The private database is at the newest schema.")
		return d.Close(ctx)
	}
	if cmd.Pending {
		return cmd.list(ctx, g)
	}
	if cmd.Bootstrap {
		if err := system.Bootstrap(ctx, g.Database); err != nil {
			return err
		}
		fmt.Fprintln(g.Out, "The roles are made.")
	}
	if err := pg.Migrate(ctx, g.Database); err != nil {
		return err
	}
	fmt.Fprintln(g.Out, "The database is at the newest schema.")
	return nil
}

func (cmd *MigrateCmd) list(ctx context.Context, g *Globals) error {
	pending, err := pg.Pending(ctx, g.Database)
	if err != nil {
		return err
	}
	for _, name := range pending {
		fmt.Fprintln(g.Out, name)
	}
	if len(pending) > 0 {
		return errNo
	}
	return nil
}
