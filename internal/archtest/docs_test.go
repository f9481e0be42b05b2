package archtest

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The documents say what is true in the tree. What can be compared by a machine is compared here: links, states and
// moves, packages, dependencies, commands.

// TestLinksLeadSomewhere follows every relative link of every Markdown file, to the heading when it names one.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, path := range documents(t) {
		for _, target := range links(read(t, path)) {
			file, anchor, _ := strings.Cut(target, "#")
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
			}
			info, err := os.Stat(to)
			if err != nil {
				t.Errorf("%s links to %s, which is not there", path, target)
				continue
			}
			if anchor != "" && (info.IsDir() || !slices.Contains(anchors(read(t, to)), anchor)) {
				t.Errorf("%s links to %s, whose heading is not there", path, target)
			}
		}
	}
}

// TestLifecyclesAreThoseOfTheDatabase compares docs/lifecycle.md with the tables of states and moves. A row (s, s) that
// only lets a line be inserted is written "[*] --> s".
func TestLifecyclesAreThoseOfTheDatabase(t *testing.T) {
	states, moves := lifecycles(t)
	sections := strings.Split(read(t, filepath.Join(root, "docs/lifecycle.md")), "\n## ")
	for name := range states {
		i := slices.IndexFunc(sections, func(s string) bool { return strings.Contains(s, "`"+name+"_state`") })
		if i < 0 {
			t.Errorf("docs/lifecycle.md has no section with the table `%s_state`", name)
			continue
		}
		same(t, name+"'s states", pairs(sections[i], `(?m)^\| `+"`(\\w+)`"+` \| ([^`+"`"+`|]+) \|$`), states[name])
		same(t, name+"'s moves in the diagram", drawn(sections[i]), moves[name])
		same(t, name+"'s moves in the table", pairs(sections[i], "(?m)^\\| `(\\w+)` \\| `(\\w+)` \\|"), withoutInsertions(moves[name], sections[i]))
	}
}

// TestPackagesAreListed compares the packages of ARCHITECTURE.md with the tree; it may name ahead what the order has.
func TestPackagesAreListed(t *testing.T) {
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|").FindAllStringSubmatch(read(t, filepath.Join(root, "ARCHITECTURE.md")), -1) {
		listed[m[1]] = true
	}
	there, level := map[string]bool{}, levels()
	for _, s := range sources(t) {
		there[strings.TrimPrefix(s.pkg, "/")] = true
	}
	for pkg := range there {
		if !listed[pkg] && !strings.HasPrefix(pkg, "test/") {
			t.Errorf("ARCHITECTURE.md does not list the package %s", pkg)
		}
	}
	for pkg := range listed {
		_, ordered := level[pkg]
		if _, outside := level["/"+pkg]; !there[pkg] && !ordered && !outside {
			t.Errorf("ARCHITECTURE.md lists the package %s, which is not there", pkg)
		}
	}
}

// TestDependenciesHaveReasons compares the table of CONTRIBUTING.md with the direct dependencies of go.mod.
func TestDependenciesHaveReasons(t *testing.T) {
	direct := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`).FindAllStringSubmatch(read(t, filepath.Join(root, "go.mod")), -1) {
		direct[m[1]] = m[2]
	}
	said := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\S+\\.\\S+/\\S+)` \\| (v\\S+) \\| \\S").FindAllStringSubmatch(read(t, filepath.Join(root, "CONTRIBUTING.md")), -1) {
		said[m[1]] = m[2]
	}
	for module, version := range direct {
		if said[module] != version {
			t.Errorf("CONTRIBUTING.md has %q for %s %s", said[module], module, version)
		}
	}
	for module := range said {
		if direct[module] == "" {
			t.Errorf("CONTRIBUTING.md gives a reason for %s, which go.mod does not require directly", module)
		}
	}
	if len(direct) > 30 {
		t.Errorf("%d direct dependencies: aim at 25 or fewer, 30 is the limit", len(direct))
	}
}

// TestCommandsExist: a document names no command that the program does not have.
func TestCommandsExist(t *testing.T) {
	have := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\t(\\w+) +\\w+Cmd +`cmd:").FindAllStringSubmatch(read(t, filepath.Join(root, "cmd/akashi/main.go")), -1) {
		have[strings.ToLower(m[1])] = true
	}
	if len(have) == 0 {
		t.Fatal("found no command in cmd/akashi/main.go")
	}
	for _, path := range documents(t) {
		for _, m := range regexp.MustCompile("(?m)(?:`|^ +)akashi ([a-z]+)").FindAllStringSubmatch(read(t, path), -1) {
			if !have[m[1]] {
				t.Errorf("%s names the command akashi %s, which is not there", path, m[1])
			}
		}
	}
}

// TestOperatorsAreToldOfEverything: docs/operations.md has a line for every command, and the two pages that tell of database roles have one
// for every role that the program knows.
func TestOperatorsAreToldOfEverything(t *testing.T) {
	commands := regexp.MustCompile("(?m)^\\t(\\w+) +\\w+Cmd +`cmd:").FindAllStringSubmatch(read(t, filepath.Join(root, "cmd/akashi/main.go")), -1)
	operations := read(t, filepath.Join(root, "docs/operations.md"))
	for _, m := range commands {
		if !strings.Contains(operations, "\n| `akashi "+strings.ToLower(m[1])+"` |") {
			t.Errorf("docs/operations.md has no line for akashi %s", strings.ToLower(m[1]))
		}
	}
	var roles []string
	for _, s := range sources(t) {
		if s.pkg == "pg" {
			for _, m := range regexp.MustCompile(`(?m)^\tRole\w+ += "(akashi_\w+)"`).FindAllStringSubmatch(read(t, s.path), -1) {
				roles = append(roles, m[1])
			}
		}
	}
	if len(commands) == 0 || len(roles) == 0 {
		t.Fatalf("found %d commands and %d roles", len(commands), len(roles))
	}
	for _, page := range []string{"ARCHITECTURE.md", "deploy/README.md"} {
		for _, role := range roles {
			if !regexp.MustCompile("(?m)^\\| .*`" + role + "`.*\\|").MatchString(read(t, filepath.Join(root, page))) {
				t.Errorf("%s has no line for the role %s", page, role)
			}
		}
	}
}

// lifecycles reads the tables <name>_state and <name>_move out of the migrations, as sets of pairs.
func lifecycles(t *testing.T) (states, moves map[string]map[[2]string]bool) {
	states, moves = map[string]map[[2]string]bool{}, map[string]map[[2]string]bool{}
	files, err := filepath.Glob(filepath.Join(root, "migrations/*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("reading the migrations: %v, %d files", err, len(files))
	}
	insert := regexp.MustCompile(`(?s)insert into (\w+)_(state|move) \([^)]*\) values(.*?);\n`)
	for _, path := range files {
		for _, m := range insert.FindAllStringSubmatch(read(t, path), -1) {
			into := states
			if m[2] == "move" {
				into = moves
			}
			if into[m[1]] == nil {
				into[m[1]] = map[[2]string]bool{}
			}
			maps.Copy(into[m[1]], pairs(m[3], `\('((?:[^']|'')*)',\s*'((?:[^']|'')*)'\)`))
		}
	}
	if len(states) < 4 || len(states) != len(moves) {
		t.Fatalf("found %d tables of states and %d of moves", len(states), len(moves))
	}
	return states, moves
}

// pairs collects the two groups of every match.
func pairs(text, pattern string) map[[2]string]bool {
	out := map[[2]string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out[[2]string{m[1], strings.ReplaceAll(m[2], "''", "'")}] = true
	}
	return out
}

// drawn reads the arrows of a section's Mermaid diagram. From the beginning, [*], to s is the pair (s, s).
func drawn(section string) map[[2]string]bool {
	out := pairs(section, `(?m)^ +(\w+) --> (\w+)`)
	for first := range pairs(section, `(?m)^ +\[(\*)\] --> (\w+)`) {
		out[[2]string{first[1], first[1]}] = true
	}
	return out
}

// withoutInsertions leaves out the rows (s, s) that the diagram has as a beginning only.
func withoutInsertions(moves map[[2]string]bool, section string) map[[2]string]bool {
	arrows, out := pairs(section, `(?m)^ +(\w+) --> (\w+)`), map[[2]string]bool{}
	for m := range moves {
		if m[0] != m[1] || arrows[m] {
			out[m] = true
		}
	}
	return out
}

func same(t *testing.T, what string, document, database map[[2]string]bool) {
	t.Helper()
	for p := range document {
		if !database[p] {
			t.Errorf("docs/lifecycle.md: %s: %q is not in the migrations", what, p)
		}
	}
	for p := range database {
		if !document[p] {
			t.Errorf("docs/lifecycle.md: %s: %q is missing", what, p)
		}
	}
}

// documents lists our Markdown files.
func documents(t *testing.T) (paths []string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "testdata", "bin"}, d.Name())) {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("looking for documents: %v, %d found", err, len(paths))
	}
	return paths
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	code     = regexp.MustCompile("`[^`\n]*`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	slugless = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// links returns the targets of a document that lie in the tree.
func links(text string) (targets []string) {
	text = code.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], ":") {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// anchors returns the names under which a document's headings can be linked to.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		plain := slugless.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(plain, " ", "-"))
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
