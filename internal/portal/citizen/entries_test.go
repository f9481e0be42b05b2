package citizen

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/casetest"
	"akashi/internal/clock"
)

// crewed is a world in which the nurse is 救命艇手 and 限定救命艇手, too, and somebody else is one. It returns the entries.
func crewed(t *testing.T) (w *world, full, limited, foreign uuid.UUID) {
	t.Helper()
	w = newWorldOver(t, casetest.NewOf(t, casetest.Opened(t, "bases/ship-certificate.yaml")))
	give := func(ordinal int64, scope string) uuid.UUID {
		return w.Give(t, w.Nurse, casetest.Held{Register: crew, Ordinal: ordinal, Items: map[string]string{"scope": scope}})
	}
	full, limited = give(11, "full"), give(12, "limited")
	foreign = w.Give(t, w.Another(t, "sailor", casetest.Card()), casetest.Held{Register: crew, Ordinal: 13, Items: map[string]string{"scope": "full"}})
	return w, full, limited, foreign
}

const crew = "kyumei-teishu.mlit"

// TestWhichEntry: who holds several entries of a register says which one a procedure is about, in every language.
func TestWhichEntry(t *testing.T) {
	w, full, limited, foreign := crewed(t)
	v := w.nurse(t)
	const start = "/procedures/" + crew + "/reissue/start"
	page := v.get(start).want(200, "どの登録についての手続ですか", "限定救命艇手（膨脹式救命いかだ）", `value="`+full.String()+`"`, `value="`+limited.String()+`"`,
		"11", "12", "2024年（令和6年）3月6日 登録").lacks(foreign.String(), "checked", "作りかけ")
	v.get("/en"+start).want(200, "Which entry is this about?", "Certificated Lifeboatman limited to inflatable life rafts")
	v.get("/easy"+start).want(200, "どの", "<ruby>限定救命艇手")
	send := func(token string, more ...string) *answer {
		t.Helper()
		return v.post("/applications", append([]string{"_token", token, "register", crew, "procedure", "reissue"}, more...)...)
	}
	token := page.input("_token")
	send(token).want(422, "どの登録についての手続かを選んでください", `href="#f-entry"`, `id="f-entry"`, `href="/en`+start+`"`, full.String(), limited.String())
	send(token, "entry", foreign.String()).want(404)
	send(token, "entry", "1").want(404)
	if cases, err := w.Desk.List(t.Context(), w.Nurse); err != nil || len(cases) != 0 {
		t.Fatalf("%d cases were begun: %v", len(cases), err)
	}
	begun := send(token, "entry", limited.String()).want(http.StatusSeeOther, "/applications/KTLT-")
	w.isAbout(t, begun, limited)
	send(token, "entry", limited.String()).want(http.StatusSeeOther, begun.To)
	send(uuid.NewString()).want(422, "どの登録についての手続かを選んでください") // the draft does not answer for the choice
	page = v.get(start).want(200, "作りかけの申請書があります", full.String())
	other := send(page.input("_token"), "entry", full.String()).want(http.StatusSeeOther, "/applications/KTLT-")
	w.isAbout(t, other, full)
	if again := send(uuid.NewString(), "entry", limited.String()).want(http.StatusSeeOther); again.To != begun.To {
		t.Errorf("choosing the same entry again led to %s, want %s", again.To, begun.To)
	}
}

// isAbout holds the case to which an answer leads to an entry.
func (w *world) isAbout(t *testing.T, led *answer, entry uuid.UUID) {
	t.Helper()
	v, err := w.Desk.View(t.Context(), w.Nurse, strings.TrimPrefix(led.To, "/applications/"))
	if err != nil || v.Case.EntryID == nil || *v.Case.EntryID != entry {
		t.Errorf("the case is about %v, want %s: %v", v.Case.EntryID, entry, err)
	}
}

// TestAnotherClass: an entry of one class does not keep its holder from applying for another.
func TestAnotherClass(t *testing.T) {
	w := newWorldOver(t, casetest.NewOf(t, casetest.Opened(t, "bases/ship-certificate.yaml")))
	full := w.Give(t, w.Nurse, casetest.Held{Register: crew, Ordinal: 11, Items: map[string]string{"scope": "full"}})
	v := w.nurse(t)
	page := v.get("/procedures/"+crew+"/registration/start").want(200, "すでに次の登録があります", "<li>救命艇手</li>").lacks("すでにこの名簿に登録されています")
	begun := v.post("/applications", "_token", page.input("_token"), "register", crew, "procedure", "registration", "entry", full.String()).want(http.StatusSeeOther)
	if c, err := w.Desk.View(t.Context(), w.Nurse, strings.TrimPrefix(begun.To, "/applications/")); err != nil || c.Case.EntryID != nil {
		t.Errorf("an application for a new entry is about %v: %v", c.Case.EntryID, err)
	}
	page = v.get("/procedures/" + crew + "/reissue/start").want(200).lacks("どの登録") // one entry: nothing to choose
	led := v.post("/applications", "_token", page.input("_token"), "register", crew, "procedure", "reissue").want(http.StatusSeeOther)
	w.isAbout(t, led, full)
}

// TestComingVersionOnThePages: from the day on which a version is valid the pages show it, and cases are pinned to it.
func TestComingVersionOnThePages(t *testing.T) {
	w := newWorldOver(t, casetest.NewOf(t, casetest.Opened(t, "bases/car-mechanic.yaml")))
	const about, only = "/qualifications/jidosha-seibishi", "一級自動車整備士（総合）"
	v := w.visitor(t)
	v.get(about).want(200).lacks(only)
	w.Clock.Set(time.Date(2027, 1, 2, 9, 0, 0, 0, clock.JST))
	v.get(about).want(200, only)
	n := w.nurse(t)
	page := n.get("/procedures/jidosha-seibishi.mlit/registration/start").want(200)
	led := n.post("/applications", "_token", page.input("_token"), "register", "jidosha-seibishi.mlit", "procedure", "registration").want(http.StatusSeeOther)
	c, err := w.Desk.View(t.Context(), w.Nurse, strings.TrimPrefix(led.To, "/applications/"))
	if err != nil || c.Case.DefinitionVersion != "2027-01-01.1" {
		t.Errorf("the case is pinned to %s: %v", c.Case.DefinitionVersion, err)
	}
	n.get(led.To+"/form/grade").want(200, only)
}

// TestRenewalOutsideItsWindow is refused with the day that decides, at the choice of the entry.
func TestRenewalOutsideItsWindow(t *testing.T) {
	w := newWorldOver(t, casetest.NewOf(t, casetest.Opened(t, "bases/ship-licence.yaml")))
	const boats = "kogata-senpaku-sojushi.mlit"
	give := func(ordinal int64, rank string, days int) string {
		return w.Give(t, w.Nurse, casetest.Held{Register: boats, Ordinal: ordinal, Items: map[string]string{"rank": rank}, ValidUntil: w.Today().AddDays(days)}).String()
	}
	early, due, late := give(11, "first", 366), give(12, "second", 365), give(13, "special", -1)
	v := w.nurse(t)
	page := v.get("/procedures/"+boats+"/renewal/start").want(200, "一級小型船舶操縦士", "2027年（令和9年）12月2日まで有効")
	send := func(entry string) *answer {
		t.Helper()
		return v.post("/applications", "_token", page.input("_token"), "register", boats, "procedure", "renewal", "entry", entry)
	}
	send(early).want(422, "更新を受け付けるのは2026年（令和8年）12月2日からです", `href="#f-entry"`, `value="`+early+`" checked`)
	send(late).want(422, "更新を受け付けるのは2026年（令和8年）11月30日まででした", `href="#f-entry"`, `value="`+late+`" checked`)
	w.isAbout(t, send(due).want(http.StatusSeeOther, "/applications/"), uuid.MustParse(due))
}
