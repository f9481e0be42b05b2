// Package qualifications carries the definitions of the qualifications: one YAML file each, the bases that they extend,
// the registrars, and the schema of the format. FORMAT.md explains the format to an author; internal/qualification reads it.
package qualifications

import "embed"

// Files holds the definitions as their authors wrote them.
//
//go:embed schema.json registrars.yaml *.yaml bases/*.yaml versions/*.yaml
var Files embed.FS
