package qualification

import (
	"maps"
	"slices"
	"unicode"
)

// checkReadings reports kanji in plain Japanese that stand without a reading. Those who read it may know none of them.
func checkReadings(v any, path string, r *reporter) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			s, isString := v[key].(string)
			if !isString || key != string(Easy) || !isText(v) {
				checkReadings(v[key], join(path, key), r)
				continue
			}
			if kanji := unreadKanji(s); kanji != "" {
				r.add(join(path, key), "reading-missing", kanji, "{漢字|かんじ}")
			}
		}
	case []any:
		for i, e := range v {
			checkReadings(e, path+elementName(e, i), r)
		}
	}
}

// unreadKanji returns the first run of kanji outside of {漢字|かんじ}.
func unreadKanji(s string) string {
	var run []rune
	inside := false
	for _, c := range s {
		if c == '{' || c == '}' {
			inside = c == '{'
		}
		switch {
		case !inside && unicode.Is(unicode.Han, c):
			run = append(run, c)
		case len(run) > 0:
			return string(run)
		}
	}
	return string(run)
}
