package pgserver

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binaries are the programs of one PostgreSQL version.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// minMajor is the oldest version the schema works on.
const minMajor = 15

// debianBinaries is where Debian and Ubuntu put each version's programs, outside PATH.
const debianBinaries = "/usr/lib/postgresql/*/bin"

// findBinaries looks in dir if given, else on PATH, else where Debian installs. An existing cluster of version want
// (0: none yet) needs programs of the same version, so those win over newer ones.
func findBinaries(dir string, want int) (binaries, error) {
	var found []binaries
	for _, d := range binaryDirs(dir) {
		if b, err := inspect(d); err == nil {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return binaries{}, invalid("no PostgreSQL %d or newer is installed (looked on PATH and in %s): install it with "+
			"apt-get install postgresql, or give the address of a database", minMajor, debianBinaries)
	}
	if want == 0 {
		return found[0], nil
	}
	for _, b := range found {
		if b.major == want {
			return b, nil
		}
	}
	return binaries{}, invalid("the data directory belongs to PostgreSQL %d, and only version %d is installed: install "+
		"postgresql-%d, or move the data with pg_upgrade", want, found[0].major, want)
}

// Newest is the major version of the programs with which a new cluster is made. An empty dir is where Start looks without BinDir.
func Newest(dir string) (int, error) {
	b, err := findBinaries(dir, 0)
	return b.major, err
}

// binaryDirs lists where to look, the preferred first: PATH, then Debian's directories from the newest version down.
func binaryDirs(dir string) []string {
	if dir != "" {
		return []string{dir}
	}
	var dirs []string
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	installed, _ := filepath.Glob(debianBinaries) // fails for a malformed pattern only
	slices.SortFunc(installed, func(a, b string) int { return cmp.Compare(debianVersion(b), debianVersion(a)) })
	return append(dirs, installed...)
}

// debianVersion reads the version from /usr/lib/postgresql/15/bin, 0 from anything else.
func debianVersion(dir string) int {
	v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	if err != nil {
		return 0
	}
	return v
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect asks the programs in dir for their version.
func inspect(dir string) (binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, err
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, err
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return binaries{}, fmt.Errorf("%s/postgres --version said %q", dir, out)
	}
	major, err := strconv.Atoi(string(m[1]))
	if err != nil || major < minMajor {
		return binaries{}, fmt.Errorf("%s has version %s, older than %d", dir, m[1], minMajor)
	}
	return binaries{dir: dir, major: major}, nil
}

// clusterVersion reads the version of an existing cluster, 0 when there is none.
func clusterVersion(pgdata string) int {
	b, err := os.ReadFile(filepath.Join(pgdata, "PG_VERSION"))
	if err != nil {
		return 0
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return v
}
