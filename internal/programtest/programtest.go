// Package programtest builds the program for tests that run it as a process of its own.
package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is made when the first test asks for it. Linking takes seconds, so the tests of one binary share it.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "akashi-program-")
	if err != nil {
		return "", err
	}
	made <- dir
	file := filepath.Join(dir, "akashi")
	if out, err := exec.Command("go", "build", "-ldflags=-w", "-o", file, "akashi/cmd/akashi").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return file, nil
})

// made tells Remove what there is to remove.
var made = make(chan string, 1)

// File is where the built program lies. Whoever asks has Remove called after all tests, as pgtest.Main does.
func File(t testing.TB) string {
	t.Helper()
	file, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Remove removes the program, if any test asked for it.
func Remove() error {
	select {
	case dir := <-made:
		return os.RemoveAll(dir)
	default:
		return nil
	}
}
