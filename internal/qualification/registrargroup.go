package qualification

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// expandGroups gives each registrar what its group holds and it does not say itself, and fills {name} and {parent} in the
// texts that come from there. It returns the list of registrars alone; checks of its shape follow.
func expandGroups(doc map[string]any, r *reporter) map[string]any {
	groups, used := map[string]map[string]any{}, map[string]bool{}
	for i, v := range listOf(doc["groups"]) {
		g, ok := v.(map[string]any)
		if !ok || idOf(g) == "" {
			r.add(fmt.Sprintf("groups[%d]", i), "group-without-id")
			continue
		}
		groups[idOf(g)] = g
	}
	members := listOf(doc["registrars"])
	out := make([]any, len(members))
	names := map[string]map[string]any{}
	for i, v := range members {
		m, ok := v.(map[string]any)
		if out[i] = v; !ok {
			continue
		}
		group, _ := m["group"].(string)
		used[group] = true
		out[i] = joinGroup(m, groups[group], names)
	}
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		if !used[id] {
			r.add("groups["+id+"]", "group-unused")
		}
	}
	expanded := maps.Clone(doc)
	delete(expanded, "groups")
	expanded["registrars"] = out
	return expanded
}

// joinGroup lays a member over its group. names collects the names so far, for members whose parent stands above them.
func joinGroup(member, group map[string]any, names map[string]map[string]any) map[string]any {
	joined := maps.Clone(group)
	if joined == nil {
		joined = map[string]any{}
	}
	maps.Copy(joined, member)
	parent, _ := joined["parent"].(string)
	name, _ := joined["name"].(map[string]any)
	joined["name"] = fillNames(name, map[string]map[string]any{"parent": names[parent]})
	name, _ = joined["name"].(map[string]any)
	if id := idOf(joined); id != "" {
		names[id] = name
	}
	for _, key := range []string{"head", "contact", "paper_way"} {
		if text, ok := joined[key].(map[string]any); ok {
			joined[key] = fillNames(text, map[string]map[string]any{"name": name, "parent": names[parent]})
		}
	}
	if joined["name"] == nil || name == nil {
		delete(joined, "name")
	}
	return joined
}

// fillNames replaces {word} in each language of a text by that language's wording of the word. An unknown one stays, and
// is reported by the check of the texts.
func fillNames(text map[string]any, words map[string]map[string]any) map[string]any {
	if text == nil {
		return nil
	}
	out := make(map[string]any, len(text))
	for lang, v := range text {
		s, ok := v.(string)
		if out[lang] = v; !ok {
			continue
		}
		for word, wording := range words {
			if w, ok := wording[lang].(string); ok {
				s = strings.ReplaceAll(s, "{"+word+"}", w)
			}
		}
		out[lang] = s
	}
	return out
}

// checkFilled reports words in braces that nothing filled in.
func checkFilled(list []any, r *reporter) {
	for i, v := range list {
		m, _ := v.(map[string]any)
		for _, key := range []string{"name", "head", "contact", "paper_way"} {
			text, _ := m[key].(map[string]any)
			for _, lang := range Langs {
				if s, _ := text[string(lang)].(string); termPattern.MatchString(s) {
					r.add(fmt.Sprintf("registrars%s.%s.%s", elementName(v, i), key, lang), "group-fills-nothing", termPattern.FindString(s))
				}
			}
		}
	}
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}
