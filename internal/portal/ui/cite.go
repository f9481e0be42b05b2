package ui

import (
	"context"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/a-h/templ"
)

// addressIn finds addresses in the line that names a source. What ends a sentence or a bracket around one is no part of it.
var addressIn = regexp.MustCompile(`https?://[^\s<>"、。，（）「」]+`)

// Cited writes a line that names a source: like Words, but an address in it is shown as the name of its site, which links to the
// page. The whole of an address tells a reader nothing and does not fit a telephone.
func Cited(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, citedHTML(s))
		return err
	})
}

func citedHTML(s string) string {
	var b strings.Builder
	from := 0
	for _, at := range addressIn.FindAllStringIndex(s, -1) {
		address := strings.TrimRight(s[at[0]:at[1]], ".,;)")
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil {
			continue
		}
		b.WriteString(wordsHTML(s[from:at[0]]))
		b.WriteString(`<a class="ak-code" href="` + templ.EscapeString(u.String()) + `" rel="noreferrer">` + templ.EscapeString(u.Hostname()) + `</a>`)
		from = at[0] + len(address)
	}
	b.WriteString(wordsHTML(s[from:]))
	if from == 0 {
		return b.String()
	}
	return "<span>" + b.String() + "</span>"
}
