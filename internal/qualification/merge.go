package qualification

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// resolver reads files and merges in the bases that they extend. Bases are read once and never changed afterwards.
type resolver struct {
	files map[string][]byte
	mu    sync.Mutex
	bases map[string]resolved
}

type resolved struct {
	doc   map[string]any
	found Findings
}

// resolve returns the file with its bases merged in and its words filled in. What is wrong goes to r; the document is
// nil when it could not be read at all.
func (s *resolver) resolve(file string, r *reporter) map[string]any {
	doc := s.extend(file, nil, r)
	if doc == nil {
		return nil
	}
	return fillTerms(doc, r)
}

// extend reads a file and merges it over its bases. chain holds the files that led here.
func (s *resolver) extend(file string, chain []string, r *reporter) map[string]any {
	chain = append(slices.Clone(chain), file)
	data, ok := s.files[file]
	if !ok {
		r.add("extends", "no file %s", file)
		return nil
	}
	doc, err := parseYAML(data)
	if err != nil {
		r.found = append(r.found, Finding{File: file, Message: err.Error()})
		return nil
	}
	own := &reporter{file: file}
	checkDuplicates(doc, "", own)
	r.found = append(r.found, own.found...)
	merged := map[string]any{}
	for _, base := range s.basesOf(doc, file, r) {
		if slices.Contains(chain, base) {
			r.add("extends", "cycle: %s", strings.Join(append(chain, base), " -> "))
			return nil
		}
		under := s.base(base, chain, r)
		if under == nil {
			return nil
		}
		merged = mergeMaps(merged, under, "", own)
	}
	delete(doc, "extends")
	own.found = nil
	merged = mergeMaps(merged, doc, "", own)
	r.found = append(r.found, own.found...)
	return merged
}

// base is extend for a base, remembered. A base in a cycle is not remembered: its finding depends on the way there.
func (s *resolver) base(file string, chain []string, r *reporter) map[string]any {
	s.mu.Lock()
	found, ok := s.bases[file]
	s.mu.Unlock()
	if ok {
		r.found = append(r.found, found.found...)
		return found.doc
	}
	own := &reporter{file: r.file}
	doc := s.extend(file, chain, own)
	r.found = append(r.found, own.found...)
	if doc != nil {
		s.mu.Lock()
		s.bases[file] = resolved{doc, own.found}
		s.mu.Unlock()
	}
	return doc
}

func (s *resolver) basesOf(doc map[string]any, file string, r *reporter) []string {
	list, ok := doc["extends"].([]any)
	if doc["extends"] != nil && !ok {
		r.found = append(r.found, Finding{File: file, Path: "extends", Message: "must be a list of files under bases/"})
	}
	var names []string
	for _, v := range list {
		name, _ := v.(string)
		if !strings.HasPrefix(name, "bases/") {
			r.found = append(r.found, Finding{File: file, Path: "extends", Message: "must be a list of files under bases/"})
			continue
		}
		names = append(names, name)
	}
	return names
}

// checkDuplicates reports ids that stand twice in one list of one file.
func checkDuplicates(v any, path string, r *reporter) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			checkDuplicates(v[key], join(path, key), r)
		}
	case []any:
		seen := map[string]bool{}
		for i, e := range v {
			at := path + elementName(e, i)
			if id := idOf(e); id != "" {
				if seen[id] {
					r.add(at, "the id stands twice")
				}
				seen[id] = true
			}
			checkDuplicates(e, at, r)
		}
	}
}

// mergeMaps returns base with the values of over: maps key by key, lists of things with an id by id, everything else
// replaced. A null in over removes the key. Neither argument is changed.
func mergeMaps(base, over map[string]any, path string, r *reporter) map[string]any {
	merged := maps.Clone(base)
	for key, v := range over {
		if v == nil {
			delete(merged, key)
			continue
		}
		merged[key] = mergeValues(merged[key], v, join(path, key), r)
	}
	return merged
}

func mergeValues(base, over any, path string, r *reporter) any {
	switch over := over.(type) {
	case map[string]any:
		b, _ := base.(map[string]any)
		if b == nil {
			b = map[string]any{}
		}
		return mergeMaps(b, over, path, r)
	case []any:
		b, _ := base.([]any)
		if allHaveIDs(over) && (allHaveIDs(b) || b == nil) {
			return mergeLists(b, over, path, r)
		}
	}
	return over
}

func allHaveIDs(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return idOf(v) == "" })
}

// mergeLists merges by id. An element with "drop: true" removes the one of the base; a new one goes to the end, or
// behind the one that "after" names.
func mergeLists(base, over []any, path string, r *reporter) []any {
	merged := slices.Clone(base)
	for _, v := range over {
		m := maps.Clone(v.(map[string]any))
		id, at := idOf(v), path+"["+idOf(v)+"]"
		after, _ := m["after"].(string)
		drop, _ := m["drop"].(bool)
		delete(m, "after")
		delete(m, "drop")
		i := slices.IndexFunc(merged, func(e any) bool { return idOf(e) == id })
		switch {
		case drop && i < 0:
			r.add(at, "drops what no base has")
		case drop:
			merged = slices.Delete(merged, i, i+1)
		case i >= 0:
			merged[i] = mergeMaps(merged[i].(map[string]any), m, at, r)
		default:
			merged = slices.Insert(merged, place(merged, after, at, r), any(mergeMaps(map[string]any{}, m, at, r)))
		}
	}
	return merged
}

func place(list []any, after, path string, r *reporter) int {
	if after == "" {
		return len(list)
	}
	i := slices.IndexFunc(list, func(e any) bool { return idOf(e) == after })
	if i < 0 {
		r.add(path, "stands after %q, which does not exist", after)
		return len(list)
	}
	return i + 1
}

// termPattern finds the words that a definition fills into its texts, e.g. {register}.
var termPattern = regexp.MustCompile(`\{([a-z_]+)\}`)

// fillTerms replaces {word} in every text by the word of the same language in "terms"; {qualification} is the name.
func fillTerms(doc map[string]any, r *reporter) map[string]any {
	terms := map[string]any{}
	if t, ok := doc["terms"].(map[string]any); ok {
		terms = maps.Clone(t)
	}
	terms["qualification"] = doc["name"]
	f := filler{terms: terms, r: r}
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		onlyName := filler{terms: map[string]any{"qualification": doc["name"]}, r: r}
		terms[name] = onlyName.fill(terms[name], join("terms", name))
	}
	filled, _ := f.fill(doc, "").(map[string]any)
	return filled
}

type filler struct {
	terms map[string]any
	r     *reporter
}

func (f filler) fill(v any, path string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		text := isText(v)
		for key, e := range v {
			if s, ok := e.(string); ok && text {
				out[key] = f.words(s, key, join(path, key))
				continue
			}
			out[key] = f.fill(e, join(path, key))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = f.fill(e, path+elementName(e, i))
		}
		return out
	}
	return v
}

func (f filler) words(s, lang, path string) string {
	return termPattern.ReplaceAllStringFunc(s, func(found string) string {
		term, ok := f.terms[found[1:len(found)-1]].(map[string]any)
		word, _ := term[lang].(string)
		if !ok {
			f.r.add(path, "no term %s", found)
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
