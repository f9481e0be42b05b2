package qualification

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// PlacedFact is a fact of a definition and where it stands.
type PlacedFact struct {
	Path string `json:"path"` // e.g. procedures[registration].fees[tax].rules[0].fact
	Fact
}

// FactCounts counts the facts of a definition by how far they were checked.
type FactCounts struct {
	Confirmed  int `json:"confirmed"`
	Unverified int `json:"unverified"`
	Unknown    int `json:"unknown"`
}

// PlacedFacts lists every fact of the definition, its bases merged in, in the order of their paths.
func (d *Definition) PlacedFacts() ([]PlacedFact, error) {
	var doc any
	if err := json.Unmarshal(d.Resolved(), &doc); err != nil {
		return nil, fmt.Errorf("reading the facts of %s: %w", d.ID, err)
	}
	return placedFacts(doc, "", nil), nil
}

func placedFacts(v any, path string, list []PlacedFact) []PlacedFact {
	switch v := v.(type) {
	case map[string]any:
		if f, ok := factOf(v); ok {
			return append(list, PlacedFact{Path: path, Fact: f})
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			list = placedFacts(v[key], join(path, key), list)
		}
	case []any:
		for i, e := range v {
			list = placedFacts(e, path+elementName(e, i), list)
		}
	}
	return list
}

// factOf tells whether a mapping is a fact: no other one has both a source and a confidence.
func factOf(m map[string]any) (Fact, bool) {
	source, isFact := m["source"].(string)
	confidence, ok := m["confidence"].(string)
	note, _ := m["note"].(string)
	return Fact{Source: source, Confidence: Confidence(confidence), Note: note}, isFact && ok
}

// CountFacts counts facts by their confidence.
func CountFacts(list []PlacedFact) FactCounts {
	var n FactCounts
	for _, f := range list {
		switch f.Confidence {
		case Confirmed:
			n.Confirmed++
		case Unverified:
			n.Unverified++
		default:
			n.Unknown++
		}
	}
	return n
}
