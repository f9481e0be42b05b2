package ui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"akashi/internal/qualification"
)

//go:embed text
var commonText embed.FS

// Catalogue holds every wording of a portal in Japanese, English and plain Japanese. It is immutable and safe for
// concurrent use.
//
// It is read from YAML files of the shape
//
//	apply.lead: {ja: "あと{0}日です", en: "{0} days left", easy: "あと {0}{日|にち}です"}
//
// where {0}, {1} are positional and {name} named placeholders. A file named *.ja.yaml is for the console, whose only
// language is Japanese: its cells need no other language.
type Catalogue struct {
	cells map[string]cell
}

type cell struct {
	text   qualification.Text
	jaOnly bool
	file   string
}

// Args are named values for placeholders: T("key", ui.Args{"name": "…"}).
type Args map[string]any

// NewCatalogue reads the common wordings of this package and every .yaml file of the given trees. A key that appears
// twice and a file that cannot be read are errors; completeness is checked by Problems.
func NewCatalogue(trees ...fs.FS) (*Catalogue, error) {
	c := &Catalogue{cells: map[string]cell{}}
	for _, tree := range append([]fs.FS{commonText}, trees...) {
		err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
				return err
			}
			return c.read(tree, name)
		})
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
	}
	return c, nil
}

func (c *Catalogue) read(tree fs.FS, name string) error {
	raw, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	var cells map[string]qualification.Text
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&cells); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	for key, text := range cells {
		if old, twice := c.cells[key]; twice {
			return fmt.Errorf("%s: key %q is already in %s", name, key, old.file)
		}
		c.cells[key] = cell{text: text, jaOnly: strings.HasSuffix(name, ".ja.yaml"), file: name}
	}
	return nil
}

// Has tells whether the catalogue has the key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.cells[key]
	return ok
}

// Keys lists every key in order.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.cells)) }

// T returns the wording as plain text, without readings. An unknown key is returned as it is: a wrong key is a mistake
// of ours that the tests of uitest find, and the visitor is better served by a page than by none.
func (c *Catalogue) T(lang qualification.Lang, key string, args ...any) string {
	return Plain(c.R(lang, key, args...))
}

// R returns the wording with its readings, for Words and for the string fields of components.
func (c *Catalogue) R(lang qualification.Lang, key string, args ...any) string {
	found, ok := c.cells[key]
	if !ok {
		return key
	}
	words := found.text.Marked(lang)
	if words == "" {
		words = found.text.JA
	}
	return fill(annotate(words), lang, args)
}

// placeholder matches {0}, {1}, … and {name}.
var placeholder = regexp.MustCompile(`\{([a-z0-9_]+)\}`)

// fill puts the arguments in place of the placeholders. One that has no argument stays visible.
func fill(words string, lang qualification.Lang, args []any) string {
	if len(args) == 0 {
		return words
	}
	named, _ := args[0].(Args)
	return placeholder.ReplaceAllStringFunc(words, func(p string) string {
		name := p[1 : len(p)-1]
		if v, ok := named[name]; ok {
			return argText(v, lang)
		}
		if i, err := strconv.Atoi(name); err == nil && i < len(args) {
			return argText(args[i], lang)
		}
		return p
	})
}

// Problems lists what is wrong with the catalogue: missing cells and cells of one key whose placeholders differ.
func (c *Catalogue) Problems() []string {
	var out []string
	for _, key := range c.Keys() {
		cell := c.cells[key]
		want := placeholdersOf(cell.text.JA)
		for _, lang := range qualification.Langs {
			words := wordsOf(cell.text, lang)
			switch {
			case words == "" && (lang == qualification.JA || !cell.jaOnly):
				out = append(out, fmt.Sprintf("%s: %s has no cell %q", cell.file, key, lang))
			case words != "" && !slices.Equal(placeholdersOf(words), want):
				out = append(out, fmt.Sprintf("%s: %s: placeholders of %q are %v, of ja %v", cell.file, key, lang, placeholdersOf(words), want))
			}
		}
	}
	return out
}

func wordsOf(t qualification.Text, lang qualification.Lang) string {
	switch lang {
	case qualification.EN:
		return t.EN
	case qualification.Easy:
		return t.Easy
	}
	return t.JA
}

// placeholdersOf returns the distinct placeholders of a wording, in order.
func placeholdersOf(s string) []string {
	found := placeholder.FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
