package idp

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Steps of a visit, each a page.
const (
	stepCard     = "card"
	stepPIN      = "pin"
	stepPassword = "password"
	stepDone     = "done"
)

// step returns what a visit still needs. A signature needs the password; everything else, the particulars beside a
// signature too, needs the PIN.
func (d *cardDesk) step(v *visit) string {
	d.provider.mu.Lock()
	defer d.provider.mu.Unlock()
	others := slices.ContainsFunc(v.request.scopes, func(s string) bool { return s != "openid" && s != "sign" })
	switch signs := v.request.wants("sign"); {
	case v.card == "":
		return stepCard
	case !v.pin && (others || !signs):
		return stepPIN
	case signs:
		return stepPassword
	}
	return stepDone
}

// readerPage is what the pages of the citizens' provider show.
type readerPage struct {
	Title, Client, Action string
	Cards                 []cardRow
	Card                  *cardRow
	Asked                 []string // particulars that the client gets
	Digest                string   // to be signed: hexadecimal, in groups of eight
	Error                 string
	Locked                bool
	Secret                string // shown as a hint to the synthetic person
	ErrorOnField          bool
}

// cardRow is one card on a page.
type cardRow struct {
	ID, Name, Label, PIN, Password  string
	OnReader, PINLocked, PassLocked bool
}

func (d *cardDesk) row(c *cardState) cardRow {
	name, _ := c.Face()
	row := cardRow{ID: c.ID, Name: name, Label: c.Label, OnReader: d.reader() == c.ID}
	row.PINLocked, row.PassLocked = c.locked()
	if d.provider.showSecrets {
		row.PIN, row.Password = c.PIN, c.Password
	}
	return row
}

func (d *cardDesk) rows() []cardRow {
	var rows []cardRow
	for _, c := range d.cards {
		rows = append(rows, d.row(c))
	}
	return rows
}

// showReader shows the reader outside of a visit, to change the card on it.
func (d *cardDesk) showReader(w http.ResponseWriter, _ *http.Request) {
	d.provider.pages.show(w, http.StatusOK, "reader.html", "", readerPage{Title: "カードリーダー", Cards: d.rows()})
}

func (d *cardDesk) postReader(w http.ResponseWriter, r *http.Request) {
	if err := d.put(r.PostFormValue("card")); err != nil {
		d.provider.pages.refuse(w, http.StatusNotFound, "そのカードはありません。")
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// show shows the page of the step at which the visit is.
func (d *cardDesk) show(w http.ResponseWriter, r *http.Request) {
	if v, ok := d.provider.visitOf(w, r); ok {
		d.draw(w, v, http.StatusOK, "")
	}
}

// draw draws the page of the visit's step, with what was wrong before.
func (d *cardDesk) draw(w http.ResponseWriter, v *visit, status int, wrong string) {
	step := d.step(v)
	page := readerPage{
		Client: v.request.client.Name, Action: "/app/" + v.id, Error: wrong, Asked: asked(v.request), Cards: d.rows(),
	}
	if card := d.card(v.card); card != nil {
		row := d.row(card)
		page.Card = &row
		page.Locked = step == stepPIN && row.PINLocked || step == stepPassword && row.PassLocked
	}
	switch step {
	case stepCard:
		page.Title = "カードを読み取ります"
	case stepPIN:
		page.Title = "利用者証明用パスワードの入力"
		page.Secret = page.Card.PIN
	default:
		page.Title = "電子署名の確認"
		page.Secret, page.Digest = page.Card.Password, d.digestOf(v.request.transaction)
	}
	page.ErrorOnField = wrong != "" && !page.Locked
	d.provider.pages.show(w, status, step+".html", v.request.redirectURI, page)
}

// asked names the particulars that the client gets, in Japanese.
func asked(req request) []string {
	var names []string
	for _, scope := range []string{"name", "address", "birthdate", "gender"} {
		if req.wants(scope) {
			names = append(names, map[string]string{"name": "氏名", "address": "住所", "birthdate": "生年月日", "gender": "性別"}[scope])
		}
	}
	return names
}

// digestOf returns a transaction's digest to be read aloud and compared.
func (d *cardDesk) digestOf(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.transactions[id]
	if t == nil {
		return ""
	}
	var groups []string
	for chunk := range slices.Chunk(t.digest(), 4) {
		groups = append(groups, hex.EncodeToString(chunk))
	}
	return strings.Join(groups, " ")
}

// postCard reads which card lies on the reader.
func (d *cardDesk) postCard(w http.ResponseWriter, r *http.Request) {
	v, ok := d.provider.visitOf(w, r)
	if !ok {
		return
	}
	id := r.PostFormValue("card")
	if d.card(id) == nil {
		d.draw(w, v, http.StatusUnprocessableEntity, "カードを選んでください。")
		return
	}
	if err := d.put(id); err != nil {
		d.draw(w, v, http.StatusUnprocessableEntity, "カードを選んでください。")
		return
	}
	d.provider.mu.Lock()
	if v.card != id {
		v.card, v.pin = id, false
	}
	d.provider.mu.Unlock()
	http.Redirect(w, r, "/app/"+v.id, http.StatusSeeOther)
}

// postPIN unlocks the authentication key and ends the visit, unless a signature is asked for too.
func (d *cardDesk) postPIN(w http.ResponseWriter, r *http.Request) {
	v, ok := d.provider.visitOf(w, r)
	if !ok {
		return
	}
	if d.step(v) != stepPIN {
		d.draw(w, v, http.StatusConflict, "")
		return
	}
	card := d.card(v.card)
	if right, left := card.try(pinSecret, r.PostFormValue("secret")); !right {
		d.draw(w, v, http.StatusUnprocessableEntity, wrongSecret(left))
		return
	}
	usable, err := d.usable(card, slices.Contains(v.request.acrs, "crl"))
	if err != nil {
		d.provider.pages.refuse(w, http.StatusInternalServerError, "カードの証明書を用意できません。")
		return
	}
	if !usable {
		d.provider.abandon(w, r, v, "access_denied", "the authentication certificate is expired or revoked")
		return
	}
	d.provider.mu.Lock()
	v.pin = true
	d.provider.mu.Unlock()
	if d.step(v) == stepDone {
		d.end(w, r, v, card)
		return
	}
	http.Redirect(w, r, "/app/"+v.id, http.StatusSeeOther)
}

// postPassword signs and ends the visit.
func (d *cardDesk) postPassword(w http.ResponseWriter, r *http.Request) {
	v, ok := d.provider.visitOf(w, r)
	if !ok {
		return
	}
	if d.step(v) != stepPassword {
		d.draw(w, v, http.StatusConflict, "")
		return
	}
	card := d.card(v.card)
	if right, left := card.try(passwordSecret, r.PostFormValue("secret")); !right {
		d.draw(w, v, http.StatusUnprocessableEntity, wrongSecret(left))
		return
	}
	if err := d.signWith(card, v.request.transaction); err != nil {
		d.provider.abandon(w, r, v, "server_error", "the digest could not be signed")
		return
	}
	d.end(w, r, v, card)
}

// end ends the visit with a code.
func (d *cardDesk) end(w http.ResponseWriter, r *http.Request, v *visit, card *cardState) {
	o, err := d.outcome(card, v.request)
	if err != nil {
		d.provider.abandon(w, r, v, "server_error", "the card cannot be read")
		return
	}
	d.provider.finish(w, r, v, o)
}

func (d *cardDesk) postCancel(w http.ResponseWriter, r *http.Request) {
	if v, ok := d.provider.visitOf(w, r); ok {
		d.provider.abandon(w, r, v, "access_denied", "the user cancelled")
	}
}

// wrongSecret words how many tries are left.
func wrongSecret(left int) string {
	if left == 0 {
		return "続けて間違えたため、ロックされました。この模擬カードは解除するまで使えません。"
	}
	return "正しくありません。あと" + strconv.Itoa(left) + "回間違えるとロックされます。"
}
