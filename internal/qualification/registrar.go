package qualification

import (
	"encoding/json"
	"fmt"
	"slices"

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
	doc = expandGroups(doc, r)
	checkSchema(l.schemas.registrars, doc, r)
	checkReadings(doc, "", r)
	checkFilled(listOf(doc["registrars"]), r)
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

// superiors lists the kinds of body that can stand above a body.
var superiors = []string{"ministry", "agency", "prefecture", "board", "municipality"}

func lintRegistrars(list []Registrar, r *reporter) {
	kinds := map[string]string{}
	for i := range list {
		kinds[list[i].ID] = list[i].Kind
	}
	for i := range list {
		g := &list[i]
		lintRegistrar(g, kinds, fmt.Sprintf("registrars[%s]", g.ID), r)
	}
}

func lintRegistrar(g *Registrar, kinds map[string]string, at string, r *reporter) {
	if g.Parent != "" && (g.Parent == g.ID || !slices.Contains(superiors, kinds[g.Parent])) {
		r.add(at+".parent", "%q is no ministry, agency or local body of this list", g.Parent)
	}
	if g.Kind == "designated" && g.Parent == "" {
		r.add(at+".parent", "missing: a designated body has the ministry that designated it")
	}
	for i, id := range g.ActsFor {
		if kinds[id] == "" || id == g.ID {
			r.add(fmt.Sprintf("%s.acts_for[%d]", at, i), "%q is no other registrar of this list", id)
		}
	}
	if g.LGCode != "" && !person.ValidLGCode(g.LGCode) {
		r.add(at+".lg_code", "%q has a wrong check digit", g.LGCode)
	}
	if g.Kind != "prefecture" || len(g.LGCode) < 2 {
		return
	}
	if g.ID != "pref-"+g.LGCode[:2] {
		r.add(at+".id", "a prefecture is called pref-%s here", g.LGCode[:2])
	}
	if g.Code != g.LGCode[:2] {
		r.add(at+".code", "the code of this prefecture is %s", g.LGCode[:2])
	}
}
