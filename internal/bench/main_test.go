package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, removeProgram) }

// program is the built program for the tests that run it as a process of its own, built when the first asks for it. Linking takes
// seconds, so they share it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "akashi-program-")
	if err != nil {
		return "", err
	}
	programDir <- dir
	file := filepath.Join(dir, "akashi")
	if out, err := exec.Command("go", "build", "-ldflags=-w", "-o", file, "akashi/cmd/akashi").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return file, nil
})

// programDir tells removeProgram what there is to remove.
var programDir = make(chan string, 1)

func removeProgram() error {
	select {
	case dir := <-programDir:
		return os.RemoveAll(dir)
	default:
		return nil
	}
}
