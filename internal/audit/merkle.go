package audit

import (
	"crypto/sha256"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// The tree is stored as tiles of height 8 (C2SP tlog-tiles): tile n of level 0 has the leaf hashes 256n to 256n+255, and
// of every further level the subtree hashes of 256 tiles below. Only complete tiles are stored, once. What is still
// incomplete, the edge, is read from the leaves and from the roots of the tiles below.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tile is a complete tile.
type tile struct {
	level int
	n     int64
	root  tlog.Hash
	data  []byte
}

// edge is the right edge of a tree: by level, the hashes that do not fill a tile yet. It suffices to append leaves and
// to compute the root.
type edge struct {
	size   int64
	levels [][]tlog.Hash
}

// append adds a leaf and returns the tiles that it completes.
func (e *edge) append(leaf tlog.Hash) []tile {
	var done []tile
	h := leaf
	for level := 0; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, nil)
		}
		e.levels[level] = append(e.levels[level], h)
		if len(e.levels[level]) < tileWidth {
			break
		}
		t := tile{level: level, n: e.size >> (tileHeight * (level + 1)), root: perfect(e.levels[level]), data: join(e.levels[level])}
		done = append(done, t)
		e.levels[level] = nil
		h = t.root
	}
	e.size++
	return done
}

// root returns the Merkle tree hash (RFC 6962 §2.1): the perfect subtrees from left to right, joined from the right.
func (e *edge) root() tlog.Hash {
	var subtrees []tlog.Hash
	for level := len(e.levels) - 1; level >= 0; level-- {
		rest := e.levels[level]
		for len(rest) > 0 {
			width := 1 << (bits.Len(uint(len(rest))) - 1)
			subtrees = append(subtrees, perfect(rest[:width]))
			rest = rest[width:]
		}
	}
	if len(subtrees) == 0 {
		return sha256.Sum256(nil)
	}
	h := subtrees[len(subtrees)-1]
	for i := len(subtrees) - 2; i >= 0; i-- {
		h = tlog.NodeHash(subtrees[i], h)
	}
	return h
}

// perfect returns the hash of the perfect tree over a power of two of hashes.
func perfect(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(perfect(hashes[:half]), perfect(hashes[half:]))
}

func join(hashes []tlog.Hash) []byte {
	data := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return data
}
