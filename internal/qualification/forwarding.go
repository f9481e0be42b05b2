package qualification

import (
	"regexp"
	"slices"
	"strings"

	"akashi/internal/person"
)

// computedBody is how definitions work out the body of a step from one answer: the answer itself, or with something before it.
var computedBody = regexp.MustCompile(`^(?:"([a-z0-9-]*)" \+ )?answers\.([a-z_]+)$`)

// ForwardedBy tells whether a case of the qualification can go through a body on its way to the registrar, by the routes and the
// answers that the form takes.
func (d *Definition) ForwardedBy(body string) bool {
	return slices.ContainsFunc(d.Procedures, func(p Procedure) bool {
		return slices.ContainsFunc(p.Routes, func(r RouteRule) bool {
			return slices.ContainsFunc(r.Steps, func(s Route) bool { return s.Step == stepForward && p.canBe(s.Body, body) })
		})
	})
}

// canBe tells whether a step's body can be the one with an id.
func (p *Procedure) canBe(stated, body string) bool {
	source, computed := strings.CutPrefix(stated, bodyPrefix)
	if !computed {
		return stated == body
	}
	m := computedBody.FindStringSubmatch(source)
	if m == nil {
		return false
	}
	answer, ok := strings.CutPrefix(body, m[1])
	f := p.Field(m[2])
	if !ok || f == nil {
		return false
	}
	if f.Kind == KindPrefecture {
		_, known := person.PrefectureByCode(answer)
		return known
	}
	return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == answer })
}
