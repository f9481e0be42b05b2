package qualification

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"akashi/internal/jtext"
)

// registrarsFile lists the bodies that keep registers.
const registrarsFile = "registrars.yaml"

// Load reads every definition of a directory tree: <id>.yaml at its top are the current versions, versions/*.yaml
// earlier and coming ones, bases/*.yaml what they extend. It reports everything that is wrong at once: the error is a
// Findings. Nothing is returned unless everything is in order.
func Load(fsys fs.FS) (*Catalogue, error) {
	files, err := ReadFiles(fsys)
	if err != nil {
		return nil, err
	}
	return LoadFiles(files)
}

// ReadFiles reads the files that Load looks at, by their slash-separated paths.
func ReadFiles(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || (path.Ext(name) != ".yaml" && name != schemaFile) {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading definitions: %w", err)
	}
	return files, nil
}

// LoadFiles is Load for files in memory, by their slash-separated paths.
func LoadFiles(files map[string][]byte) (*Catalogue, error) {
	l, err := newLoader(files)
	if err != nil {
		return nil, err
	}
	var found Findings
	l.registrars, found = l.loadRegistrars()
	definitions, wrong := l.loadDefinitions()
	found = append(found, wrong...)
	catalogue, wrong := newCatalogue(definitions, l.registrars)
	if found = append(found, wrong...); len(found) == 0 {
		found = l.resolver.unusedBases() // a file that cannot be read extends nothing, so this comes last
	}
	if len(found) > 0 {
		return nil, found.sorted()
	}
	return catalogue, nil
}

// ReadOne reads one definition of a set of files for its author: everything that is wrong with it, and the definition
// itself, nil when it cannot be understood. What concerns several definitions at once (a row or code taken by another) is
// not looked at; Catalogue.Clashes tells.
func ReadOne(files map[string][]byte, name string) (*Definition, Findings, error) {
	l, err := newLoader(files)
	if err != nil {
		return nil, nil, err
	}
	registrars, found := l.loadRegistrars()
	l.registrars = registrars
	d, own := l.load(name)
	return d, append(found, own...).sorted(), nil
}

func newLoader(files map[string][]byte) (*loader, error) {
	compiled, err := schemasOf(files[schemaFile])
	if err != nil {
		return nil, err
	}
	compiler, err := newExpressionCompiler()
	if err != nil {
		return nil, err
	}
	return &loader{trials: newTrials(), files: files, schemas: compiled, compiler: compiler, resolver: &resolver{files: files, bases: map[string]source{}}}, nil
}

type loader struct {
	files      map[string][]byte
	schemas    *schemas
	compiler   *expressionCompiler
	resolver   *resolver
	trials     *trials
	registrars []Registrar
}

// loaded is a definition and the file that it came from.
type loaded struct {
	file       string
	definition *Definition
}

// loadDefinitions reads the files on all processors.
func (l *loader) loadDefinitions() ([]loaded, Findings) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		if isDefinitionFile(name) {
			names = append(names, name)
		}
	}
	definitions, found := make([]loaded, len(names)), make([]Findings, len(names))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			definitions[i].file = name
			definitions[i].definition, found[i] = l.load(name)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, Findings{FindingOf("", err)}
	}
	return slices.DeleteFunc(definitions, func(d loaded) bool { return d.definition == nil }), slices.Concat(found...)
}

func isDefinitionFile(name string) bool {
	dir := path.Dir(name)
	return path.Ext(name) == ".yaml" && name != registrarsFile && (dir == "." || dir == "versions")
}

func (l *loader) load(name string) (*Definition, Findings) {
	r := &reporter{file: name}
	doc := l.resolver.resolve(name, r)
	if doc == nil {
		return nil, r.found
	}
	checkSchema(l.schemas.definition, doc, r)
	checkReadings(doc, nil, r)
	if len(r.found) > 0 {
		return nil, r.found
	}
	d, err := build(doc)
	if err != nil {
		r.fail("", err)
		return nil, r.found
	}
	d.Source = l.files[name]
	checkFileName(d, name, r)
	if l.registrars != nil {
		d.expandRegisters(l.registrars, r)
	}
	l.compiler.compileAll(d, r)
	lint(d, l.registrars, l.trials, r)
	return d, r.found
}

// checkFileName holds the name of a file to what it defines.
func checkFileName(d *Definition, name string, r *reporter) {
	want := d.ID + ".yaml"
	if path.Dir(name) == "versions" {
		want = "versions/" + d.ID + "@" + d.Version + ".yaml"
	}
	if name != want {
		r.add("id", "file-other-name", d.ID, want)
	}
}

// build reads a resolved document into a definition. Expressions are not compiled yet.
func build(doc map[string]any) (*Definition, error) {
	bytes, err := canonical(doc)
	if err != nil {
		return nil, err
	}
	d := &Definition{resolved: bytes}
	decoder := json.NewDecoder(strings.NewReader(string(bytes)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, wrong("file-no-definition", err.Error())
	}
	sum := sha256.Sum256(bytes)
	d.SHA256 = hex.EncodeToString(sum[:])
	d.kanaOrder = jtext.KanaOrder(d.Kana)
	d.completeOptions()
	return d, nil
}

// completeOptions gives each choice without options those of the register item that it writes.
func (d *Definition) completeOptions() {
	for i := range d.Procedures {
		d.Procedures[i].classes = d.Classes
		for j := range d.Procedures[i].Groups {
			for k := range d.Procedures[i].Groups[j].Fields {
				f := &d.Procedures[i].Groups[j].Fields[k]
				if item := d.Item(f.Item); item != nil && len(f.Options) == 0 && (f.Kind == KindSelect || f.Kind == KindRadio) {
					f.Options = item.Options
				}
			}
		}
	}
}

// ParsePinned reads a definition that was stored with an application: the bytes of Resolved, or the same document as
// YAML. The registrars of its time are not known any more and are not checked.
func ParsePinned(data []byte) (*Definition, error) {
	doc, err := parseYAML(data)
	if err != nil {
		return nil, fmt.Errorf("reading a stored definition: %w", err)
	}
	d, err := build(doc)
	if err != nil {
		return nil, fmt.Errorf("reading a stored definition: %w", err)
	}
	d.Source = slices.Clone(data)
	compiler, err := newExpressionCompiler()
	if err != nil {
		return nil, err
	}
	r := &reporter{file: d.ID + " " + d.Version}
	compiler.compileAll(d, r)
	lint(d, nil, nil, r)
	if len(r.found) > 0 {
		return nil, fmt.Errorf("reading a stored definition: %w", r.found.sorted())
	}
	return d, nil
}

// unusedBases reports bases that no definition extends: nobody would notice what is wrong with them.
func (s *resolver) unusedBases() Findings {
	var found Findings
	for name := range s.files {
		if _, read := s.bases[name]; path.Dir(name) == "bases" && !read {
			found = append(found, Finding{File: name, Said: Say("base-unused")})
		}
	}
	return found
}
