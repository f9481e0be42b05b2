package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// tree reads the stored tree within a transaction.
type tree struct {
	ctx context.Context // of one call; tlog's interfaces pass none
	tx  *pg.Tx
}

// children returns the hashes at places [from, to) of a level of tiles: leaf hashes at level 0, roots of tiles above.
func (t tree) children(level int, from, to int64) ([]tlog.Hash, error) {
	query, args := `select commitment from audit_leaf where seq >= $1 and seq < $2 order by seq`, []any{from, to}
	if level > 0 {
		query, args = `select root from audit_tile where level = $3 and n >= $1 and n < $2 order by n`, []any{from, to, level - 1}
	}
	rows, err := t.tx.Query(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	hashes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h tlog.Hash, err error) {
		var b []byte
		if err := row.Scan(&b); err != nil {
			return h, err
		}
		if level == 0 {
			return tlog.RecordHash(b), nil
		}
		return toHash(b)
	})
	if err != nil {
		return nil, err
	}
	if int64(len(hashes)) != to-from {
		return nil, damaged("level %d has %d of the hashes %d to %d", level, len(hashes), from, to-1)
	}
	return hashes, nil
}

// edge reads the right edge of the tree of a size.
func (t tree) edge(size int64) (*edge, error) {
	e := &edge{size: size}
	for level, n := 0, size; n > 0; level, n = level+1, n>>tileHeight {
		hashes, err := t.children(level, n&^(tileWidth-1), n)
		if err != nil {
			return nil, fmt.Errorf("reading the edge of the audit log: %w", err)
		}
		e.levels = append(e.levels, hashes)
	}
	return e, nil
}

// Height is the height of the tiles; with ReadTiles and SaveTiles it makes tree a tlog.TileReader.
func (t tree) Height() int { return tileHeight }

// ReadTiles reads tiles, complete or not. tlog checks them against the root that it was given.
func (t tree) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, want := range tiles {
		d, err := t.readTile(want)
		if err != nil {
			return nil, fmt.Errorf("reading tile %s: %w", want.Path(), err)
		}
		data = append(data, d)
	}
	return data, nil
}

func (t tree) readTile(want tlog.Tile) (data []byte, err error) {
	if want.W == tileWidth {
		err = t.tx.QueryRow(t.ctx, `select data from audit_tile where level = $1 and n = $2`, want.L, want.N).Scan(&data)
		return data, err
	}
	from := want.N << tileHeight
	hashes, err := t.children(want.L, from, from+int64(want.W))
	return join(hashes), err
}

// SaveTiles does nothing: the tiles come from the one place where they are kept.
func (t tree) SaveTiles([]tlog.Tile, [][]byte) {}

func toHash(b []byte) (h tlog.Hash, err error) {
	if len(b) != len(h) {
		return h, damaged("a hash has %d bytes", len(b))
	}
	return tlog.Hash(b), nil
}

// damaged says that the stored log contradicts itself: somebody has been at it behind the program's back.
func damaged(format string, args ...any) error {
	return fault.New(fault.Internal, "audit.damaged", "the audit log is damaged: "+fmt.Sprintf(format, args...))
}
