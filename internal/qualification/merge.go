package qualification

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// resolver reads files and lays them over the bases that they extend. Bases are read once and never changed afterwards.
type resolver struct {
	files map[string][]byte
	mu    sync.Mutex
	bases map[string]source
}

// source is one file as it was read.
type source struct {
	file  string
	doc   map[string]any
	found Findings
}

// resolve returns the file with its bases merged in and its words filled in. What is wrong goes to r; the document is
// nil when it could not be read at all.
func (s *resolver) resolve(file string, r *reporter) map[string]any {
	layers, ok := s.layers(file, nil, nil, r)
	if !ok {
		return nil
	}
	merged := map[string]any{}
	for _, layer := range layers {
		own := &reporter{file: layer.file}
		merged = mergeMaps(merged, layer.doc, nil, own)
		r.found = append(r.found, own.found...)
	}
	delete(merged, "extends")
	return fillTerms(merged, r)
}

// layers lists a file behind everything that it extends, each file once: bases before what extends them, in the order in
// which they are named. So a base can take away what another, named before it, has. chain holds the files that led here.
func (s *resolver) layers(file string, chain []string, layers []source, r *reporter) ([]source, bool) {
	if slices.ContainsFunc(layers, func(l source) bool { return l.file == file }) {
		return layers, true
	}
	if slices.Contains(chain, file) {
		r.add("extends", "base-cycle", strings.Join(append(chain, file), " -> "))
		return nil, false
	}
	own, ok := s.read(file, r)
	if !ok {
		return nil, false
	}
	for _, base := range s.basesOf(own.doc, file, r) {
		if layers, ok = s.layers(base, append(slices.Clone(chain), file), layers, r); !ok {
			return nil, false
		}
	}
	return append(layers, own), true
}

// read parses a file, a base only once.
func (s *resolver) read(file string, r *reporter) (source, bool) {
	s.mu.Lock()
	known, ok := s.bases[file]
	s.mu.Unlock()
	if !ok {
		data, exists := s.files[file]
		if !exists {
			r.add("extends", "base-no-file", file)
			return source{}, false
		}
		doc, err := parseYAML(data)
		own := &reporter{file: file}
		if err != nil {
			own.fail("", err)
		}
		checkDuplicates(doc, nil, own)
		known = source{file: file, doc: doc, found: own.found}
		if strings.HasPrefix(file, "bases/") {
			s.mu.Lock()
			s.bases[file] = known
			s.mu.Unlock()
		}
	}
	r.found = append(r.found, known.found...)
	return known, known.doc != nil
}

func (s *resolver) basesOf(doc map[string]any, file string, r *reporter) []string {
	list, ok := doc["extends"].([]any)
	if doc["extends"] != nil && !ok {
		r.found = append(r.found, Finding{File: file, Path: "extends", Said: Say("base-list", "bases/")})
	}
	var names []string
	for _, v := range list {
		name, _ := v.(string)
		if !strings.HasPrefix(name, "bases/") {
			r.found = append(r.found, Finding{File: file, Path: "extends", Said: Say("base-list", "bases/")})
			continue
		}
		names = append(names, name)
	}
	return names
}

// checkDuplicates reports ids that stand twice in one list of one file.
func checkDuplicates(v any, at *trail, r *reporter) {
	switch v := v.(type) {
	case map[string]any:
		step := trail{up: at, index: inMapping}
		for key, e := range v {
			step.key = key
			checkDuplicates(e, &step, r)
		}
	case []any:
		step, seen := trail{up: at}, map[string]bool{}
		for i, e := range v {
			step.element, step.index = e, i
			if id := idOf(e); id != "" {
				if seen[id] {
					r.add(step.String(), "merge-id-twice")
				}
				seen[id] = true
			}
			checkDuplicates(e, &step, r)
		}
	}
}

// mergeMaps returns base with the values of over: maps key by key, lists of things with an id by id, everything else
// replaced. A null in over removes the key. Neither argument is changed.
func mergeMaps(base, over map[string]any, at *trail, r *reporter) map[string]any {
	merged := maps.Clone(base)
	step := trail{up: at, index: inMapping}
	for key, v := range over {
		step.key = key
		if v == nil {
			if _, there := merged[key]; !there {
				r.add(step.String(), "merge-removes-nothing")
			}
			delete(merged, key)
			continue
		}
		merged[key] = mergeValues(merged[key], v, &step, r)
	}
	return merged
}

func mergeValues(base, over any, at *trail, r *reporter) any {
	switch over := over.(type) {
	case map[string]any:
		b, _ := base.(map[string]any)
		if b == nil {
			b = map[string]any{}
		}
		merged := mergeMaps(b, over, at, r)
		_, otherSource := over["source"]
		if _, note := over["note"]; otherSource && !note {
			delete(merged, "note") // it is about the source of the base
		}
		return merged
	case []any:
		b, _ := base.([]any)
		if allHaveIDs(over) && (allHaveIDs(b) || b == nil) {
			return mergeLists(b, over, at, r)
		}
	}
	return over
}

func allHaveIDs(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return idOf(v) == "" })
}

// mergeLists merges by id. An element with "drop: true" removes the one of the base; a new one goes to the end, or
// behind the one that "after" names, where a known one is moved as well.
func mergeLists(base, over []any, at *trail, r *reporter) []any {
	merged := slices.Clone(base)
	step := trail{up: at}
	for _, v := range over {
		step.element = v
		m := maps.Clone(v.(map[string]any))
		id := idOf(v)
		after, _ := m["after"].(string)
		drop, _ := m["drop"].(bool)
		delete(m, "after")
		delete(m, "drop")
		i := slices.IndexFunc(merged, func(e any) bool { return idOf(e) == id })
		switch {
		case drop && i < 0:
			r.add(step.String(), "merge-drops-nothing")
		case drop:
			merged = slices.Delete(merged, i, i+1)
		case i >= 0 && after == "":
			merged[i] = mergeMaps(merged[i].(map[string]any), m, &step, r)
		case i >= 0:
			moved := mergeMaps(merged[i].(map[string]any), m, &step, r)
			merged = slices.Delete(merged, i, i+1)
			merged = slices.Insert(merged, place(merged, after, &step, r), any(moved))
		default:
			merged = slices.Insert(merged, place(merged, after, &step, r), any(mergeMaps(map[string]any{}, m, &step, r)))
		}
	}
	return merged
}

func place(list []any, after string, at *trail, r *reporter) int {
	if after == "" {
		return len(list)
	}
	i := slices.IndexFunc(list, func(e any) bool { return idOf(e) == after })
	if i < 0 {
		r.add(at.String(), "merge-after-nothing", after)
		return len(list)
	}
	return i + 1
}

// termPattern finds the words that a definition fills into its texts, e.g. {register}.
var termPattern = regexp.MustCompile(`\{([a-z_]+)\}`)

// itemPattern finds the items in the title of a credential, e.g. {item.grade}.
var itemPattern = regexp.MustCompile(`\{item\.([a-z][a-z0-9_]*)\}`)

// fillTerms replaces {word} in every text by the word of the same language in "terms"; {qualification} is the name.
func fillTerms(doc map[string]any, r *reporter) map[string]any {
	terms := map[string]any{}
	if t, ok := doc["terms"].(map[string]any); ok {
		terms = maps.Clone(t)
	}
	terms["qualification"] = doc["name"]
	f := filler{terms: terms, r: r, unknown: map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		onlyName := filler{terms: map[string]any{"qualification": doc["name"]}, r: r, unknown: f.unknown}
		terms[name], _ = onlyName.fill(terms[name], &trail{up: &trail{key: "terms", index: inMapping}, key: name, index: inMapping})
	}
	filled, _ := f.fillMap(doc, nil)
	f.report()
	return filled
}

type filler struct {
	terms   map[string]any
	r       *reporter
	unknown map[string][]string // words that no term gives, e.g. {register}, to the paths where they stand
}

// report names each unknown word once. A missing name is reported as such, not as a word.
func (f filler) report() {
	for word, paths := range f.unknown {
		if slices.Sort(paths); word == nameWord {
			continue
		}
		if len(paths) > 1 {
			f.r.add(paths[0], codeNoTermMore, word, len(paths)-1)
			continue
		}
		f.r.add(paths[0], codeNoTerm, word)
	}
}

// nameWord stands for the name of the qualification.
const nameWord = "{qualification}"

// The findings about any other word without a term; the word is their first argument.
const (
	codeNoTerm     Code = "term-none"
	codeNoTermMore Code = "term-none-more"
)

// mayHaveWord tells whether a word or an item may stand in a text. Most braces hold readings, and the patterns are slow.
func mayHaveWord(s string) bool {
	for {
		_, rest, found := strings.Cut(s, "{")
		if !found {
			return false
		}
		if rest != "" && (rest[0] == '_' || 'a' <= rest[0] && rest[0] <= 'z') {
			return true
		}
		s = rest
	}
}

// fill returns v with its words filled in, and whether there were any: else it is v itself, since most of a definition is as
// its bases have it.
func (f filler) fill(v any, at *trail) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return f.fillMap(v, at)
	case []any:
		return f.fillList(v, at)
	}
	return v, false
}

func (f filler) fillMap(m map[string]any, at *trail) (out map[string]any, changed bool) {
	text := isText(m)
	step := trail{up: at, index: inMapping}
	out = m
	for key, e := range m {
		step.key = key
		filled, other := f.fill(e, &step)
		if s, isString := e.(string); isString && text && mayHaveWord(s) {
			filled, other = f.words(s, key, &step), true
		}
		if other && !changed {
			out, changed = maps.Clone(m), true
		}
		if other {
			out[key] = filled
		}
	}
	return out, changed
}

func (f filler) fillList(list []any, at *trail) (out []any, changed bool) {
	step := trail{up: at}
	out = list
	for i, e := range list {
		step.element, step.index = e, i
		filled, other := f.fill(e, &step)
		if other && !changed {
			out, changed = slices.Clone(list), true
		}
		if other {
			out[i] = filled
		}
	}
	return out, changed
}

func (f filler) words(s, lang string, at *trail) string {
	if found := itemPattern.FindString(s); found != "" && !strings.HasPrefix(at.String(), "credential.title.") {
		f.r.add(at.String(), "term-item-elsewhere", found, "credential.title")
	}
	return termPattern.ReplaceAllStringFunc(s, func(found string) string {
		term, ok := f.terms[found[1:len(found)-1]].(map[string]any)
		word, _ := term[lang].(string)
		if !ok {
			f.unknown[found] = append(f.unknown[found], at.String())
		}
		if word == "" {
			return found // what is missing is said where it is missing, and not once more of each text that uses it
		}
		return word
	})
}

// isText tells whether a mapping is a wording: it has a language and nothing else.
func isText(m map[string]any) bool {
	if len(m) == 0 {
		return false
	}
	for key := range m {
		if key != string(JA) && key != string(EN) && key != string(Easy) {
			return false
		}
	}
	return true
}
