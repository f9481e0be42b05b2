package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"akashi/internal/fault"
)

// announced hands on what a command prints, line by line.
type announced chan string

func (a announced) Write(p []byte) (int, error) {
	a <- string(bytes.TrimSpace(p))
	return len(p), nil
}

// TestQualificationPreview serves a file, which is read anew for each page, until it is stopped.
func TestQualificationPreview(t *testing.T) {
	file := changed(t)
	ctx, stop := context.WithCancel(t.Context())
	lines, ended := make(announced, 1), make(chan error, 1)
	c := QualificationPreview{Definition: file}
	go func() { ended <- c.Run(ctx, &Globals{Out: lines, Log: slog.New(slog.DiscardHandler)}) }()
	var url string
	select {
	case line := <-lines:
		url, _, _ = strings.Cut(line, " ")
	case err := <-ended:
		t.Fatal(err)
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("it serves at %q, want the loopback interface", url)
	}
	get := func() string {
		answer, err := http.Get(url + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %v", answer.StatusCode, err)
		}
		return string(body)
	}
	if body := get(); !strings.Contains(body, "定義に誤りはありません") {
		t.Errorf("the file is in order, but the page says\n%s", body)
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, bytes.Replace(text, []byte("row: 29"), []byte("row: 30"), 1), 0o600)
	}
	if body := get(); err != nil || !strings.Contains(body, "30番の行は「") {
		t.Errorf("%v: the row of another is not found:\n%s", err, body)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if body := get(); !strings.Contains(body, "内容がありません") {
		t.Errorf("an empty file: the page says\n%s", body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopping: %v", err)
	}
	if err := (&QualificationPreview{Definition: "none"}).Run(t.Context(), &Globals{Out: io.Discard, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown id: got %v, want a fault of kind invalid", err)
	}
}
