package qualtest

import (
	"encoding/json"
	"fmt"
	"path"

	"akashi/internal/qualification"
)

// Opened returns the catalogue of the files with every register open and every procedure offered online, except those with
// an amount that is not known: what a test may walk.
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
		if walkable(&d.Procedures[i]) {
			offers[d.Procedures[i].ID] = map[string]any{"online": d.ValidFrom.String()}
		}
	}
	doc["offers"] = offers
	patterns, _ := doc["registers"].([]any)
	for _, p := range patterns {
		pattern, _ := p.(map[string]any)
		delete(pattern, "closed_on")
		delete(pattern, "procedures")
		pattern["rollout"], pattern["opens_on"] = "open", d.ValidFrom.String()
	}
	return json.Marshal(doc)
}

// walkable tells whether a person could go through the procedure online if it were open.
func walkable(p *qualification.Procedure) bool {
	online := false
	for _, channel := range p.Channels {
		online = online || channel == qualification.ChannelOnline
	}
	for _, fee := range p.Fees {
		for _, rule := range fee.Rules {
			online = online && rule.Fact.Confidence != qualification.Unknown
		}
	}
	return online
}
