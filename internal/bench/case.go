package bench

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"akashi/internal/account"
	"akashi/internal/govsim/world"
)

// picture is the smallest file that counts as a document: a PNG of one pixel.
var picture = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

// groups are the pages of the form in their order, with what the n-th applicant types on each.
func groups(n int) []struct {
	id    string
	typed []string
} {
	return []struct {
		id    string
		typed []string
	}{
		{"person", nil},
		{"kana", nil},
		{"domicile", []string{"domicile", "13", "nationality", ""}},
		{"contact", []string{"tel", "０９０－１２３４－５６７８", "email", ""}},
		{"examination", []string{"exam_passed_on.era", "", "exam_passed_on.year", "2026", "exam_passed_on.month", "3", "exam_number", examinee(n), "exam_place", "13"}},
		{"penalties", []string{"fined", "no", "misconduct", "no"}},
	}
}

// login logs a citizen in with the card, once; the session is used ever after.
func (p Place) login(ctx context.Context, v *visitor, n int) error {
	if err := v.send(ctx, "POST /login", "http://"+p.Citizen+"/login", url.Values{"to": {"/"}}); err != nil {
		return err
	}
	if err := v.hop(ctx, "simulator: authorize"); err != nil {
		return err
	}
	visit := v.resolve(v.location())
	if err := v.send(ctx, "simulator: card", visit+"/card", url.Values{"card": {cardID(n)}}); err != nil {
		return err
	}
	if err := v.send(ctx, "simulator: PIN", visit+"/pin", url.Values{"secret": {world.PIN}}); err != nil {
		return err
	}
	return v.hop(ctx, "GET /login/callback")
}

// resolve makes a link of the page absolute.
func (v *visitor) resolve(link string) string {
	to, err := v.at.Parse(link)
	if err != nil {
		return link
	}
	return to.String()
}

// sit logs a member of staff in, and gives the second factor where the role's acts need one.
func (p Place) sit(ctx context.Context, v *visitor, role account.Role, n int) error {
	if err := v.send(ctx, "POST /login", "http://"+p.Office+"/login", url.Values{"to": {"/"}}); err != nil {
		return err
	}
	if err := p.password(ctx, v, role, n); err != nil || role != account.Approver {
		return err
	}
	if err := v.get(ctx, "GET /step-up", "http://"+p.Office+"/step-up?to=%2F"); err != nil {
		return err
	}
	if err := v.post(ctx, "POST /step-up", "/step-up"); err != nil {
		return err
	}
	return p.password(ctx, v, role, n)
}

// password passes the staff's login, with a one-time code where it asks for one.
func (p Place) password(ctx context.Context, v *visitor, role account.Role, n int) error {
	if err := v.hop(ctx, "simulator: authorize"); err != nil {
		return err
	}
	visit := v.resolve(v.location())
	err := v.send(ctx, "simulator: password", visit+"/password", url.Values{"username": {member(role, n)}, "password": {staffPassword}})
	if err != nil {
		return err
	}
	if strings.HasPrefix(v.resolve(v.location()), visit) {
		if err := v.follow(ctx, "simulator: code"); err != nil {
			return err
		}
		code := v.find("今は ", " ")
		if len(code) > 6 {
			code = code[:6]
		}
		if err := v.send(ctx, "simulator: code", visit+"/code", url.Values{"code": {code}}); err != nil {
			return err
		}
	}
	if err := v.hop(ctx, "GET /login/callback"); err != nil {
		return err
	}
	return v.follow(ctx, "GET / after the login")
}

// apply is the n-th applicant's part: form, document, signature, payment. It returns the receipt number. begun hears of
// it while nobody else can know the case yet.
func (p Place) apply(ctx context.Context, v *visitor, n int, begun func(id string)) (id string, err error) {
	if id, err = p.begin(ctx, v, n, id); err != nil {
		return id, err
	}
	begun(id)
	for _, part := range []func(context.Context, *visitor, int, string) (string, error){p.fill, p.hand, p.sign, p.pay} {
		if id, err = part(ctx, v, n, id); err != nil {
			return id, err
		}
	}
	return id, nil
}

func (p Place) begin(ctx context.Context, v *visitor, _ int, _ string) (string, error) {
	if err := v.get(ctx, "GET /procedures/{register}/{procedure}", "http://"+p.Citizen+"/procedures/"+register+"/"+procedure); err != nil {
		return "", err
	}
	if err := v.get(ctx, "GET /procedures/{register}/{procedure}/start", "http://"+p.Citizen+"/procedures/"+register+"/"+procedure+"/start"); err != nil {
		return "", err
	}
	if err := v.post(ctx, "POST /applications", "/applications"); err != nil {
		return "", err
	}
	id := receipt(v.location())
	if id == "" {
		return "", v.unexpected("POST /applications")
	}
	return id, v.follow(ctx, "GET /applications/{id}")
}

// receipt reads the receipt number from a case's address.
func receipt(address string) string {
	_, rest, _ := strings.Cut(address, "/applications/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

func (p Place) application(id, page string) string {
	return "http://" + p.Citizen + "/applications/" + id + page
}

func (p Place) fill(ctx context.Context, v *visitor, n int, id string) (string, error) {
	for _, g := range groups(n) {
		if err := v.get(ctx, "GET /applications/{id}/form/"+g.id, p.application(id, "/form/"+g.id)); err != nil {
			return id, err
		}
		if err := v.post(ctx, "POST /applications/{id}/form/"+g.id, "/form/"+g.id, g.typed...); err != nil {
			return id, err
		}
	}
	return id, nil
}

func (p Place) hand(ctx context.Context, v *visitor, _ int, id string) (string, error) {
	if err := v.get(ctx, "GET /applications/{id}/documents", p.application(id, "/documents")); err != nil {
		return id, err
	}
	err := v.upload(ctx, "POST /applications/{id}/documents/{evidence}", "/documents/medical_certificate", "evidence.medical_certificate", "診断書.png", picture)
	if err != nil {
		return id, err
	}
	return id, v.get(ctx, "GET /applications/{id}", p.application(id, ""))
}

func (p Place) sign(ctx context.Context, v *visitor, n int, id string) (string, error) {
	if err := v.post(ctx, "POST /applications/{id}/check", "/check"); err != nil {
		return id, err
	}
	if err := v.follow(ctx, "GET /applications/{id}/check"); err != nil {
		return id, err
	}
	return p.signFrozen(ctx, v, n, id)
}

// signFrozen signs from the page that shows the frozen content.
func (p Place) signFrozen(ctx context.Context, v *visitor, n int, id string) (string, error) {
	if err := v.post(ctx, "POST /applications/{id}/sign", "/sign"); err != nil {
		return id, err
	}
	if err := v.hop(ctx, "simulator: authorize"); err != nil {
		return id, err
	}
	visit := v.resolve(v.location())
	if err := v.send(ctx, "simulator: card", visit+"/card", url.Values{"card": {cardID(n)}}); err != nil {
		return id, err
	}
	if err := v.send(ctx, "simulator: signature", visit+"/password", url.Values{"secret": {world.Password}}); err != nil {
		return id, err
	}
	if err := v.hop(ctx, "GET /sign/callback"); err != nil {
		return id, err
	}
	if !strings.Contains(v.location(), "/receipt/") {
		return id, fmt.Errorf("the signature led to %s: %w", v.location(), errUnexpected)
	}
	return id, v.follow(ctx, "GET /applications/{id}/receipt/{round}")
}

func (p Place) pay(ctx context.Context, v *visitor, _ int, id string) (string, error) {
	if err := v.get(ctx, "GET /applications/{id}/pay", p.application(id, "/pay")); err != nil {
		return id, err
	}
	if err := v.post(ctx, "POST /applications/{id}/pay", "/pay"); err != nil {
		return id, err
	}
	if err := v.send(ctx, "simulator: payment", v.location(), url.Values{"method": {"card"}, "outcome": {"paid"}}); err != nil {
		return id, err
	}
	if err := v.ask(ctx, "GET /applications/{id}/paid", "GET", v.location(), "", nil); err != nil {
		return id, err
	}
	if v.status == 303 {
		return id, v.follow(ctx, "GET /applications/{id}")
	}
	if v.status != 200 {
		return id, v.unexpected("GET /applications/{id}/paid")
	}
	return id, nil
}

// next takes the most urgent case of a step from the inbox and opens it.
func (p Place) next(ctx context.Context, v *visitor, step string) (id string, err error) {
	if err := v.get(ctx, "GET / (inbox)", "http://"+p.Office+"/"); err != nil {
		return "", err
	}
	if err := v.send(ctx, "POST /next ("+step+")", "http://"+p.Office+"/next", url.Values{"step": {step}}); err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(v.location(), "/cases/")
	if !found {
		return "", errEmpty
	}
	id, page, _ := strings.Cut(rest, "/")
	return id, v.follow(ctx, strings.TrimSuffix("GET /cases/{id}/"+page, "/"))
}

// review is the reviewer's part: every check is settled and the approval proposed.
func (p Place) review(ctx context.Context, v *visitor, id string) error {
	f, err := v.form("GET /cases/{id}", "/checks")
	if err != nil {
		return err
	}
	for name := range f.radios {
		if strings.HasPrefix(name, "verdict.") {
			f.values.Set(name, "ok")
		}
	}
	f.values.Set("then", "approve")
	if err := v.send(ctx, "POST /cases/{id}/checks", f.action, f.values); err != nil {
		return err
	}
	if err := v.follow(ctx, "GET /cases/{id}/proposal"); err != nil {
		return err
	}
	return v.post(ctx, "POST /cases/{id}/proposal", "/proposal", "confirm", "yes")
}

// decide is the second person's part, on the page that the inbox has led to.
func (p Place) decide(ctx context.Context, v *visitor, _ string) error {
	return v.post(ctx, "POST /cases/{id}/decision", "/decision", "verb", "agree", "confirm", "yes")
}

// outcome is the applicant's look at the decided case and at the credential.
func (p Place) outcome(ctx context.Context, v *visitor, id string) error {
	if err := v.get(ctx, "GET /applications/{id}", p.application(id, "")); err != nil {
		return err
	}
	credential := v.find(`/credentials/`+register+`/`, `"`)
	if credential == "" {
		return v.unexpected("looking for the credential")
	}
	return v.get(ctx, "GET /credentials/{register}/{entry}", "http://"+p.Citizen+"/credentials/"+register+"/"+credential)
}
