package public

import (
	"context"
	"net/http"
	"strings"

	"akashi/internal/portal/ui"
	"akashi/internal/verification"
)

// inputNumber is the number of a credential as it is typed.
const inputNumber = "number"

// maxNumber bounds a typed number, in bytes: a longer text is no number.
const maxNumber = 100

// number answers with what a bare number may reveal. It is asked more slowly than a credential: somebody reads it off a paper.
func (p *portal) number(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return tooLargeOr(err, unreadableForm())
	}
	typed := strings.TrimSpace(r.PostForm.Get(inputNumber))
	switch {
	case typed == "":
		return p.refuseNumber(w, r, "number.none", typed)
	case len(typed) > maxNumber:
		return p.refuseNumber(w, r, "number.unreadable", "")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	result := p.Verifier.CheckNumber(ctx, typed)
	switch {
	case result.Verdict == verification.Unreadable:
		return p.refuseNumber(w, r, "number.unreadable", typed)
	case result.Reason == verification.NumberNotUsed:
		return p.refuseNumber(w, r, "number.not_used", typed)
	}
	page := p.resultFrame(r, &result)
	page.Title = page.T("number.result")
	return page.Render(w, numberPage(page, fillNumber(page, result)))
}

// numberView is what is known of a number.
type numberView struct {
	Panel ui.Result
	Next  string
}

// fillNumber words the result. "In force" is said of the number, never of the paper on which it stands.
func fillNumber(page *ui.Page, r verification.Result) numberView {
	v := numberView{Panel: panelOf(page, r), Next: nextOf(page, r)}
	switch r.Verdict {
	case verification.Valid:
		v.Panel.Detail, v.Next = page.R("number.condition"), page.R("number.next")
	case verification.UnknownIssuer:
		v.Panel.Detail, v.Next = page.R("number.unknown"), page.R("number.next_unknown")
	}
	return v
}
