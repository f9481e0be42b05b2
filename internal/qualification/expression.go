package qualification

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// costLimit bounds one evaluation of an expression, in CEL's cost units. A comparison costs about one, so that the
// limit is far above every honest condition and far below anything a visitor could notice.
const costLimit = 20_000

// Bounds assumed for the estimate before anything is evaluated.
const (
	maxAnswers      = 400  // entries of a map
	maxAnswerLength = 4000 // bytes of one value
)

// expression is a compiled condition or amount. It is immutable and safe for concurrent use.
type expression struct {
	source  string
	program cel.Program
	reads   []reading
	beyond  bool // looks at the registrar, the channel or the day
}

// reading is one map entry that an expression looks at, e.g. answers["grade"].
type reading struct{ root, key string }

// expressionCompiler compiles each distinct expression once; most of them come from shared bases.
type expressionCompiler struct {
	env   *cel.Env
	mu    sync.Mutex
	cache map[expressionKey]expressionResult
}

type expressionKey struct {
	source string
	want   *types.Type
}

type expressionResult struct {
	expr *expression
	err  error
}

// The expression environment holds nothing that changes; making it takes milliseconds, so it is made once.
var expressionEnv = sync.OnceValues(newExpressionEnv)

func newExpressionEnv() (*cel.Env, error) {
	texts := cel.MapType(cel.StringType, cel.StringType)
	return cel.NewEnv(
		cel.Variable("answers", texts),
		cel.Variable("resident", texts),
		cel.Variable("family", texts),
		cel.Variable("registrar", cel.StringType),
		cel.Variable("channel", cel.StringType),
		cel.Variable("on", cel.TimestampType),
	)
}

func newExpressionCompiler() (*expressionCompiler, error) {
	env, err := expressionEnv()
	if err != nil {
		return nil, fmt.Errorf("making the expression environment: %w", err)
	}
	return &expressionCompiler{env: env, cache: map[expressionKey]expressionResult{}}, nil
}

// compile returns nil for an empty source.
func (c *expressionCompiler) compile(source string, want *types.Type) (*expression, error) {
	if source == "" {
		return nil, nil
	}
	key := expressionKey{source, want}
	c.mu.Lock()
	found, ok := c.cache[key]
	c.mu.Unlock()
	if ok {
		return found.expr, found.err
	}
	var made expressionResult
	made.expr, made.err = c.compileNew(source, want)
	c.mu.Lock()
	c.cache[key] = made
	c.mu.Unlock()
	return made.expr, made.err
}

func (c *expressionCompiler) compileNew(source string, want *types.Type) (*expression, error) {
	checked, issues := c.env.Compile(source)
	if issues.Err() != nil {
		return nil, wrong("cel-compile", oneLine(issues.Errors()[0].Message))
	}
	if got := checked.OutputType(); !got.IsExactType(want) {
		return nil, wrong("cel-type", got.String(), want.String())
	}
	estimate, err := c.env.EstimateCost(checked, sizeBounds{})
	if err != nil {
		return nil, wrong("cel-cost-unknown", err.Error())
	}
	if estimate.Max > costLimit {
		return nil, wrong("cel-cost", estimate.Max, costLimit)
	}
	reads, err := readings(checked)
	if err != nil {
		return nil, err
	}
	program, err := c.env.Program(checked, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, wrong("cel-compile", err.Error())
	}
	e := &expression{source: source, program: program, reads: reads, beyond: looksBeyond(checked)}
	return e, e.tried()
}

// tried evaluates the expression as it is met first, when nothing is answered and no registry was asked. One that fails there
// would stop every case.
func (e *expression) tried() error {
	for _, channel := range []string{ChannelOnline, ChannelCounter} {
		if _, err := e.evaluate(Facts{Channel: channel, On: time.Unix(0, 0)}); err != nil {
			return wrong("cel-fails", err.Error())
		}
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// sizeBounds tells the estimator how large the facts can be.
type sizeBounds struct{}

func (sizeBounds) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

func (sizeBounds) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	switch path := node.Path(); {
	case len(path) == 0:
		return nil
	case len(path) == 1 && (path[0] == "answers" || path[0] == "resident" || path[0] == "family"):
		return &cost.SizeEstimate{Min: 0, Max: maxAnswers}
	}
	return &cost.SizeEstimate{Min: 0, Max: maxAnswerLength}
}

// readings lists the map entries that an expression looks at. The maps may be read by a literal key only, so that a
// misspelt one is found when the file is read and not when an applicant comes by.
func readings(checked *cel.Ast) ([]reading, error) {
	var reads []reading
	roots := 0
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && isFactMap(e.AsIdent()) {
			roots++
		}
		if r, ok := readingOf(e); ok {
			reads = append(reads, r)
		}
	}))
	if roots != len(reads) {
		return nil, wrong("cel-literal-key", "answers", "resident", "family", `answers["grade"]`)
	}
	return reads, nil
}

// looksBeyond tells whether an expression reads more than the maps.
func looksBeyond(checked *cel.Ast) (beyond bool) {
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && slices.Contains([]string{"registrar", "channel", "on"}, e.AsIdent()) {
			beyond = true
		}
	}))
	return beyond
}

func readingOf(e ast.Expr) (reading, bool) {
	switch e.Kind() {
	case ast.SelectKind:
		of := e.AsSelect().Operand()
		if !e.AsSelect().IsTestOnly() && of.Kind() == ast.IdentKind && isFactMap(of.AsIdent()) {
			return reading{of.AsIdent(), e.AsSelect().FieldName()}, true
		}
	case ast.CallKind:
		args := e.AsCall().Args()
		if e.AsCall().FunctionName() != "_[_]" || args[0].Kind() != ast.IdentKind || !isFactMap(args[0].AsIdent()) || args[1].Kind() != ast.LiteralKind {
			return reading{}, false
		}
		if key, ok := args[1].AsLiteral().Value().(string); ok {
			return reading{args[0].AsIdent(), key}, true
		}
	}
	return reading{}, false
}

func isFactMap(name string) bool { return name == "answers" || name == "resident" || name == "family" }

// evaluate runs the expression over facts. A map entry that nobody has given yet reads as "".
func (e *expression) evaluate(f Facts) (any, error) {
	out, _, err := e.program.Eval(map[string]any{
		"answers":   e.filled("answers", f.Answers),
		"resident":  e.filled("resident", f.Resident),
		"family":    e.filled("family", f.Family),
		"registrar": f.Registrar,
		"channel":   f.Channel,
		"on":        f.On.In(time.UTC),
	})
	if err != nil {
		return nil, wrong("cel-evaluating", e.source, err.Error())
	}
	return out.Value(), nil
}

// filled returns m with the entries that the expression reads.
func (e *expression) filled(root string, m map[string]string) map[string]string {
	full := m
	for _, r := range e.reads {
		if _, ok := full[r.key]; r.root != root || ok {
			continue
		}
		if len(full) == len(m) {
			full = maps.Clone(m)
			if full == nil {
				full = map[string]string{}
			}
		}
		full[r.key] = ""
	}
	if full == nil {
		return map[string]string{}
	}
	return full
}

// holds tells whether the condition is true; no condition always is.
func (e *expression) holds(f Facts) (bool, error) {
	if e == nil {
		return true, nil
	}
	v, err := e.evaluate(f)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("evaluating %q: got %T, not a condition", e.source, v)
	}
	return b, nil
}
