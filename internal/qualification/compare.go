package qualification

import (
	"encoding/json"
	"errors"
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
	Path string `json:"path"` // e.g. procedures[registration].groups[person].fields[name].required
	What string `json:"what"` // procedure, page, field, document, fee, check, reason, route, item, choice, text, source, register, offer, …
	How  string `json:"how"`  // added, removed, changed, moved
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
	Say  string `json:"say"` // the whole in words
}

func (c Change) String() string { return c.Path + ": " + c.Say }

// Comparison is what it means to put one version of a definition in the place of another.
type Comparison struct {
	ID      string        `json:"id"`
	Old     string        `json:"old"` // version
	New     string        `json:"new"`
	OldFrom calendar.Date `json:"old_valid_from"`
	NewFrom calendar.Date `json:"new_valid_from"`
	Changes []Change      `json:"changes"`
	Open    []string      `json:"open_cases"` // what it means for cases and entries that are there
	Coming  []string      `json:"new_cases"`  // and for those to come
	Refused []string      `json:"refused"`    // why it cannot be put in its place; empty when it can
}

// Compare tells what changes between two versions, its words in English for the author of a definition.
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
		Changes: []Change{}, Open: []string{}, Coming: []string{}, Refused: []string{}}
	w := &comparer{old: old, next: next, result: c}
	if len(old.Registers) > 0 && len(next.Registers) > 0 {
		w.registers()
		delete(a, "registers")
		delete(b, "registers")
	}
	w.maps("", a, b)
	w.fees()
	w.refuse()
	w.consequences()
	return c, nil
}

type comparer struct {
	old, next *Definition
	result    *Comparison
}

func (w *comparer) add(path, what, how, before, after, say string) {
	w.result.Changes = append(w.result.Changes, Change{Path: path, What: what, How: how, Old: before, New: after, Say: say})
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
		w.add(path, "source", "changed", inWords(a), inWords(b), "the source changes: "+inWords(a)+" → "+inWords(b))
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
			w.add(join(path, string(l)), "text", "changed", before, after, fmt.Sprintf("the text changes: %q → %q", before, after))
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
	}
	what, key := kindOf(path)
	w.add(path, what, "changed", inWords(a), inWords(b), fmt.Sprintf("%s changes: %s → %s", cmpKey(key, what), inWords(a), inWords(b)))
}

func cmpKey(key, what string) string {
	if key == "" {
		return "the " + what
	}
	return key
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
		w.add(path, "order", "moved", before, after, "the order changes: "+before+" → "+after)
	}
}

// appear says that something is there that was not, or the other way round.
func (w *comparer) appear(path string, v any, how string) {
	what, key := kindOf(path)
	say := fmt.Sprintf("%s %s: %s", cmpKey(key, what), how, inWords(v))
	if key == "" {
		say = fmt.Sprintf("%s %s: %s", what, how, titleOf(v))
	}
	before, after := "", inWords(v)
	if how == "removed" {
		before, after = after, ""
	}
	w.add(path, what, how, before, after, say)
}

// titleOf is what an element is called in Japanese, and its conditions.
func titleOf(v any) string {
	m, _ := v.(map[string]any)
	title := nameOf(v)
	for _, key := range []string{"name", "title", "label", "text"} {
		if t, ok := m[key].(map[string]any); ok && isText(t) {
			title = inWords(t)
			break
		}
	}
	if m["required"] == true {
		title += " (required)"
	}
	return title
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

// registers compares the registers that the patterns make, and says the same of many at once.
func (w *comparer) registers() {
	was, is := map[string]Register{}, map[string]Register{}
	for _, g := range w.old.Registers {
		was[g.Registrar] = g
	}
	for _, g := range w.next.Registers {
		is[g.Registrar] = g
	}
	said := map[Change][]string{}
	note := func(id, what, how, before, after, say string) {
		c := Change{What: what, How: how, Old: before, New: after, Say: say}
		said[c] = append(said[c], id)
	}
	for id, g := range was {
		if after, ok := is[id]; ok {
			w.register(g, after, note)
		} else {
			note(id, "register", "removed", g.Rollout, "", "the register is no longer there")
		}
	}
	for id, g := range is {
		if _, ok := was[id]; !ok {
			note(id, "register", "added", "", g.Rollout, strings.TrimSpace("a register more: "+g.Rollout+" "+g.OpensOn.String()))
		}
	}
	var list []Change
	for c, ids := range said {
		slices.Sort(ids)
		c.Path = "registers[" + ids[0] + "]"
		if len(ids) > 1 {
			c.Say += fmt.Sprintf(" (so at %d more: %s)", len(ids)-1, strings.Join(ids[1:], ", "))
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Path+a.Say, b.Path+b.Say) })
	w.result.Changes = append(w.result.Changes, list...)
}

func (w *comparer) register(a, b Register, note func(id, what, how, before, after, say string)) {
	for _, x := range []struct{ key, before, after string }{
		{"rollout", a.Rollout, b.Rollout}, {"opens_on", a.OpensOn.String(), b.OpensOn.String()}, {"closed_on", a.ClosedOn.String(), b.ClosedOn.String()},
		{"functions", usedWords(a.Functions), usedWords(b.Functions)},
	} {
		if x.before != x.after {
			note(a.Registrar, "register", "changed", x.before, x.after, fmt.Sprintf("%s changes: %s → %s", x.key, orNone(x.before), orNone(x.after)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.Procedures)) {
		if a.Procedures[id] == w.old.Offers[id] && b.Procedures[id] == w.next.Offers[id] {
			continue // said once, of the whole qualification
		}
		for _, channel := range []string{ChannelOnline, ChannelCounter} {
			before, after := a.Procedures[id].Since(channel).String(), b.Procedures[id].Since(channel).String()
			if before != after {
				note(a.Registrar, "offer", "changed", before, after, fmt.Sprintf("%s %s since: %s → %s", id, channel, orNone(before), orNone(after)))
			}
		}
	}
}

// usedWords lists the functions that a register uses.
func usedWords(functions []string) string {
	if functions == nil {
		return "all"
	}
	return strings.Join(functions, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// refuse says why the newer text cannot take the place of the older.
func (w *comparer) refuse() {
	no := func(format string, args ...any) {
		w.result.Refused = append(w.result.Refused, fmt.Sprintf(format, args...))
	}
	a, b := w.old, w.next
	if a.ID != b.ID {
		no("id: %s and %s are two qualifications; a name or place of a definition can change, its id never", a.ID, b.ID)
	}
	if a.Code != b.Code {
		no("code: receipt numbers and registers bear %s; it cannot become %s", a.Code, b.Code)
	}
	if a.Row != b.Row {
		no("row: %d is its place in the table of the policy; it cannot become %d", a.Row, b.Row)
	}
	if a.SHA256 != b.SHA256 {
		switch {
		case a.Version == b.Version:
			no("version: the content changes, but the version is still %s; cases are pinned to it, so give a new version and valid_from", a.Version)
		case !versionAfter(b.Version, a.Version):
			no("version: %s is not after %s", b.Version, a.Version)
		case !b.ValidFrom.After(a.ValidFrom):
			no("valid_from: %s is not after %s, from which the other version holds", b.ValidFrom, a.ValidFrom)
		}
	}
	for _, item := range a.Items {
		if b.Item(item.ID) == nil {
			no("items[%s]: the register has entries with %s (%s); an item stays, even if no form asks for it any more", item.ID, item.Label.JA, item.ID)
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
		return "", errors.New("has no id")
	}
	return idOf(doc) + ".yaml", nil
}
