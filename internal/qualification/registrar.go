package qualification

import (
	"encoding/json"
	"fmt"

	"akashi/internal/person"
)

// loadRegistrars reads the bodies that keep registers.
func (l *loader) loadRegistrars() ([]Registrar, Findings) {
	r := &reporter{file: registrarsFile}
	doc, err := parseYAML(l.files[registrarsFile])
	if err != nil {
		r.add("", "%v", err)
		return nil, r.found
	}
	checkDuplicates(doc, "", r)
	checkSchema(l.schemas.registrars, doc, r)
	checkReadings(doc, "", r)
	if len(r.found) > 0 {
		return nil, r.found
	}
	var list struct {
		Registrars []Registrar `json:"registrars"`
	}
	bytes, err := canonical(doc)
	if err == nil {
		err = json.Unmarshal(bytes, &list)
	}
	if err != nil {
		r.add("", "does not have the shape of a list of registrars: %v", err)
		return nil, r.found
	}
	lintRegistrars(list.Registrars, r)
	return list.Registrars, r.found
}

func lintRegistrars(list []Registrar, r *reporter) {
	kinds := map[string]string{}
	for _, g := range list {
		kinds[g.ID] = g.Kind
	}
	for _, g := range list {
		at := fmt.Sprintf("registrars[%s]", g.ID)
		if kind, known := kinds[g.Parent]; g.Parent != "" && (!known || kind != "ministry") {
			r.add(at+".parent", "%q is not a ministry of this list", g.Parent)
		}
		if g.Kind == "designated" && g.Parent == "" {
			r.add(at+".parent", "missing: a designated body has the ministry that designated it")
		}
		if g.LGCode != "" && !person.ValidLGCode(g.LGCode) {
			r.add(at+".lg_code", "%q has a wrong check digit", g.LGCode)
		}
		if g.Kind == "prefecture" && g.LGCode != "" && g.ID != "pref-"+g.LGCode[:2] {
			r.add(at+".id", "a prefecture is called pref-%s here", g.LGCode[:2])
		}
	}
}
