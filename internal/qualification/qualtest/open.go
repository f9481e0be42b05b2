package qualtest

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"akashi/internal/qualification"
)

// Opened returns the catalogue of the files with every register open and every procedure offered: online where the definition lets
// it be filed online, and on paper alone for the rest. An amount that is not known is an invented one.
func Opened(files map[string][]byte) (*qualification.Catalogue, error) {
	c, err := qualification.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	open := map[string][]byte{}
	for name, data := range files {
		if dir := path.Dir(name); dir != "versions" && dir != "bases" {
			open[name] = data
		}
	}
	for _, d := range c.List() {
		if open[d.ID+".yaml"], err = opened(d); err != nil {
			return nil, err
		}
	}
	return qualification.LoadFiles(open)
}

// opened writes a definition with open registers. JSON is YAML, so that it is read like any other file.
func opened(d *qualification.Definition) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(d.Resolved(), &doc); err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.ID, err)
	}
	offers := map[string]any{}
	for i := range d.Procedures {
		channel := qualification.ChannelOnline
		if !slices.Contains(d.Procedures[i].Channels, channel) {
			channel = qualification.ChannelCounter // on paper alone
		}
		offers[d.Procedures[i].ID] = map[string]any{channel: d.ValidFrom.String()}
	}
	doc["offers"] = offers
	priced(doc)
	patterns, _ := doc["registers"].([]any)
	for _, p := range patterns {
		pattern, _ := p.(map[string]any)
		delete(pattern, "closed_on")
		delete(pattern, "procedures")
		pattern["rollout"], pattern["opens_on"] = "open", d.ValidFrom.String()
	}
	return json.Marshal(doc)
}

// inventedAmount stands, in yen, where no source tells what a procedure costs, so that it can be walked to its end all the same.
const inventedAmount = 1230

// priced gives every fee of unknown amount the invented one.
func priced(doc map[string]any) {
	procedures, _ := doc["procedures"].([]any)
	for _, p := range procedures {
		procedure, _ := p.(map[string]any)
		fees, _ := procedure["fees"].([]any)
		for _, f := range fees {
			fee, _ := f.(map[string]any)
			rules, _ := fee["rules"].([]any)
			for _, r := range rules {
				rule, _ := r.(map[string]any)
				if fact, _ := rule["fact"].(map[string]any); fact["confidence"] == string(qualification.Unknown) {
					rule["amount"], rule["fact"] = inventedAmount, map[string]any{"source": "invented for a test", "confidence": string(qualification.Unverified)}
				}
			}
		}
	}
}
