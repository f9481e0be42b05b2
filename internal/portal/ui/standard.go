package ui

import (
	"net/http"
)

// standardPage is a page that every portal has at the same place, linked from the footer.
type standardPage struct{ path, key string }

func standardPages() [3]standardPage {
	return [3]standardPage{{"/accessibility", "layout.accessibility"}, {"/about", "layout.about"}, {"/help", "layout.help"}}
}

// RegisterStandard registers what the footer links to: the accessibility policy, what this site is, how to get help.
func (s *Site) RegisterStandard(mux interface{ Handle(string, http.Handler) }) {
	for _, one := range standardPages() {
		mux.Handle("GET "+one.path, s.Handler(func(w http.ResponseWriter, r *http.Request) error {
			p := s.Page(r, one.key)
			switch one.path {
			case "/accessibility":
				return p.Render(w, accessibilityPage(p))
			case "/about":
				return p.Render(w, aboutPage(p))
			}
			return p.Render(w, helpPage(p))
		}))
	}
}
