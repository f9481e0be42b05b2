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
		r.fail("", err)
		return nil, r.found
	}
	checkDuplicates(doc, nil, r)
	doc = expandGroups(doc, r)
	checkSchema(l.schemas.registrars, doc, r)
	checkReadings(doc, nil, r)
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
		r.add("", "file-no-registrars", err.Error())
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
		r.add(at+".parent", "registrar-parent", g.Parent)
	}
	if g.Kind == "designated" && g.Parent == "" {
		r.add(at+".parent", codeNoParent)
	}
	for i, id := range g.ActsFor {
		if kinds[id] == "" || id == g.ID {
			r.add(fmt.Sprintf("%s.acts_for[%d]", at, i), "registrar-acts-for", id)
		}
	}
	if g.LGCode != "" && !person.ValidLGCode(g.LGCode) {
		r.add(at+".lg_code", "registrar-check-digit", g.LGCode)
	}
	if g.Kind != "prefecture" || len(g.LGCode) < 2 {
		return
	}
	if g.ID != "pref-"+g.LGCode[:2] {
		r.add(at+".id", "registrar-prefecture-id", "pref-"+g.LGCode[:2])
	}
	if g.Code != g.LGCode[:2] {
		r.add(at+".code", "registrar-prefecture-code", g.LGCode[:2])
	}
}
