package audit

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/pg"
)

// SelectPending is the sequencer's query, for looking at its plan.
const SelectPending = selectPending

// ListSQL is the query of List.
func ListSQL(f Filter) (string, []any) {
	where, args := f.where()
	return selectEvent + where, args
}

// StepIn runs a step in a transaction of the test's, without the advisory lock.
func (s *Sequencer) StepIn(ctx context.Context, tx *pg.Tx) (Step, error) { return s.step(ctx, tx) }

// Grow appends leaf hashes to an empty edge and shows each size, with its root on request, and each tile.
func Grow(leaves []tlog.Hash, visit func(size int64, root func() tlog.Hash), tile func(level int, n int64, root tlog.Hash, data []byte)) {
	var e edge
	visit(0, e.root)
	for _, l := range leaves {
		for _, t := range e.append(l) {
			tile(t.level, t.n, t.root, t.data)
		}
		visit(e.size, e.root)
	}
}
