package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestBar: a bar grows on a terminal, and a log gets no line without news.
func TestBar(t *testing.T) {
	t.Parallel()
	var screen, lines bytes.Buffer
	b := newBar(&screen, slog.New(slog.NewTextHandler(&lines, nil)), "signing")
	if b.live {
		t.Fatal("a buffer is no terminal")
	}
	for done := 0; done <= 1000; done++ {
		b.show(done, 1000-done)
	}
	if n := strings.Count(lines.String(), "\n"); n != 101 || screen.Len() != 0 {
		t.Errorf("%d lines, want one for each percent; on the screen %q", n, screen.String())
	}
	b = &bar{out: &screen, live: true, what: "signing", told: -1}
	b.show(0, 4)
	b.show(2, 2)
	b.show(4, 0)
	want := "\rsigning [" + strings.Repeat(".", 40) + "]   0 %  0/4\rsigning [" + strings.Repeat("#", 20) + strings.Repeat(".", 20) + "]  50 %  2/4\rsigning [" +
		strings.Repeat("#", 40) + "] 100 %  4/4\n"
	if screen.String() != want {
		t.Errorf("the bar is %q", screen.String())
	}
}
