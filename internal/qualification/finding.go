package qualification

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing wrong with a file of definitions.
type Finding struct {
	File    string `json:"file"`
	Path    string `json:"path"` // e.g. procedures[registration].groups[person].fields[name].label.en; "" for the whole file
	Message string `json:"message"`
}

func (f Finding) String() string {
	if f.Path == "" {
		return f.File + ": " + f.Message
	}
	return f.File + ": " + f.Path + ": " + f.Message
}

// Findings is everything wrong with a set of definitions: the error that Load returns.
type Findings []Finding

func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}

func (f Findings) sorted() Findings {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(f)
}

// reporter collects the findings of one file.
type reporter struct {
	file  string
	found Findings
}

func (r *reporter) add(path, format string, args ...any) {
	r.found = append(r.found, Finding{File: r.file, Path: path, Message: fmt.Sprintf(format, args...)})
}

// elementName names an element of a list in a path: by its id where it has one, otherwise by its place.
func elementName(v any, i int) string {
	if id := idOf(v); id != "" {
		return "[" + id + "]"
	}
	return fmt.Sprintf("[%d]", i)
}

// idOf returns the id of a mapping, "" when it has none.
func idOf(v any) string {
	m, _ := v.(map[string]any)
	id, _ := m["id"].(string)
	return id
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
