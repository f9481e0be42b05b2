package qualification

import (
	"maps"
	"slices"
	"strings"
)

// registers compares the registers that the patterns make, and says the same of many at once.
func (w *comparer) registers() {
	was, is := map[string]Register{}, map[string]Register{}
	for _, g := range w.old.Registers {
		was[g.Registrar] = g
	}
	for _, g := range w.next.Registers {
		is[g.Registrar] = g
	}
	said, by := map[string]Change{}, map[string][]string{} // by what is said in English
	note := func(id, what, how, before, after string, say Saying) {
		key := strings.Join([]string{what, how, before, after, say.String()}, "\n")
		said[key] = Change{What: what, How: how, Old: before, New: after, Said: say}
		by[key] = append(by[key], id)
	}
	for id, g := range was {
		if after, ok := is[id]; ok {
			w.register(g, after, note)
		} else {
			note(id, "register", "removed", g.Rollout, "", Say("register-removed"))
		}
	}
	for id, g := range is {
		if _, ok := was[id]; !ok {
			say := Say("register-added", g.Rollout)
			if !g.OpensOn.IsZero() {
				say = Say("register-added-from", g.Rollout, g.OpensOn)
			}
			note(id, "register", "added", "", g.Rollout, say)
		}
	}
	var list []Change
	for key, c := range said {
		ids := by[key]
		slices.Sort(ids)
		c.Path = "registers[" + ids[0] + "]"
		if len(ids) > 1 {
			c.Said = Say("so-at-more", c.Said, len(ids)-1, ids[1:])
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.String(), b.String()) })
	w.result.Changes = append(w.result.Changes, list...)
}

func (w *comparer) register(a, b Register, note func(id, what, how, before, after string, say Saying)) {
	for _, x := range []struct{ key, before, after string }{
		{"rollout", a.Rollout, b.Rollout}, {"opens_on", a.OpensOn.String(), b.OpensOn.String()}, {"closed_on", a.ClosedOn.String(), b.ClosedOn.String()},
	} {
		if x.before != x.after {
			note(a.Registrar, "register", "changed", x.before, x.after, Say("change-value", x.key, orNone(x.before), orNone(x.after)))
		}
	}
	if before, after := usedWords(a.Functions), usedWords(b.Functions); before.String() != after.String() {
		note(a.Registrar, "register", "changed", before.String(), after.String(), Say("change-value", "functions", before, after))
	}
	for _, id := range slices.Sorted(maps.Keys(a.Procedures)) {
		if a.Procedures[id] == w.old.Offers[id] && b.Procedures[id] == w.next.Offers[id] {
			continue // said once, of the whole qualification
		}
		for _, channel := range []string{ChannelOnline, ChannelCounter} {
			before, after := a.Procedures[id].Since(channel).String(), b.Procedures[id].Since(channel).String()
			if before != after {
				note(a.Registrar, "offer", "changed", before, after, Say("offer-since", id, channel, orNone(before), orNone(after)))
			}
		}
	}
}

// usedWords lists the functions that a register uses.
func usedWords(functions []string) Saying {
	if functions == nil {
		return Say("word-all")
	}
	return Say("word-list", functions)
}

func orNone(s string) any {
	if s == "" {
		return Say("word-none")
	}
	return s
}
