// Package migrations carries the schema inside the program: numbered plain SQL in goose's form, each file with an Up and
// a Down part. pg.Migrate applies them as the role akashi_owner; nothing else reads them.
package migrations

import "embed"

// Files holds every numbered migration at its root.
//
//go:embed *.sql
var Files embed.FS
