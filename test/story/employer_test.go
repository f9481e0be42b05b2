package story

import (
	"path/filepath"
	"strings"

	"akashi/internal/demo"
)

// shows opens the newest credential of somebody who is logged in, and returns what its QR code says and a picture of the
// page as a phone shows it.
func (v *visitor) shows() (code, picture string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/credentials")
	v.Click(`main .cz-cards a`)
	picture = filepath.Join(v.t.TempDir(), "credential.png")
	v.Screenshot(picture, 390)
	v.SetWidth(1280)
	return v.codeOnPage(), picture
}

// codeOnPage is the text of the QR code on the page of a credential.
func (v *visitor) codeOnPage() string {
	v.t.Helper()
	v.Click("details:has(#credential-url) > summary")
	code := v.Text("#credential-url")
	v.house.mu.Lock()
	defer v.house.mu.Unlock()
	v.house.codes = append(v.house.codes, code)
	return code
}

// checks pastes a credential into the verification page and returns what it says: the verdict's name.
func (v *visitor) checks(code string) string {
	v.t.Helper()
	v.goes(demo.PublicPortal, "/")
	v.Fill("checkdata", code)
	v.Click(`main form[action$="/w/verify"] button[type=submit]`)
	return v.verdict()
}

// verdict is what the open result page says.
func (v *visitor) verdict() string {
	v.t.Helper()
	return v.Attr(".ak-result", "data-verdict")
}

// expects fails the test unless the open result page says this.
func (v *visitor) expects(want string) {
	v.t.Helper()
	if got := v.verdict(); got != want {
		v.t.Errorf("the check says %q, want %q: %s", got, want, strings.TrimSpace(v.Text("main")))
	}
}
