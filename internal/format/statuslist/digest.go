package statuslist

import "crypto/sha256"

// Digest is the SHA-256 of the unpacked array: two lists with the same states have the same.
func (l *List) Digest() [sha256.Size]byte { return sha256.Sum256(l.packed) }
