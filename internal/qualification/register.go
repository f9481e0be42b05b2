package qualification

import (
	"fmt"
	"maps"
	"slices"

	"akashi/internal/calendar"
	"akashi/internal/publicid"
)

// Register is one register: a qualification at a registrar.
type Register struct {
	ID            string // "<qualification>.<registrar>", e.g. "kangoshi.mhlw"
	Code          string // four characters [A-Z0-9]: the definition's and the registrar's; every public id of the register begins with it
	Qualification string
	Registrar     string
	OpensOn       calendar.Date // zero when it is planned and no day is known
	ClosedOn      calendar.Date // first day on which nothing is taken any more, zero when none is known
	Rollout       string        // open | planned | closed
	Procedures    map[string]Offer
	Functions     []string // of Functions, those that the definition has it use; nil: all
	Fact          Fact     // of the dates; empty when they are this platform's own
}

// Offer says since when a procedure is open at one register, by channel.
type Offer struct {
	Online  calendar.Date `json:"online,omitzero"`  // zero: not offered
	Counter calendar.Date `json:"counter,omitzero"` // zero: not offered
}

// Since returns the day from which the procedure is open through a channel, zero when it is not.
func (o Offer) Since(channel string) calendar.Date {
	if channel == ChannelCounter {
		return o.Counter
	}
	return o.Online
}

// RegisterPattern says of some registrars that each keeps a register. Of two that name one registrar the later holds,
// so that exceptions follow the group.
type RegisterPattern struct {
	Registrars []string         `json:"registrars,omitempty"` // by id, or
	Group      string           `json:"group,omitempty"`      // everybody of a group, e.g. "prefectures"
	Except     []string         `json:"except,omitempty"`     // of the group
	OpensOn    calendar.Date    `json:"opens_on,omitzero"`
	ClosedOn   calendar.Date    `json:"closed_on,omitzero"`
	Rollout    string           `json:"rollout"`
	Procedures map[string]Offer `json:"procedures,omitempty"` // offers that differ there
	Functions  []string         `json:"functions,omitzero"`   // used there; nil means all
	Fact       Fact             `json:"fact,omitzero"`
}

// expandRegisters makes the registers of a definition from its patterns. What a pattern names twice or without effect goes
// to the reporter.
func (d *Definition) expandRegisters(registrars []Registrar, r *reporter) {
	codes, from := map[string]string{}, map[string]int{}
	for _, g := range registrars {
		codes[g.ID] = g.Code
	}
	for i := range d.Patterns {
		p, at := &d.Patterns[i], fmt.Sprintf("registers[%d]", i)
		for _, id := range p.members(registrars, at, r) {
			if _, known := codes[id]; !known {
				r.add(at+".registrars", "set-no-registrar", id, registrarsFile)
				continue
			}
			if before, twice := from[id]; twice && d.Patterns[before].Group == "" {
				r.add(at, "register-twice", id, fmt.Sprintf("registers[%d]", before))
			}
			from[id] = i
		}
	}
	for _, id := range slices.Sorted(maps.Keys(from)) {
		if code := d.Code + codes[id]; !publicid.ValidCode(code) {
			r.add("code", "register-code", code, id)
		}
		d.Registers = append(d.Registers, d.register(&d.Patterns[from[id]], id, codes[id]))
	}
}

// members lists the registrars that a pattern names.
func (p *RegisterPattern) members(registrars []Registrar, at string, r *reporter) []string {
	if p.Group == "" {
		return p.Registrars
	}
	var members []string
	for _, g := range registrars {
		if g.Group == p.Group {
			members = append(members, g.ID)
		}
	}
	if len(members) == 0 {
		r.add(at+".group", "register-empty-group", registrarsFile, p.Group)
	}
	for _, id := range p.Except {
		i := slices.Index(members, id)
		if i < 0 {
			r.add(at+".except", "register-not-in-group", id, p.Group)
			continue
		}
		members = slices.Delete(members, i, i+1)
	}
	return members
}

// register makes one register. Registers without offers of their own share those of the definition.
func (d *Definition) register(p *RegisterPattern, registrar, code string) Register {
	offers := d.Offers
	if len(p.Procedures) > 0 {
		offers = maps.Clone(d.Offers)
		maps.Copy(offers, p.Procedures)
	}
	return Register{ID: d.ID + "." + registrar, Code: d.Code + code, Qualification: d.ID, Registrar: registrar, OpensOn: p.OpensOn,
		ClosedOn: p.ClosedOn, Rollout: p.Rollout, Procedures: offers, Functions: p.Functions, Fact: p.Fact}
}

// The functions of the platform that a registrar can have switched on, for all of its registers.
const (
	FunctionIntake     = "intake"     // applications are taken online
	FunctionPayment    = "payment"    // what is due can be paid online
	FunctionResident   = "resident"   // the resident registry is asked
	FunctionFamily     = "family"     // the family register is asked
	FunctionCredential = "credential" // digital credentials are issued
)

// Registrar is a body that keeps registers (the tenant), or one that forwards cases to it.
type Registrar struct {
	ID          string        `json:"id"`   // e.g. "mhlw", "sssc", "pref-41"
	Code        string        `json:"code"` // two characters, the second half of the codes of its registers
	Name        Text          `json:"name"`
	Head        Text          `json:"head"`               // in whose name it issues, e.g. 厚生労働大臣, 佐賀県知事
	Kind        string        `json:"kind"`               // ministry | agency | designated | federation | prefecture | board | municipality | union | forwarding
	Group       string        `json:"group,omitempty"`    // e.g. "prefectures", for patterns of registers
	LGCode      string        `json:"lg_code,omitempty"`  // 全国地方公共団体コード with its check digit, for local governments
	Parent      string        `json:"parent,omitempty"`   // the body that designated it or that it belongs to, "" when none
	ActsFor     []string      `json:"acts_for,omitempty"` // registrars whose office work is delegated to it
	ActsForFact Fact          `json:"acts_for_fact,omitzero"`
	Functions   []string      `json:"functions,omitempty"` // what is switched on; nil means everything
	OpenedOn    calendar.Date `json:"opened_on,omitzero"`  // since when it is on this platform
	Contact     Text          `json:"contact"`
	PaperWay    Text          `json:"paper_way"` // how to file on paper
	Fact        Fact          `json:"fact"`
}

// Has tells whether the registrar has a function switched on.
func (g *Registrar) Has(function string) bool {
	return g.Functions == nil || slices.Contains(g.Functions, function)
}
