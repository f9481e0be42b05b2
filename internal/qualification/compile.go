package qualification

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// bodyPrefix marks the body of a route step that is worked out by an expression.
const bodyPrefix = "= "

// compileAll compiles every expression of a definition and reports those that fail.
func (c *expressionCompiler) compileAll(d *Definition, r *reporter) {
	if d.Validity != nil {
		d.Validity.Months.expr = c.into(d.Validity.Months.CEL, cel.IntType, "validity.months", r)
	}
	for i := range d.Procedures {
		c.compileProcedure(&d.Procedures[i], r)
	}
}

func (c *expressionCompiler) into(source string, want *types.Type, path string, r *reporter) *expression {
	e, err := c.compile(source, want)
	if err != nil {
		r.fail(path, err)
	}
	return e
}

func (c *expressionCompiler) compileProcedure(p *Procedure, r *reporter) {
	at := procedurePath(p)
	for i := range p.Groups {
		c.compileGroup(&p.Groups[i], groupPath(p, &p.Groups[i]), r)
	}
	for i := range p.Evidence {
		e := &p.Evidence[i]
		e.when = c.into(e.When, cel.BoolType, fmt.Sprintf("%s.evidence[%s].when", at, e.ID), r)
	}
	for i := range p.Fees {
		for j := range p.Fees[i].Rules {
			rule, path := &p.Fees[i].Rules[j], feeRulePath(p, &p.Fees[i], j)
			rule.when = c.into(rule.When, cel.BoolType, path+".when", r)
			rule.Amount.expr = c.into(rule.Amount.CEL, cel.IntType, path+".amount", r)
		}
	}
	for i := range p.Routes {
		c.compileRoute(&p.Routes[i], fmt.Sprintf("%s.routes[%s]", at, p.Routes[i].ID), r)
	}
}

func (c *expressionCompiler) compileGroup(g *Group, at string, r *reporter) {
	g.when = c.into(g.When, cel.BoolType, at+".when", r)
	for i := range g.Fields {
		f := &g.Fields[i]
		f.when = c.into(f.When, cel.BoolType, fmt.Sprintf("%s.fields[%s].when", at, f.ID), r)
	}
	for i := range g.Rules {
		rule := &g.Rules[i]
		rule.must = c.into(rule.Must, cel.BoolType, fmt.Sprintf("%s.rules[%s].must", at, rule.ID), r)
	}
}

func (c *expressionCompiler) compileRoute(route *RouteRule, at string, r *reporter) {
	route.when = c.into(route.When, cel.BoolType, at+".when", r)
	for i := range route.Steps {
		source, computed := strings.CutPrefix(route.Steps[i].Body, bodyPrefix)
		if computed {
			route.Steps[i].body = c.into(source, cel.StringType, fmt.Sprintf("%s.steps[%d].body", at, i), r)
		}
	}
}

func procedurePath(p *Procedure) string { return fmt.Sprintf("procedures[%s]", p.ID) }

func groupPath(p *Procedure, g *Group) string {
	return fmt.Sprintf("%s.groups[%s]", procedurePath(p), g.ID)
}

func feeRulePath(p *Procedure, f *Fee, rule int) string {
	return fmt.Sprintf("%s.fees[%s].rules[%d]", procedurePath(p), f.ID, rule)
}
