package citizen

import (
	"net/http"

	"akashi/internal/application"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// messageLine is one message of the inbox.
type messageLine struct {
	Title, Text, When, Path, PublicID string
	Unread                            bool
}

func (p *portal) messages(w http.ResponseWriter, r *http.Request, a application.Applicant) error {
	notices, err := p.Desk.ReadMessages(r.Context(), a)
	if err != nil {
		return err
	}
	page := p.site.Page(r, "messages.title")
	page.Current = "messages"
	return page.Render(w, messagesPage(page, fillMessages(page, p.Desk.Catalogue, notices)))
}

func fillMessages(page *ui.Page, cat *qualification.Catalogue, notices []application.Notice) []messageLine {
	var out []messageLine
	for _, n := range notices {
		path := casePath(n.PublicID)
		if n.Entry != nil {
			path = credentialAddress(n.RegisterID, *n.Entry)
		}
		out = append(out, messageLine{Title: page.R("notice." + n.Kind), Text: page.R("notice."+n.Kind+".text", qualificationName(page, cat, n.RegisterID)),
			When: page.Time(n.At), Path: path, PublicID: n.PublicID, Unread: n.ReadAt == nil})
	}
	return out
}
