package qualification

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"akashi/internal/calendar"
)

// Change is one difference between two versions of a definition.
type Change struct {
	Path  string // e.g. procedures[registration].groups[person].fields[name].required
	About []Text // the names of what the path leads through, as people read them: a procedure, a page, a question
	What  string // procedure, page, field, document, fee, check, reason, route, item, choice, text, source, register, offer, …
	How   string // added, removed, changed, moved
	Old   string // the value, "" for none
	New   string
	Said  Saying // the whole in words

	required bool // what comes must be answered or added
}

// In returns the change in a language, without readings.
func (c Change) In(l Lang) string {
	said := c.Path + ": " + c.Said.In(l)
	if len(c.About) == 0 {
		return said
	}
	var names []string
	for _, name := range c.About {
		names = append(names, argIn(name, l, withoutReadings))
	}
	if l == EN {
		return said + " (" + strings.Join(names, " › ") + ")"
	}
	return said + "（" + strings.Join(names, " › ") + "）"
}

// String is the change in English.
func (c Change) String() string { return c.In(EN) }

// MarshalJSON writes the change with the code of its sentence, the arguments, and the sentence in English.
func (c Change) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Path  string `json:"path"`
		About []Text `json:"about,omitempty"`
		What  string `json:"what"`
		How   string `json:"how"`
		Old   string `json:"old,omitempty"`
		New   string `json:"new,omitempty"`
		Saying
		Message string `json:"message"`
	}{c.Path, c.About, c.What, c.How, c.Old, c.New, c.Said, c.Said.String()})
}

// Comparison is what it means to put one version of a definition in the place of another.
type Comparison struct {
	ID      string        `json:"id"`
	Old     string        `json:"old"` // version
	New     string        `json:"new"`
	OldFrom calendar.Date `json:"old_valid_from"`
	NewFrom calendar.Date `json:"new_valid_from"`
	Changes []Change      `json:"changes"`
	Open    Findings      `json:"open_cases"` // what it means for cases and entries that are there
	Coming  Findings      `json:"new_cases"`  // and for those to come
	Refused Findings      `json:"refused"`    // why it cannot be put in its place; empty when it can
}

// In returns the whole comparison as lines of text in a language.
func (c *Comparison) In(l Lang) string {
	var b strings.Builder
	if c.ID != "" {
		head := Say("diff-head", c.Old, orNone(c.OldFrom.String()), c.New, orNone(c.NewFrom.String()), len(c.Changes))
		fmt.Fprintf(&b, "%s: %s\n", c.ID, head.In(l))
	}
	for _, change := range c.Changes {
		fmt.Fprintln(&b, change.In(l))
	}
	for _, part := range []struct {
		title Code
		lines Findings
	}{{"diff-open", c.Open}, {"diff-new", c.Coming}, {"diff-refused", c.Refused}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "\n%s:\n  %s\n", Say(part.title).In(l), strings.Join(part.lines.In(l), "\n  "))
		}
	}
	return b.String()
}

// Compare tells the author of a definition what changes between two versions.
func Compare(old, next *Definition) (*Comparison, error) {
	var a, b map[string]any
	for _, x := range []struct {
		d   *Definition
		doc *map[string]any
	}{{old, &a}, {next, &b}} {
		if err := json.Unmarshal(x.d.Resolved(), x.doc); err != nil {
			return nil, fmt.Errorf("comparing versions of %s: %w", x.d.ID, err)
		}
	}
	c := &Comparison{ID: next.ID, Old: old.Version, New: next.Version, OldFrom: old.ValidFrom, NewFrom: next.ValidFrom,
		Changes: []Change{}, Open: Findings{}, Coming: Findings{}, Refused: Findings{}}
	w := &comparer{old: old, next: next, result: c}
	if len(old.Registers) > 0 && len(next.Registers) > 0 {
		w.registers()
		delete(a, "registers")
		delete(b, "registers")
	}
	w.maps("", a, b)
	w.fees()
	for i := range c.Changes {
		c.Changes[i].About = aboutChange(&c.Changes[i], a, b)
	}
	w.refuse()
	w.consequences()
	return c, nil
}

// aboutChange names what the path of a change leads through, as the new version has it, or the old one where the new has it no
// more. What came or went is named by the sentence itself.
func aboutChange(c *Change, old, next map[string]any) []Text {
	names, ok := namesAlong(next, c.Path)
	if !ok {
		names, _ = namesAlong(old, c.Path)
	}
	if len(names) > 0 && c.How != "changed" && strings.HasSuffix(c.Path, "]") {
		names = names[:len(names)-1]
	}
	return names
}

// namesAlong collects the names of the elements of lists on a path, false when an element is not there.
func namesAlong(at any, path string) (names []Text, ok bool) {
	for _, m := range step.FindAllStringSubmatch(path, -1) {
		if m[1] == "" {
			object, _ := at.(map[string]any)
			at = object[m[0]]
			continue
		}
		list, _ := at.([]any)
		i := slices.IndexFunc(list, func(v any) bool { return nameOf(v) == m[1] })
		if place, err := strconv.Atoi(m[1]); i < 0 && err == nil && place < len(list) {
			i = place // an element without an id
		}
		if i < 0 {
			return names, false
		}
		at = list[i]
		if name := wordsFor(at); name != (Text{}) {
			names = append(names, name)
		}
	}
	return names, true
}

// wordsFor is what people read an element of a list by.
func wordsFor(element any) (name Text) {
	object, _ := element.(map[string]any)
	for _, key := range []string{"name", "label", "title"} {
		if words, ok := object[key].(map[string]any); ok {
			name.JA, _ = words["ja"].(string)
			name.EN, _ = words["en"].(string)
			name.Easy, _ = words["easy"].(string)
			return name
		}
	}
	return name
}

type comparer struct {
	old, next *Definition
	result    *Comparison
}

func (w *comparer) note(path, what, how, before, after string, said Saying) {
	w.result.Changes = append(w.result.Changes, Change{Path: path, What: what, How: how, Old: before, New: after, Said: said})
}

// lastElement is the element of a list in which a path ends or lies.
var lastElement = regexp.MustCompile(`([a-z_]+)\[[^\]]*\]([^\[\]]*)$`)

// kindOf tells what stands at a path, and which of its keys the path names ("" for the thing itself).
func kindOf(path string) (what, key string) {
	m := lastElement.FindStringSubmatch(path)
	if m == nil {
		first, rest, _ := strings.Cut(path, ".")
		if first == "offers" {
			return "offer", rest
		}
		return "definition", path
	}
	key = strings.TrimPrefix(m[2], ".")
	switch m[1] {
	case "groups":
		return "page", key
	case "evidence":
		return "document", key
	case "options":
		return "choice", key
	case "elsewhere":
		return "procedure elsewhere", key
	}
	return strings.TrimSuffix(m[1], "s"), key
}

func (w *comparer) maps(path string, a, b map[string]any) {
	if isText(a) && isText(b) {
		w.text(path, a, b)
		return
	}
	if _, fact := factOf(a); fact && !reflect.DeepEqual(a, b) {
		w.note(path, "source", "changed", inWords(a), inWords(b), Say("change-source", valueOf(a), valueOf(b)))
		return
	}
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at := join(path, key)
		before, had := a[key]
		after, has := b[key]
		switch {
		case key == "rules" && had && has && strings.HasSuffix(path, "]") && strings.Contains(path, ".fees["):
			continue // see fees
		case had && has:
			w.values(at, before, after)
		case has:
			w.appear(at, after, "added")
		default:
			w.appear(at, before, "removed")
		}
	}
}

func (w *comparer) text(path string, a, b map[string]any) {
	for _, l := range Langs {
		if before, after := inWords(a[string(l)]), inWords(b[string(l)]); before != after {
			w.note(join(path, string(l)), "text", "changed", before, after, Say("change-text", before, after))
		}
	}
}

func (w *comparer) values(path string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	am, both := a.(map[string]any)
	if bm, ok := b.(map[string]any); ok && both {
		w.maps(path, am, bm)
		return
	}
	al, both := a.([]any)
	if bl, ok := b.([]any); ok && both && allNamed(al) && allNamed(bl) {
		w.lists(path, al, bl)
		return
	} else if ok && both && len(al) == len(bl) && allMaps(al) && allMaps(bl) {
		for i := range al { // such as the steps of a route, which have no names
			w.values(fmt.Sprintf("%s[%d]", path, i), al[i], bl[i])
		}
		return
	}
	what, key := kindOf(path)
	said := Say("change-value", key, valueOf(a), valueOf(b))
	if key == "" {
		said = Say("change-thing", thing(what), valueOf(a), valueOf(b))
	}
	w.note(path, what, "changed", inWords(a), inWords(b), said)
}

// thing names what a definition is made of. What it has no word for is named as in the file.
func thing(what string) any {
	if code, ok := things[what]; ok {
		return Say(code)
	}
	return what
}

var things = map[string]Code{
	"procedure": "thing-procedure", "procedure elsewhere": "thing-elsewhere", "page": "thing-page", "field": "thing-field", "document": "thing-document",
	"fee": "thing-fee", "check": "thing-check", "reason": "thing-reason", "route": "thing-route", "step": "thing-step", "rule": "thing-rule", "item": "thing-item", "choice": "thing-choice",
	"report": "thing-report", "offer": "thing-offer", "definition": "thing-definition",
}

// nameOf is the id of an element, or the value of a choice.
func nameOf(v any) string {
	if id := idOf(v); id != "" {
		return id
	}
	m, _ := v.(map[string]any)
	value, _ := m["value"].(string)
	return value
}

func allNamed(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { return nameOf(v) == "" })
}

func allMaps(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
}

// lists compares by name; what both have in another order has moved.
func (w *comparer) lists(path string, a, b []any) {
	find := func(list []any, name string) int {
		return slices.IndexFunc(list, func(v any) bool { return nameOf(v) == name })
	}
	var orderA, orderB []string
	for _, v := range a {
		name := nameOf(v)
		at := path + "[" + name + "]"
		i := find(b, name)
		if i < 0 {
			w.appear(at, v, "removed")
			continue
		}
		orderA = append(orderA, name)
		w.values(at, v, b[i])
	}
	for _, v := range b {
		if name := nameOf(v); find(a, name) < 0 {
			w.appear(path+"["+name+"]", v, "added")
		} else {
			orderB = append(orderB, name)
		}
	}
	if !slices.Equal(orderA, orderB) {
		before, after := strings.Join(orderA, ", "), strings.Join(orderB, ", ")
		w.note(path, "order", "moved", before, after, Say("change-order", orderA, orderB))
	}
}

// appear says that something is there that was not, or the other way round.
func (w *comparer) appear(path string, v any, how string) {
	what, key := kindOf(path)
	c := Change{Path: path, What: what, How: how, New: inWords(v), required: isRequired(v)}
	thingCode, valueCode := Code("thing-added"), Code("value-added")
	if how == "removed" {
		c.Old, c.New, thingCode, valueCode = c.New, "", "thing-removed", "value-removed"
	}
	c.Said = Say(thingCode, thing(what), titleOf(v))
	if key != "" {
		c.Said = Say(valueCode, key, valueOf(v))
	}
	w.result.Changes = append(w.result.Changes, c)
}

func isRequired(v any) bool {
	m, _ := v.(map[string]any)
	return m["required"] == true
}

// titleOf is what an element is called, and its conditions.
func titleOf(v any) any {
	m, _ := v.(map[string]any)
	var title any = nameOf(v)
	for _, key := range []string{"name", "title", "label", "text"} {
		if t, ok := m[key].(map[string]any); ok && isText(t) {
			title = textOf(t)
			break
		}
	}
	if isRequired(v) {
		return Say("title-required", title)
	}
	return title
}

// textOf reads a text of a document.
func textOf(m map[string]any) Text {
	return Text{JA: inWords(m[string(JA)]), EN: inWords(m[string(EN)]), Easy: inWords(m[string(Easy)])}
}

// valueOf is a value as an argument: a text in the reader's language, the source of a fact and how far it was checked,
// otherwise as inWords.
func valueOf(v any) any {
	if m, ok := v.(map[string]any); ok {
		if isText(m) {
			return textOf(m)
		}
		if f, ok := factOf(m); ok {
			return f.said()
		}
	}
	return inWords(v)
}

// said is the source and how far it was checked.
func (f Fact) said() Saying {
	switch f.Confidence {
	case Confirmed:
		return Say("fact-confirmed", f.Source)
	case Unverified:
		return Say("fact-unverified", f.Source)
	}
	return Say("fact-unknown", f.Source)
}

// inWords writes a value in one line: the Japanese of a text, the source of a fact, JSON otherwise.
func inWords(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	case map[string]any:
		if ja, ok := v["ja"].(string); ok && isText(v) {
			return ja
		}
		if f, ok := factOf(v); ok {
			return f.Source + " (" + string(f.Confidence) + ")"
		}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

// refuse says why the newer text cannot take the place of the older.
func (w *comparer) refuse() {
	no := func(path string, code Code, args ...any) {
		w.result.Refused = append(w.result.Refused, Finding{Path: path, Said: Say(code, args...)})
	}
	a, b := w.old, w.next
	if a.ID != b.ID {
		no("id", "refused-other-id", a.ID, b.ID)
	}
	if a.Code != b.Code {
		no("code", "refused-code", a.Code, b.Code)
	}
	if a.Row != b.Row {
		no("row", "refused-row", a.Row, b.Row)
	}
	if a.SHA256 != b.SHA256 {
		switch {
		case a.Version == b.Version:
			no("version", "refused-same-version", a.Version, "valid_from")
		case !versionAfter(b.Version, a.Version):
			no("version", "refused-version", b.Version, a.Version)
		case !b.ValidFrom.After(a.ValidFrom):
			no("valid_from", "refused-day", b.ValidFrom, a.ValidFrom)
		}
	}
	for _, item := range a.Items {
		if b.Item(item.ID) == nil {
			no("items["+item.ID+"]", "refused-item", item.Label)
		}
	}
}

// versionAfter compares "2026-04-01.10" with "2026-04-01.2".
func versionAfter(a, b string) bool {
	dayA, numberA, _ := strings.Cut(a, ".")
	dayB, numberB, _ := strings.Cut(b, ".")
	if dayA != dayB {
		return dayA > dayB
	}
	x, errA := strconv.Atoi(numberA)
	y, errB := strconv.Atoi(numberB)
	return errA == nil && errB == nil && x > y
}

// FileName tells under which name a definition belongs among the others, by the id that its text gives.
func FileName(data []byte) (string, error) {
	doc, err := parseYAML(data)
	if err != nil {
		return "", err
	}
	if idOf(doc) == "" {
		return "", wrong("file-no-id")
	}
	return idOf(doc) + ".yaml", nil
}
