package qualification

import "unicode"

// checkReadings reports kanji in plain Japanese that stand without a reading. Those who read it may know none of them.
func checkReadings(v any, at *trail, r *reporter) {
	switch v := v.(type) {
	case map[string]any:
		step, text := trail{up: at, index: inMapping}, isText(v)
		for key, e := range v {
			step.key = key
			s, isString := e.(string)
			if !isString || key != string(Easy) || !text {
				checkReadings(e, &step, r)
				continue
			}
			if kanji := unreadKanji(s); kanji != "" {
				r.add(step.String(), "reading-missing", kanji, "{漢字|かんじ}")
			}
		}
	case []any:
		step := trail{up: at}
		for i, e := range v {
			step.element, step.index = e, i
			checkReadings(e, &step, r)
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
