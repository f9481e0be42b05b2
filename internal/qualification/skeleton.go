package qualification

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"akashi/internal/calendar"
)

// Skeleton is what an author knows of a new qualification before its file is begun. Only ID and Bases are needed.
type Skeleton struct {
	ID        string
	Bases     []string // files under bases/, as "extends" names them
	Row       int
	Code      string
	Name      Text
	Kana      string
	ValidFrom calendar.Date // also gives the version
	Lang      Lang          // of the comments
}

// Write returns the text of a file that extends the bases and says what is known. Whatever the format requires beyond it
// stands there as a comment to fill in: the findings are what the linter says of the file now, and each that calls
// something missing has its line. Nothing is invented.
func (s Skeleton) Write(files map[string][]byte) ([]byte, Findings, error) {
	var schema map[string]any
	if err := json.Unmarshal(files[schemaFile], &schema); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", schemaFile, err)
	}
	w := &skeletonWriter{schema: schema, root: &skeletonNode{}, lang: s.Lang}
	w.give(s)
	name := s.ID + ".yaml"
	set := map[string][]byte{name: w.text(s)}
	for file, data := range files {
		if file != name {
			set[file] = data
		}
	}
	_, found, err := ReadOne(set, name)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range found {
		w.ask(f)
	}
	return w.text(s), found, nil
}

// skeletonNode is one key or list element of the file: said already (value), or to be filled in.
type skeletonNode struct {
	key      string
	element  bool   // key is the id of an element of a list
	value    string // as YAML
	hint     []string
	children []*skeletonNode
}

// said tells whether the node stands in the file as it is. What is not said is a comment with all that is under it.
func (n *skeletonNode) said() bool {
	return n.element || n.value != "" || slices.ContainsFunc(n.children, (*skeletonNode).said)
}

func (n *skeletonNode) child(key string, element bool) *skeletonNode {
	i := slices.IndexFunc(n.children, func(c *skeletonNode) bool { return c.key == key && c.element == element })
	if i < 0 {
		n.children = append(n.children, &skeletonNode{key: key, element: element})
		i = len(n.children) - 1
	}
	return n.children[i]
}

type skeletonWriter struct {
	schema map[string]any
	root   *skeletonNode
	lang   Lang
}

// give writes down what is known. Keys that are required and not known get their place here, so that the file follows
// the order of the format.
func (w *skeletonWriter) give(s Skeleton) {
	set := func(value string, path ...string) {
		n := w.root
		for _, key := range path {
			n = n.child(key, false)
		}
		n.value = value
	}
	set("["+strings.Join(s.Bases, ", ")+"]", "extends")
	set(s.ID, "id")
	known := map[string]string{"code": quoted(s.Code), "kana": quoted(s.Kana)}
	if s.Row > 0 {
		known["row"] = strconv.Itoa(s.Row)
	}
	if !s.ValidFrom.IsZero() {
		known["version"], known["valid_from"] = quoted(s.ValidFrom.String()+".1"), s.ValidFrom.String()
	}
	for _, key := range w.required(w.schema) {
		n := w.root.child(key, false)
		if known[key] != "" {
			n.value = known[key]
		}
		if key == "name" && s.Name != (Text{}) {
			set(quoted(s.Name.JA), "name", "ja")
			set(quoted(s.Name.EN), "name", "en")
			set(quoted(s.Name.Easy), "name", "easy")
		}
		if key == "kana" {
			w.root.child("terms", false)
		}
	}
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

// step is one part of a finding's path: a key, or an element of a list in brackets.
var step = regexp.MustCompile(`\[([^\]]*)\]|[^.\[\]]+`)

// ask gives a finding its line, when something is missing.
func (w *skeletonWriter) ask(f Finding) {
	path := f.Path
	switch f.Said.Code {
	case codeNoTerm, codeNoTermMore:
		word, _ := f.Said.Args[0].(string)
		path = "terms." + strings.Trim(word, "{}")
	case codeMissing, codeMissingBeside, codeNoPrefill, codeNoParent:
	default:
		return
	}
	node, schema := w.root, w.schema
	for _, m := range step.FindAllStringSubmatch(path, -1) {
		if _, err := strconv.Atoi(m[1]); m[1] != "" && err == nil {
			node.hint = []string{node.key + ": []  # " + Say("skeleton-list", path).In(w.lang)}
			return
		}
		node = node.child(cmp.Or(m[1], m[0]), m[1] != "")
		schema = w.under(schema, cmp.Or(m[1], m[0]), m[1] != "")
	}
	node.hint = w.shape(node.key, schema, w.explained(path))
}

// deref follows a reference within the schema.
func (w *skeletonWriter) deref(schema map[string]any) map[string]any {
	ref, _ := schema["$ref"].(string)
	name, ok := strings.CutPrefix(ref, "#/$defs/")
	if !ok {
		return schema
	}
	defs, _ := w.schema["$defs"].(map[string]any)
	found, _ := defs[name].(map[string]any)
	return found
}

// under is the schema of a key, or of the elements of a list.
func (w *skeletonWriter) under(schema map[string]any, key string, element bool) map[string]any {
	schema = w.deref(schema)
	if element {
		items, _ := schema["items"].(map[string]any)
		return items
	}
	if properties, ok := schema["properties"].(map[string]any); ok && properties[key] != nil {
		found, _ := properties[key].(map[string]any)
		return found
	}
	patterns, _ := schema["patternProperties"].(map[string]any)
	for pattern, v := range patterns {
		if ok, err := regexp.MatchString(pattern, key); err == nil && ok {
			found, _ := v.(map[string]any)
			return found
		}
	}
	return nil
}

func (w *skeletonWriter) required(schema map[string]any) []string {
	list, _ := w.deref(schema)["required"].([]any)
	var keys []string
	for _, v := range list {
		if key, ok := v.(string); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// shape writes the empty value of a key: one line, or one for each key that is required below it.
func (w *skeletonWriter) shape(key string, schema map[string]any, comment string) []string {
	if comment != "" {
		comment = "  # " + comment
	}
	required, full := w.required(schema), w.deref(schema)
	flat := !slices.ContainsFunc(required, func(k string) bool { return len(w.required(w.under(schema, k, false))) > 0 })
	switch {
	case full["enum"] != nil:
		return []string{fmt.Sprintf("%s: \"\"%s", key, cmp.Or(comment, "  #")+" "+Say("skeleton-one-of", words(full["enum"])).In(w.lang))}
	case full["type"] == "array":
		return []string{key + ": []" + comment}
	case full["type"] == "integer" || full["if"] != nil:
		return []string{key + ":" + comment}
	case full["type"] != "object":
		return []string{key + `: ""` + comment}
	case flat:
		var parts []string
		for _, k := range required {
			parts = append(parts, k+`: ""`)
		}
		return []string{key + ": {" + strings.Join(parts, ", ") + "}" + comment}
	}
	lines := []string{key + ":" + comment}
	for _, k := range required {
		for _, line := range w.shape(k, w.under(schema, k, false), w.hint(k)) {
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

func words(enum any) string {
	list, _ := enum.([]any)
	var parts []string
	for _, v := range list {
		parts = append(parts, fmt.Sprint(v))
	}
	return strings.Join(parts, ", ")
}

// text draws the file.
func (w *skeletonWriter) text(s Skeleton) []byte {
	var b strings.Builder
	for _, said := range []Saying{Say("skeleton-begun", cmp.Or(s.Name.JA, s.ID), s.Bases), Say("skeleton-how"), Say("skeleton-facts")} {
		fmt.Fprintf(&b, "# %s\n", said.In(w.lang))
	}
	for _, n := range w.root.children {
		n.draw(&b, "")
	}
	if optional := w.optional(); len(optional) > 0 {
		fmt.Fprintf(&b, "\n# %s\n", Say("skeleton-optional", optional).In(w.lang))
	}
	return []byte(b.String())
}

// optional lists the keys of a definition that are not required and that the file does not speak of.
func (w *skeletonWriter) optional() []string {
	required, keys := w.required(w.schema), []string{}
	properties, _ := w.schema["properties"].(map[string]any)
	for key := range properties {
		here := slices.ContainsFunc(w.root.children, func(n *skeletonNode) bool { return n.key == key && len(n.children) > 0 })
		if !slices.Contains(required, key) && !here {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (n *skeletonNode) draw(b *strings.Builder, indent string) {
	switch {
	case len(n.hint) > 0:
		for _, line := range n.hint {
			fmt.Fprintf(b, "%s# %s\n", indent, line)
		}
	case n.element:
		fmt.Fprintf(b, "%s- id: %s\n", indent, n.key)
		n.drawChildren(b, indent+"  ")
	case n.value != "":
		fmt.Fprintf(b, "%s%s: %s\n", indent, n.key, n.value)
	case n.said():
		fmt.Fprintf(b, "%s%s:\n", indent, n.key)
		n.drawChildren(b, indent+"  ")
	case len(n.children) > 0:
		var inner strings.Builder
		n.drawChildren(&inner, "  ")
		fmt.Fprintf(b, "%s# %s:\n", indent, n.key)
		for line := range strings.Lines(inner.String()) {
			fmt.Fprintf(b, "%s#   %s", indent, strings.Replace(strings.TrimPrefix(line, "  "), "# ", "", 1))
		}
	}
}

func (n *skeletonNode) drawChildren(b *strings.Builder, indent string) {
	for _, c := range n.children {
		c.draw(b, indent)
	}
}

// explained says what belongs to a path of a definition, "" when its name says enough.
func (w *skeletonWriter) explained(path string) string {
	keys := step.FindAllString(path, -1)
	last := keys[len(keys)-1]
	if len(keys) == 2 && keys[0] == "terms" {
		return Say("hint-term", "{"+last+"}").In(w.lang)
	}
	return w.hint(last)
}

// hint says what belongs to a key.
func (w *skeletonWriter) hint(key string) string {
	if strings.HasSuffix(key, "_fact") {
		key = "fact"
	}
	code, ok := keyHints[key]
	if !ok {
		return ""
	}
	return Say(code).In(w.lang)
}

// keyHints are what belongs to a key, in a few words; FORMAT.md says it in full.
var keyHints = map[string]Code{
	"row": "hint-row", "code": "hint-code", "version": "hint-version", "valid_from": "hint-valid-from", "name": "hint-name", "kana": "hint-kana",
	"ministry": "hint-ministry", "kind": "hint-kind", "legal_basis": "hint-legal-basis", "keeper": "hint-keeper", "rollout": "hint-rollout",
	"items": "hint-items", "number": "hint-number", "format": "hint-format", "series": "hint-series", "first": "hint-first",
	"procedures": "hint-procedures", "credential": "hint-credential", "type_code": "hint-type-code", "offers": "hint-offers",
	"registers": "hint-registers", "who": "hint-who", "need": "hint-need", "declaration": "hint-declaration", "standard_days": "hint-standard-days",
	"groups": "hint-groups", "fees": "hint-fees", "rules": "hint-rules", "routes": "hint-routes", "source": "hint-source", "fact": "hint-fact",
}
