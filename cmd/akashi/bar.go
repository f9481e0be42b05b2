package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// barWidth is how many characters a bar takes on a terminal.
const barWidth = 40

// bar tells how far something is that takes long: as a bar on a terminal, and as a line of the log for each whole percent elsewhere.
type bar struct {
	out  io.Writer
	live bool // out is a terminal
	log  *slog.Logger
	what string
	told int // the percentage that was told last, -1 before the first
}

func newBar(out io.Writer, log *slog.Logger, what string) *bar {
	return &bar{out: out, live: terminal(out), log: log, what: what, told: -1}
}

// terminal tells whether somebody sees what is written at once.
func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show tells that so many are done and so many are left.
func (b *bar) show(done, left int) {
	percent := 100 * done / max(done+left, 1)
	if percent == b.told && left > 0 {
		return
	}
	b.told = percent
	if !b.live {
		b.log.Info(b.what, "done", done, "left", left, "percent", percent)
		return
	}
	full := barWidth * percent / 100
	fmt.Fprintf(b.out, "\r%s [%s%s] %3d %%  %d/%d", b.what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), percent, done, done+left)
	if left == 0 {
		fmt.Fprintln(b.out)
	}
}
