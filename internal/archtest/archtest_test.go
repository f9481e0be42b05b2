package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// order lists the packages from the bottom up, by their path under internal/ (or from the root, with a leading slash). A
// package may import those on lines above its own; packages that share a line stand apart.
var order = lines(`
	fault clock /migrations /qualifications archtest
	server vault blob publicid calendar pg/pgserver
	format/cose format/jcs format/cms format/jpki format/qr format/pdf
	format/jws format/tsp
	format/statuslist format/sdjwt format/vc format/mdoc format/pades format/oauth format/httpsig
	pg jtext typeface
	person
	registrar account audit job
	connector/wire
	connector/identity connector/resident connector/family connector/payment connector/notice connector/scan connector/signer connector/signer/token connector/timestamp connector/webhook
	qualification
	rollout
	authoring
	application
	payment
	review
	registry
	credential/form
	credential/paper
	credential
	issuance
	verification
	presentation
	relying
	notice reconcile disclosure workforce transfer statistics
	portal/ui
	portal/ui/styleguide
	portal/fill
	portal/preview
	portal/citizen portal/office portal/public api
	system
	govsim/gate govsim/fail
	govsim/ca
	govsim/idp govsim/resident govsim/family govsim/payment govsim/inbox govsim/timestamp
	govsim/world
	demo bench
	/cmd/akashi
	/test/story /test/matrix /test/interop
`)

// forTests are imported by tests only; they may import anything below the stages.
var forTests = []string{"pg/pgtest", "browser", "portal/ui/uitest", "govsim/simtest", "qualification/qualtest", "format/formattest", "casetest", "wallettest", "programtest"}

// impure are ways to the outside, which a wire format does not take.
var impure = []string{"net", "net/http", "os", "database/sql", "log", "log/slog", "github.com/jackc/pgx"}

// ownClock are the packages that may read the machine's time: the clock itself, and those that measure how long a
// process or a request takes, which is no rule.
var ownClock = []string{"clock", "server", "pg/pgserver", "pg/pgtest", "browser", "bench"}

const (
	module = "akashi"
	root   = "../.."
)

// source is one file of ours.
type source struct {
	pkg  string // as in order
	path string
	test bool
	file *ast.File
}

func TestImportOrder(t *testing.T) {
	level := levels()
	for _, s := range sources(t) {
		if _, listed := level[s.pkg]; !listed && !slices.Contains(forTests, s.pkg) {
			t.Errorf("%s: package %s is not in the order of internal/archtest: give it a place", s.path, s.pkg)
			continue
		}
		for _, to := range s.imports() {
			if why := refuse(level, s, to); why != "" {
				t.Errorf("%s imports %s: %s", s.path, to, why)
			}
		}
	}
}

// TestRefusals shows that the rules bite: each of these imports is refused for its own reason.
func TestRefusals(t *testing.T) {
	level := levels()
	for _, c := range []struct {
		from, to string
		test     bool
		want     string
	}{
		{"application", "review", false, "run from later stages"},
		{"registry", "credential", false, "run from later stages"},
		{"portal/citizen", "portal/office", false, "stand apart"},
		{"review", "connector/payment", false, "declare the interface"},
		{"portal/office", "connector/signer", false, "declare the interface"},
		{"connector/resident", "connector/family", false, "stand apart"},
		{"connector/resident", "application", false, "run from later stages"},
		{"govsim/resident", "registry", false, "simulators know no stage"},
		{"verification", "govsim/ca", false, "only in tests"},
		{"format/cose", "calendar", false, "formats are pure"},
		{"format/sdjwt", "format/vc", false, "formats are pure"},
		{"format/vc", "format/jws", false, ""},
		{"format/pades", "format/tsp", false, ""},
		{"format/tsp", "format/pades", false, "formats are pure"},
		{"format/cms", "format/jpki", false, "formats are pure"},
		{"audit", "pg/pgtest", false, "only in tests"},
		{"audit", "pg/pgtest", true, ""},
		{"pg/pgtest", "review", false, "know no stage"},
		{"connector/payment", "govsim/payment", true, ""},
		{"connector/payment", "govsim/payment", false, "only in tests"},
		{"govsim/idp", "connector/identity", true, ""},
		{"review", "application", false, ""},
		{"/cmd/akashi", "connector/signer", false, ""},
		{"review", "nowhere", false, "not in the order"},
	} {
		got := refuse(level, source{pkg: c.from, test: c.test}, c.to)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s importing %s (test: %t): got %q, want %q", c.from, c.to, c.test, got, c.want)
		}
	}
}

// refuse returns why the import is not allowed, or nothing.
func refuse(level map[string]int, s source, to string) string {
	from, above := level[s.pkg], level[to]
	_, listed := level[to]
	switch {
	case to == s.pkg:
		return ""
	case slices.Contains(forTests, to):
		return unless(s.test || slices.Contains(forTests, s.pkg), "it may be imported only in tests")
	case !listed:
		return "it is not in the order of internal/archtest"
	case s.pkg == "casetest":
		return unless(above <= level["relying"], "cases of tests know the stages and no portal")
	case slices.Contains(forTests, s.pkg):
		return unless(above < level["application"] || to == "portal/ui" || strings.HasPrefix(to, "govsim/"), "helpers of tests know no stage")
	case strings.HasPrefix(s.pkg, "format/"):
		return unless(to == "fault" || strings.HasPrefix(to, "format/") && above < from, "wire formats are pure and import only fault and the formats they are made of")
	case strings.HasPrefix(to, "govsim/"):
		return unless(s.test || wires(s.pkg) || strings.HasPrefix(s.pkg, "govsim/") && above < from, "simulators are imported only in tests, by the commands and by each other in order")
	case strings.HasPrefix(s.pkg, "govsim/") && above >= level["qualification"]:
		return "simulators know no stage"
	case strings.HasPrefix(to, "connector/"):
		return refuseConnector(level, s, to)
	case above == from:
		return "packages of one line stand apart"
	case above > from:
		return "imports run from later stages to earlier ones"
	}
	return ""
}

func refuseConnector(level map[string]int, s source, to string) string {
	switch {
	case wires(s.pkg), to == "connector/wire" && strings.HasPrefix(s.pkg, "connector/"):
		return ""
	case strings.HasPrefix(s.pkg, "connector/"):
		return "packages of one line stand apart"
	case s.test && (strings.HasPrefix(s.pkg, "govsim/") || strings.HasPrefix(s.pkg, "portal/")):
		return ""
	}
	return "declare the interface you need and let cmd/akashi wire it"
}

// wires tells whether the package puts the program together.
func wires(pkg string) bool {
	return slices.Contains([]string{"/cmd/akashi", "/test/story", "/test/interop", "system", "demo", "bench"}, pkg)
}

func unless(allowed bool, why string) string {
	if allowed {
		return ""
	}
	return why
}

func TestFormatsArePure(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !strings.HasPrefix(s.pkg, "format/") {
			continue
		}
		for _, spec := range s.file.Imports {
			name := unquote(spec)
			if slices.ContainsFunc(impure, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") && strings.Contains(p, ".") }) {
				t.Errorf("%s imports %s: a wire format turns bytes into values and back, and reaches nothing outside", s.path, name)
			}
		}
	}
}

// TestTimeComesFromTheClock: otherwise a rule would not follow the demonstration's date.
func TestTimeComesFromTheClock(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.Contains(ownClock, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
					t.Errorf("%s uses time.Now: take the time from the clock or from pg.Tx", s.path)
				}
			}
			return true
		})
	}
}

func TestNothingRunsBeforeMain(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function: let main call what is needed", s.path)
			}
		}
	}
}

// TestPackagesSayWhatTheyAreFor: each has one comment a newcomer can use.
func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			said[s.pkg] = said[s.pkg] || s.file.Doc != nil && len(s.file.Doc.Text()) > 60
		}
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// imports returns the packages of ours that the file imports, named as in order.
func (s source) imports() []string {
	var out []string
	for _, spec := range s.file.Imports {
		if to, ours := strings.CutPrefix(unquote(spec), module+"/"); ours {
			out = append(out, named(to))
		}
	}
	return out
}

func unquote(spec *ast.ImportSpec) string {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has accepted it
	}
	return name
}

// named turns a package's directory into its name in order.
func named(dir string) string {
	if inside, ok := strings.CutPrefix(dir, "internal/"); ok {
		return inside
	}
	return "/" + dir
}

func levels() map[string]int {
	level := map[string]int{}
	for i, line := range order {
		for _, pkg := range line {
			level[pkg] = i + 1
		}
	}
	return level
}

func lines(text string) (out [][]string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		out = append(out, strings.Fields(line))
	}
	return out
}

// sources are all Go files of the module, parsed once; tools and node_modules are other modules.
func sources(t *testing.T) []source {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var parsed = sync.OnceValues(func() (out []source, err error) {
	files := token.NewFileSet()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"tools", "node_modules", "testdata", "bin"}, d.Name())) {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		out = append(out, source{pkg: named(filepath.ToSlash(dir)), path: path, test: strings.HasSuffix(path, "_test.go"), file: f})
		return err
	})
	return out, err
})
