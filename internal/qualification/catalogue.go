package qualification

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"akashi/internal/calendar"
)

// Catalogue is every definition and registrar that the program knows. It never changes; share it freely.
type Catalogue struct {
	current    map[string]*Definition
	versions   map[string][]*Definition // by id, the one valid latest first
	registers  map[string]*Register
	byCode     map[string]*Register
	registrars map[string]*Registrar
}

func newCatalogue(definitions []loaded, registrars []Registrar) (*Catalogue, Findings) {
	c := &Catalogue{
		current: map[string]*Definition{}, versions: map[string][]*Definition{}, registers: map[string]*Register{},
		byCode: map[string]*Register{}, registrars: map[string]*Registrar{},
	}
	for i := range registrars {
		c.registrars[registrars[i].ID] = &registrars[i]
	}
	r := &reporter{}
	for _, l := range definitions {
		r.file = l.file
		c.add(l.definition, !isVersionFile(l.file), r)
	}
	for _, l := range definitions {
		r.file = l.file
		for i, base := range l.definition.Base {
			if c.current[base] == nil {
				r.add(fmt.Sprintf("base[%d]", i), "no qualification %q", base)
			}
		}
	}
	return c, r.found
}

func isVersionFile(name string) bool { return len(name) > 9 && name[:9] == "versions/" }

func (c *Catalogue) add(d *Definition, current bool, r *reporter) {
	if _, twice := c.Version(d.ID, d.Version); twice {
		r.add("version", "%s %s is defined by another file too", d.ID, d.Version)
		return
	}
	c.versions[d.ID] = append(c.versions[d.ID], d)
	slices.SortStableFunc(c.versions[d.ID], func(a, b *Definition) int {
		return cmp.Or(b.ValidFrom.Compare(a.ValidFrom), cmp.Compare(b.Version, a.Version))
	})
	if !current {
		return
	}
	if c.current[d.ID] != nil {
		r.add("id", "%s is defined by another file too", d.ID)
		return
	}
	c.current[d.ID] = d
	for i := range d.Registers {
		c.addRegister(&d.Registers[i], r)
	}
}

func (c *Catalogue) addRegister(g *Register, r *reporter) {
	at := fmt.Sprintf("registers[%s]", g.ID)
	if other := c.byCode[g.Code]; other != nil {
		r.add(at+".code", "%s is the code of %s", g.Code, other.ID)
	}
	c.registers[g.ID] = g
	c.byCode[g.Code] = g
}

// With returns a catalogue that also knows stored versions, for cases that were made under them. A version that it
// knows already is kept as it is.
func (c *Catalogue) With(pinned ...*Definition) *Catalogue {
	more := *c
	more.versions = maps.Clone(c.versions)
	for _, d := range pinned {
		if _, known := more.Version(d.ID, d.Version); !known {
			more.versions[d.ID] = append(slices.Clone(more.versions[d.ID]), d)
		}
	}
	return &more
}

// Definition returns the current version of a qualification.
func (c *Catalogue) Definition(id string) (*Definition, bool) {
	d, ok := c.current[id]
	return d, ok
}

// Version returns one version of a qualification.
func (c *Catalogue) Version(id, version string) (*Definition, bool) {
	i := slices.IndexFunc(c.versions[id], func(d *Definition) bool { return d.Version == version })
	if i < 0 {
		return nil, false
	}
	return c.versions[id][i], true
}

// At returns the version of a qualification that is valid on a day: the one that became valid last.
func (c *Catalogue) At(id string, day calendar.Date) (*Definition, bool) {
	var best *Definition
	for _, d := range c.versions[id] {
		if !d.ValidFrom.After(day) && (best == nil || d.ValidFrom.After(best.ValidFrom)) {
			best = d
		}
	}
	return best, best != nil
}

// List returns the current versions, ordered by id.
func (c *Catalogue) List() []*Definition {
	return slices.SortedFunc(maps.Values(c.current), func(a, b *Definition) int { return cmp.Compare(a.ID, b.ID) })
}

// Register returns a register by its id, e.g. "kangoshi.mhlw".
func (c *Catalogue) Register(id string) (*Register, bool) {
	g, ok := c.registers[id]
	return g, ok
}

// RegisterByCode returns a register by the four characters that open its public ids.
func (c *Catalogue) RegisterByCode(code string) (*Register, bool) {
	g, ok := c.byCode[code]
	return g, ok
}

// Registers returns the registers, ordered by id.
func (c *Catalogue) Registers() []*Register {
	return slices.SortedFunc(maps.Values(c.registers), func(a, b *Register) int { return cmp.Compare(a.ID, b.ID) })
}

// Registrar returns a body by its id.
func (c *Catalogue) Registrar(id string) (*Registrar, bool) {
	g, ok := c.registrars[id]
	return g, ok
}

// Registrars returns the bodies that keep registers, ordered by id.
func (c *Catalogue) Registrars() []*Registrar {
	return slices.SortedFunc(maps.Values(c.registrars), func(a, b *Registrar) int { return cmp.Compare(a.ID, b.ID) })
}

// Offered tells whether a procedure is open at a register through a channel ("online", "counter") on a day.
func (c *Catalogue) Offered(register, procedure, channel string, day calendar.Date) bool {
	g, ok := c.registers[register]
	if !ok || g.Rollout != "open" || g.OpensOn.After(day) {
		return false
	}
	since := g.Procedures[procedure].Online
	if channel == ChannelCounter {
		since = g.Procedures[procedure].Counter
	}
	return !since.IsZero() && !since.After(day)
}
