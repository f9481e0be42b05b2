package qualification

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Finding is a sentence about a place in a set of definitions: what is wrong there, or what a new version means there.
type Finding struct {
	File string // "" where it is clear
	Path string // e.g. procedures[registration].groups[person].fields[name].label.en; "" for the whole file
	Said Saying
}

// FindingOf makes a finding of an error that came from reading a file.
func FindingOf(file string, err error) Finding { return Finding{File: file, Said: sayingOf(err)} }

// Place is the file and the path.
func (f Finding) Place() string {
	if f.File == "" || f.Path == "" {
		return f.File + f.Path
	}
	return f.File + ": " + f.Path
}

// In returns the place and the sentence in a language, without readings.
func (f Finding) In(l Lang) string {
	if place := f.Place(); place != "" {
		return place + ": " + f.Said.In(l)
	}
	return f.Said.In(l)
}

// String is the finding in English.
func (f Finding) String() string { return f.In(EN) }

// MarshalJSON writes the place, the code with its arguments, and the sentence in English.
func (f Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		File string `json:"file,omitempty"`
		Path string `json:"path"`
		Saying
		Message string `json:"message"`
	}{f.File, f.Path, f.Said, f.Said.String()})
}

// Findings is everything wrong with a set of definitions: the error that Load returns.
type Findings []Finding

func (f Findings) Error() string { return strings.Join(f.In(EN), "\n") }

// In returns each finding as a line in a language.
func (f Findings) In(l Lang) []string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].In(l)
	}
	return lines
}

func (f Findings) sorted() Findings {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Said.String(), b.Said.String()))
	})
	return slices.CompactFunc(f, func(a, b Finding) bool { return a.String() == b.String() })
}

// reporter collects the findings of one file.
type reporter struct {
	file  string
	found Findings
}

func (r *reporter) add(path string, code Code, args ...any) { r.say(path, Say(code, args...)) }

// fail reports an error of reading.
func (r *reporter) fail(path string, err error) { r.say(path, sayingOf(err)) }

func (r *reporter) say(path string, s Saying) {
	r.found = append(r.found, Finding{File: r.file, Path: path, Said: s})
}

// elementName names an element of a list in a path: by its id where it has one, otherwise by its place.
func elementName(v any, i int) string {
	if id := idOf(v); id != "" {
		return "[" + id + "]"
	}
	return fmt.Sprintf("[%d]", i)
}

// trail is the way to a place in a document. Documents have many places, and there is something to report at hardly any, so
// that the path is written only then. The trail of the document itself is nil.
type trail struct {
	up      *trail
	key     string // in a mapping
	element any    // in a list
	index   int    // of the element; inMapping: the step is a key
}

// inMapping stands for the index where the step is a key.
const inMapping = -1

func (t *trail) String() string {
	switch {
	case t == nil:
		return ""
	case t.index == inMapping:
		return join(t.up.String(), t.key)
	}
	return t.up.String() + elementName(t.element, t.index)
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
