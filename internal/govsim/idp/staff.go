package idp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Authentication contexts of the staff's provider.
const (
	ACRPassword = "password" // a password
	ACRStepUp   = "step-up"  // a password and a one-time code
)

// staffTries is how many wrong tries in a row lock a user.
const staffTries = 5

// StaffUser is one synthetic member of staff.
type StaffUser struct {
	Subject  string // sub of the ID token
	Username string
	Name     string
	Password string
	OTPKey   []byte // shared secret of the one-time codes (RFC 6238), 20 bytes; empty: no second factor
}

// OTP returns the user's one-time code at a moment: RFC 6238 with SHA-1, steps of 30 seconds, six digits.
func (u StaffUser) OTP(at time.Time) string {
	mac := hmac.New(sha1.New, u.OTPKey)
	binary.Write(mac, binary.BigEndian, uint64(at.Unix()/30)) // a hash never fails to write
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1000000)
}

// staffState is a user and what happened to them.
type staffState struct {
	StaffUser
	wrong    int
	lastStep int64 // 30-second step of the last code used: a code works once (RFC 6238 §5.2)
}

// staffDesk is the pages of the staff's provider.
type staffDesk struct {
	provider *provider

	mu    sync.Mutex
	users map[string]*staffState // by username
	order []string
}

func newStaffDesk(p *provider, cfg StaffConfig) (*staffDesk, error) {
	d := &staffDesk{provider: p, users: map[string]*staffState{}}
	for _, u := range cfg.Staff {
		if u.Subject == "" || u.Username == "" || u.Password == "" || d.users[u.Username] != nil {
			return nil, fmt.Errorf("staff %q: subject, username or password is missing, or the username is taken", u.Username)
		}
		d.users[u.Username] = &staffState{StaffUser: u}
		d.order = append(d.order, u.Username)
	}
	p.check = checkMaxAge
	return d, nil
}

// checkMaxAge refuses a max_age that is no number of seconds (OpenID Connect Core 1.0 §3.1.2.1). Any number is kept:
// there are no sessions here, everybody logs in anew on every visit.
func checkMaxAge(_ *request, query url.Values) *problem {
	if age := query.Get("max_age"); age != "" {
		if _, err := strconv.ParseUint(age, 10, 31); err != nil {
			return bad("invalid_request", "max_age is no number of seconds")
		}
	}
	return nil
}

// tryPassword checks username and password. Unknown users and wrong passwords are one answer.
func (d *staffDesk) tryPassword(username, password string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[username]
	if u == nil || u.wrong >= staffTries {
		return false
	}
	if subtle.ConstantTimeCompare([]byte(u.Password), []byte(password)) != 1 {
		u.wrong++
		return false
	}
	u.wrong = 0
	return true
}

// tryCode checks a one-time code of this step or the one before.
func (d *staffDesk) tryCode(username, code string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[username]
	if u == nil || len(u.OTPKey) == 0 || u.wrong >= staffTries {
		return false
	}
	now := d.provider.clock.Now()
	for _, at := range []time.Time{now, now.Add(-30 * time.Second)} {
		step := at.Unix() / 30
		if step > u.lastStep && subtle.ConstantTimeCompare([]byte(u.OTP(at)), []byte(code)) == 1 {
			u.wrong, u.lastStep = 0, step
			return true
		}
	}
	u.wrong++
	return false
}

// unlock lets a user try again.
func (d *staffDesk) unlock(username string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[username]
	if u == nil {
		return fmt.Errorf("no user %q", username)
	}
	u.wrong = 0
	return nil
}

func (d *staffDesk) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /app/{visit}", d.show)
	mux.HandleFunc("POST /app/{visit}/password", d.postPassword)
	mux.HandleFunc("POST /app/{visit}/code", d.postCode)
	mux.HandleFunc("POST /app/{visit}/cancel", d.postCancel)
}

// staffPage is what the pages of the staff's provider show.
type staffPage struct {
	Title, Client, Action, Error, Username, Code string
	Users                                        []StaffUser // hints, when secrets are shown
}

func (d *staffDesk) show(w http.ResponseWriter, r *http.Request) {
	if v, ok := d.provider.visitOf(w, r); ok {
		d.draw(w, v, http.StatusOK, "", "")
	}
}

// draw draws the page for the password or, after it, for the code.
func (d *staffDesk) draw(w http.ResponseWriter, v *visit, status int, username, wrong string) {
	page := staffPage{
		Title: "職員ログイン", Client: v.request.client.Name, Action: "/app/" + v.id, Error: wrong, Username: username,
	}
	name := "staff.html"
	d.provider.mu.Lock()
	staff := v.staff
	d.provider.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if staff != "" {
		name, page.Title = "code.html", "追加の確認"
		if d.provider.showSecrets {
			page.Code = d.users[staff].OTP(d.provider.clock.Now())
		}
	} else if d.provider.showSecrets {
		for _, username := range d.order {
			page.Users = append(page.Users, d.users[username].StaffUser)
		}
	}
	d.provider.pages.show(w, status, name, v.request.redirectURI, page)
}

// postPassword checks the password; a step-up goes on to the code, any other login ends here.
func (d *staffDesk) postPassword(w http.ResponseWriter, r *http.Request) {
	v, ok := d.provider.visitOf(w, r)
	if !ok {
		return
	}
	username := r.PostFormValue("username")
	if !d.tryPassword(username, r.PostFormValue("password")) {
		d.draw(w, v, http.StatusUnprocessableEntity, username, "利用者名またはパスワードが正しくないか、ロックされています。")
		return
	}
	if !slices.Contains(v.request.acrs, ACRStepUp) {
		d.end(w, r, v, username, ACRPassword, "pwd")
		return
	}
	d.provider.mu.Lock()
	v.staff = username
	d.provider.mu.Unlock()
	http.Redirect(w, r, "/app/"+v.id, http.StatusSeeOther)
}

// postCode checks the one-time code and ends the visit.
func (d *staffDesk) postCode(w http.ResponseWriter, r *http.Request) {
	v, ok := d.provider.visitOf(w, r)
	if !ok {
		return
	}
	d.provider.mu.Lock()
	username := v.staff
	d.provider.mu.Unlock()
	if username == "" || !d.tryCode(username, r.PostFormValue("code")) {
		d.draw(w, v, http.StatusUnprocessableEntity, "", "ワンタイムコードが正しくないか、使用済みか、ロックされています。")
		return
	}
	d.end(w, r, v, username, ACRStepUp, "pwd", "otp")
}

func (d *staffDesk) end(w http.ResponseWriter, r *http.Request, v *visit, username, acr string, amr ...string) {
	d.mu.Lock()
	u := d.users[username].StaffUser
	d.mu.Unlock()
	claims := map[string]any{"name": u.Name}
	d.provider.finish(w, r, v, outcome{subject: u.Subject, acr: acr, amr: amr, claims: claims, info: claims})
}

func (d *staffDesk) postCancel(w http.ResponseWriter, r *http.Request) {
	if v, ok := d.provider.visitOf(w, r); ok {
		d.provider.abandon(w, r, v, "access_denied", "the user cancelled")
	}
}
