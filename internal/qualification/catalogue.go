package qualification

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"akashi/internal/calendar"
)

// Catalogue is every definition and registrar that the program knows, and the dated acts that lie over them. Either is
// replaced as a whole (Swap, UseActs) and never changed in place; share it freely.
type Catalogue struct {
	held *atomic.Pointer[snapshot]
	acts *atomic.Pointer[Acts] // shared with the catalogues that With makes
}

// snapshot is what a catalogue holds at a time. It never changes.
type snapshot struct {
	current    map[string]*Definition
	versions   map[string][]*Definition // by id, the one valid latest first
	registers  map[string]*Register
	byCode     map[string]*Register
	registrars map[string]*Registrar
	kept       map[versionKey]bool // versions that the files no longer have
}

// versionKey names one version of a qualification.
type versionKey struct{ id, version string }

// holding returns a catalogue of a snapshot.
func holding(s *snapshot, acts *atomic.Pointer[Acts]) *Catalogue {
	c := &Catalogue{held: &atomic.Pointer[snapshot]{}, acts: acts}
	c.held.Store(s)
	return c
}

// Swap replaces the definitions and registrars by those of another catalogue, for everybody who holds this one. Versions
// that only this one knows stay, since cases are pinned to them; the acts stay, too.
func (c *Catalogue) Swap(next *Catalogue) {
	s := *next.held.Load()
	s.versions = maps.Clone(s.versions)
	for _, known := range c.held.Load().versions {
		for _, d := range known {
			s.keep(d)
		}
	}
	c.held.Store(&s)
}

// keep adds a version unless it is there. The lists of versions are shared with other snapshots and so replaced.
func (s *snapshot) keep(d *Definition) {
	if slices.ContainsFunc(s.versions[d.ID], func(v *Definition) bool { return v.Version == d.Version }) {
		return
	}
	s.versions[d.ID] = append(slices.Clone(s.versions[d.ID]), d)
	kept := map[versionKey]bool{{d.ID, d.Version}: true}
	maps.Copy(kept, s.kept)
	s.kept = kept
}

// takenBack tells whether a version was to follow the current one and is no longer among the files.
func (s *snapshot) takenBack(d *Definition) bool {
	current := s.current[d.ID]
	return s.kept[versionKey{d.ID, d.Version}] && current != nil && d.ValidFrom.After(current.ValidFrom)
}

func newCatalogue(definitions []loaded, registrars []Registrar) (*Catalogue, Findings) {
	c := holding(&snapshot{
		current: map[string]*Definition{}, versions: map[string][]*Definition{}, registers: map[string]*Register{},
		byCode: map[string]*Register{}, registrars: map[string]*Registrar{},
	}, &atomic.Pointer[Acts]{})
	for i := range registrars {
		c.held.Load().registrars[registrars[i].ID] = &registrars[i]
	}
	r := &reporter{}
	for _, l := range definitions {
		r.file = l.file
		c.add(l.definition, !isVersionFile(l.file), r)
	}
	for _, l := range definitions {
		r.file = l.file
		for i, base := range l.definition.Base {
			if c.held.Load().current[base] == nil {
				r.add(fmt.Sprintf("base[%d]", i), "set-no-qualification", base)
			}
		}
		if cycle := c.cycles(l.definition, nil); cycle != nil {
			r.add("base", "set-base-cycle", strings.Join(cycle, " -> "))
		}
	}
	return c, r.found
}

func isVersionFile(name string) bool { return len(name) > 9 && name[:9] == "versions/" }

func (c *Catalogue) add(d *Definition, current bool, r *reporter) {
	if _, twice := c.Version(d.ID, d.Version); twice {
		r.add("version", "set-version-twice", d.ID, d.Version)
		return
	}
	c.held.Load().versions[d.ID] = append(c.held.Load().versions[d.ID], d)
	slices.SortStableFunc(c.held.Load().versions[d.ID], func(a, b *Definition) int {
		return cmp.Or(b.ValidFrom.Compare(a.ValidFrom), cmp.Compare(b.Version, a.Version))
	})
	if !current {
		return
	}
	if c.held.Load().current[d.ID] != nil {
		r.add("id", "set-id-twice", d.ID)
		return
	}
	c.unique(d, r)
	c.held.Load().current[d.ID] = d
	for i := range d.Registers {
		c.addRegister(&d.Registers[i], r)
	}
}

// unique holds the row and the code of a definition to those of the others.
func (c *Catalogue) unique(d *Definition, r *reporter) {
	for _, other := range c.List() {
		if other.Row == d.Row {
			r.add("row", "set-row-taken", d.Row, other.ID)
		}
		if other.Code == d.Code {
			r.add("code", "set-code-taken", d.Code, other.ID)
		}
	}
}

// Clashes reports what a definition claims that other qualifications of the catalogue have, and bases that it does not know.
func (c *Catalogue) Clashes(d *Definition, file string) Findings {
	r := &reporter{file: file}
	for _, other := range c.List() {
		if other.ID != d.ID && other.Row == d.Row {
			r.add("row", "set-row-taken", d.Row, other.ID)
		}
		if other.ID != d.ID && other.Code == d.Code {
			r.add("code", "set-code-taken", d.Code, other.ID)
		}
	}
	for i, base := range d.Base {
		if c.held.Load().current[base] == nil {
			r.add(fmt.Sprintf("base[%d]", i), "set-no-qualification", base)
		}
	}
	return r.found
}

func (c *Catalogue) addRegister(g *Register, r *reporter) {
	at := fmt.Sprintf("registers[%s]", g.ID)
	if other := c.held.Load().byCode[g.Code]; other != nil {
		r.add(at+".code", "set-code-taken", g.Code, other.ID)
	}
	c.held.Load().registers[g.ID] = g
	c.held.Load().byCode[g.Code] = g
}

// With returns a catalogue that also knows stored versions, for cases that were made under them. A version that it
// knows already is kept as it is.
func (c *Catalogue) With(pinned ...*Definition) *Catalogue {
	s := *c.held.Load()
	s.versions = maps.Clone(s.versions)
	for _, d := range pinned {
		s.keep(d)
	}
	return holding(&s, c.acts)
}

// Definition returns the current version of a qualification.
func (c *Catalogue) Definition(id string) (*Definition, bool) {
	d, ok := c.held.Load().current[id]
	return d, ok
}

// Version returns one version of a qualification.
func (c *Catalogue) Version(id, version string) (*Definition, bool) {
	i := slices.IndexFunc(c.held.Load().versions[id], func(d *Definition) bool { return d.Version == version })
	if i < 0 {
		return nil, false
	}
	return c.held.Load().versions[id][i], true
}

// At returns the version of a qualification that is valid on a day: the one that became valid last. A coming version that
// was stored and then taken out of the files does not come.
func (c *Catalogue) At(id string, day calendar.Date) (*Definition, bool) {
	var best *Definition
	s := c.held.Load()
	for _, d := range s.versions[id] {
		if !d.ValidFrom.After(day) && !s.takenBack(d) && (best == nil || d.ValidFrom.After(best.ValidFrom)) {
			best = d
		}
	}
	return best, best != nil
}

// Filing returns the version under which a case that is begun on a day is made: the one valid then, or, before the first
// is valid and anything is open, the current one.
func (c *Catalogue) Filing(id string, day calendar.Date) (*Definition, bool) {
	if d, ok := c.At(id, day); ok {
		return d, true
	}
	return c.Definition(id)
}

// Versions returns every version of every qualification, also those to come, ordered by id, the one valid latest first.
func (c *Catalogue) Versions() (all []*Definition) {
	s := c.held.Load()
	for _, id := range slices.Sorted(maps.Keys(s.versions)) {
		all = append(all, s.versions[id]...)
	}
	return all
}

// List returns the current versions, ordered by id.
func (c *Catalogue) List() []*Definition {
	return slices.SortedFunc(maps.Values(c.held.Load().current), func(a, b *Definition) int { return cmp.Compare(a.ID, b.ID) })
}

// Named returns the current versions in the order in which a reader looks for a name: of the fifty sounds, in English of the
// alphabet.
func (c *Catalogue) Named(l Lang) []*Definition {
	return slices.SortedStableFunc(slices.Values(c.List()), func(a, b *Definition) int {
		if l == EN {
			return cmp.Compare(strings.ToLower(a.Name.EN), strings.ToLower(b.Name.EN))
		}
		return cmp.Compare(a.kanaOrder, b.kanaOrder)
	})
}

// Register returns a register by its id, e.g. "kangoshi.mhlw".
func (c *Catalogue) Register(id string) (*Register, bool) {
	g, ok := c.held.Load().registers[id]
	return g, ok
}

// RegisterByCode returns a register by the four characters that open its public ids.
func (c *Catalogue) RegisterByCode(code string) (*Register, bool) {
	g, ok := c.held.Load().byCode[code]
	return g, ok
}

// Registers returns the registers, ordered by id.
func (c *Catalogue) Registers() []*Register {
	return slices.SortedFunc(maps.Values(c.held.Load().registers), func(a, b *Register) int { return cmp.Compare(a.ID, b.ID) })
}

// Registrar returns a body by its id.
func (c *Catalogue) Registrar(id string) (*Registrar, bool) {
	g, ok := c.held.Load().registrars[id]
	return g, ok
}

// Keepers returns the bodies that keep a register, ordered by id.
func (c *Catalogue) Keepers() []*Registrar {
	keeps := map[string]bool{}
	for _, g := range c.held.Load().registers {
		keeps[g.Registrar] = true
	}
	return slices.DeleteFunc(c.Registrars(), func(g *Registrar) bool { return !keeps[g.ID] })
}

// Registrars returns every body of registrars.yaml, ordered by id: those that keep registers, those that only forward to
// them, and the ministries in charge.
func (c *Catalogue) Registrars() []*Registrar {
	return slices.SortedFunc(maps.Values(c.held.Load().registrars), func(a, b *Registrar) int { return cmp.Compare(a.ID, b.ID) })
}

// MinistriesOf lists the ministries and agencies in charge of a definition: those that its "ministry" names, ordered by id.
func (c *Catalogue) MinistriesOf(d *Definition) []*Registrar {
	var out []*Registrar
	for _, g := range c.Registrars() {
		if (g.Kind == "ministry" || g.Kind == "agency") && slices.Contains(strings.FieldsFunc(d.Ministry.JA, joinsNames), g.Name.JA) {
			out = append(out, g)
		}
	}
	return out
}

// joinsNames tells whether a character stands between the names of two ministries.
func joinsNames(r rune) bool { return strings.ContainsRune("・、，（） ", r) }
