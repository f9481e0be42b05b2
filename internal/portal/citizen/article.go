package citizen

import (
	"net/http"

	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// article serves a page that is the same for everybody.
func (p *portal) article(name string) ui.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		page := p.site.Page(r, "article."+name+".title")
		switch name {
		case "help":
			return page.Render(w, helpPage(page, contacts(page, p.Desk.Catalogue)))
		case "accessibility":
			return page.Render(w, accessibilityPage(page))
		case "privacy":
			return page.Render(w, privacyPage(page))
		case "logged-out":
			return page.Render(w, loggedOutPage(page))
		}
		return page.Render(w, aboutPage(page))
	}
}

// contacts lists where to ask about a qualification: each body at whose register something can be applied for online
// today, with its paper way.
func contacts(page *ui.Page, cat *qualification.Catalogue) []ui.Row {
	open := map[string]bool{}
	for _, d := range cat.List() {
		for i := range d.Procedures {
			for _, g := range openAt(page, cat, d, d.Procedures[i].ID) {
				open[g.Registrar] = true
			}
		}
	}
	var rows []ui.Row
	for _, g := range cat.Registrars() {
		if !open[g.ID] {
			continue
		}
		rows = append(rows, ui.Row{Label: page.Text(g.Name), Value: page.Text(g.Contact), Source: page.Text(g.PaperWay)})
	}
	return rows
}
