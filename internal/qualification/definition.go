// Package qualification holds what the 84 qualifications are: definitions kept as YAML files under qualifications/, one
// each, validated when the program starts and pinned by version to every application made under them. Nothing else in
// the program knows a qualification by name; a new one is a new file.
//
// This file has the shapes that the later stages read. A Definition is immutable after Load: share it freely between
// goroutines.
package qualification

import (
	"strings"
	"time"

	"akashi/internal/calendar"
)

// Lang is a language of the portals.
type Lang string

// The three languages. Easy is やさしい日本語 (plain Japanese).
const (
	JA   Lang = "ja"
	EN   Lang = "en"
	Easy Lang = "easy"
)

// Langs lists the languages in the order in which the portals offer them.
var Langs = []Lang{JA, EN, Easy}

// Text is one wording in the three languages. The plain Japanese one may carry readings as {漢字|かんじ}.
type Text struct {
	JA   string `yaml:"ja" json:"ja"`
	EN   string `yaml:"en" json:"en"`
	Easy string `yaml:"easy" json:"easy"`
}

// In returns the wording in a language without readings, Japanese for an unknown language.
func (t Text) In(l Lang) string { return withoutReadings(t.Marked(l)) }

// Marked returns the wording in a language with its readings, {漢字|かんじ}, for pages that draw them above the word.
func (t Text) Marked(l Lang) string {
	switch l {
	case EN:
		return t.EN
	case Easy:
		return t.Easy
	}
	return t.JA
}

// withoutReadings keeps the word of each {word|reading}; other braces stay as they are.
func withoutReadings(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		inside, after, closed := strings.Cut(rest, "}")
		word, _, marked := strings.Cut(inside, "|")
		if !closed || !marked {
			b.WriteByte('{')
			s = rest
			continue
		}
		b.WriteString(word)
		s = after
	}
}

// Confidence says how far a fact has been checked.
type Confidence string

// The confidences: read in the named source; general knowledge, not checked; not found.
const (
	Confirmed  Confidence = "confirmed"
	Unverified Confidence = "unverified"
	Unknown    Confidence = "unknown"
)

// Fact is a source and how far it was checked, carried by everything that matters (fee, legal basis, deadline).
type Fact struct {
	Source     string     `json:"source"` // law and article, or address of the page that was read
	Confidence Confidence `json:"confidence"`
	Note       string     `json:"note,omitempty"` // what a reader of the fact must know
}

// Definition is one version of one qualification. The json names are those of the YAML format (qualifications/FORMAT.md).
type Definition struct {
	ID        string        `json:"id"`      // stable and readable, e.g. "kangoshi"; a name is never a key
	Row       int           `json:"row"`     // number in the policy's table of 84 (共通化推進方針 別紙), 1 to 84; more for a qualification that the table does not have
	Code      string        `json:"code"`    // two characters; with the registrar's code those of a register
	Version   string        `json:"version"` // e.g. "2026-04-01.1"; the pair (ID, Version) is pinned to an application
	ValidFrom calendar.Date `json:"valid_from"`
	SHA256    string        `json:"-"` // lower-case hexadecimal digest of Resolved()
	Source    []byte        `json:"-"` // the file as its author wrote it

	Name       Text            `json:"name"`
	Kana       string          `json:"kana"`
	Ministry   Text            `json:"ministry"`
	Kind       string          `json:"kind"` // licence | registration | designation | examination | course | skill
	LegalBasis Text            `json:"legal_basis"`
	LegalFact  Fact            `json:"legal_fact"`
	NumberAct  string          `json:"number_act,omitempty"` // year of the amendment of the Number Act that lists it, "" when none does
	Terms      map[string]Text `json:"terms,omitempty"`      // words that the texts use as {word}

	Keeper           Statement   `json:"keeper"`                     // who keeps the register, as the law says
	Forwarding       *Forwarding `json:"forwarding,omitempty"`       // through whom paper goes
	OnPaper          *Statement  `json:"on_paper,omitempty"`         // how to apply on paper, where the registrar's usual way is not meant
	Disqualification *Statement  `json:"disqualification,omitempty"` // grounds for refusal
	Reports          []Report    `json:"reports,omitempty"`          // periodic duties of the holder
	Elsewhere        []Elsewhere `json:"elsewhere,omitempty"`        // procedures that stay on paper or with another body
	Rollout          Rollout     `json:"rollout"`                    // of the real system

	// LegalOriginalFrom is the day from which the digital credential is the legal original, zero until an act sets it.
	LegalOriginalFrom calendar.Date `json:"legal_original_from,omitzero"`

	Items      []Item            `json:"items"`              // what an entry holds, in the order of the law
	Classes    *Classes          `json:"classes,omitempty"`  // nil: a person has one living entry in a register
	Number     NumberRule        `json:"number"`             // how registration numbers are formed
	Validity   *Validity         `json:"validity,omitempty"` // nil when an entry never expires
	Base       []string          `json:"base,omitempty"`     // qualifications one of which must be held already
	BaseText   Text              `json:"base_text,omitzero"` // entitlement in words, when it is more than that
	BaseFact   Fact              `json:"base_fact,omitzero"` // of BaseText
	Procedures []Procedure       `json:"procedures"`         // what may be applied for
	Credential Credential        `json:"credential"`         // how an entry becomes a digital credential
	Offers     map[string]Offer  `json:"offers"`             // by procedure: since when it is open, unless a register says otherwise
	Patterns   []RegisterPattern `json:"registers"`          // which registrars keep registers of it

	// Registers is Patterns expanded over the registrars, ordered by id: nil in a stored definition, whose registrars are
	// not known any more.
	Registers []Register `json:"-"`

	resolved  []byte // canonical JSON, the bytes under SHA256
	kanaOrder string // of Kana
}

// Resolved returns the whole definition with its bases merged in, as canonical JSON (keys sorted, no spaces): the bytes
// that are stored with the applications made under it and that ParsePinned reads back. Do not change them.
func (d *Definition) Resolved() []byte { return d.resolved }

// Procedure returns the procedure with the id, or nil.
func (d *Definition) Procedure(id string) *Procedure {
	for i := range d.Procedures {
		if d.Procedures[i].ID == id {
			return &d.Procedures[i]
		}
	}
	return nil
}

// Item returns the item with the id, or nil.
func (d *Definition) Item(id string) *Item {
	for i := range d.Items {
		if d.Items[i].ID == id {
			return &d.Items[i]
		}
	}
	return nil
}

// Item is one particular that an entry holds.
type Item struct {
	ID      string    `json:"id"`   // e.g. "name", "birth_date", "domicile", "sex", "exam_passed_on"
	Kind    FieldKind `json:"kind"` // what its value is; the same as that of the fields that write it
	Label   Text      `json:"label"`
	Fact    Fact      `json:"fact"`
	Options []Option  `json:"options,omitempty"` // the values it can have, e.g. the grades and the trades of 技能士
}

// NumberRule forms registration numbers from a counter without gaps.
type NumberRule struct {
	Series string `json:"series"` // counter row; one per register unless the definition says otherwise
	Format string `json:"format"` // fmt verb for the counter, e.g. "%d", "%06d", or with a prefix "第%d号"
	First  int64  `json:"first"`  // the first number handed out by this platform in a new register
	Fact   Fact   `json:"fact"`
}

// Validity is how long an entry lasts and when it can be renewed.
type Validity struct {
	Months       Amount `json:"months"`                  // a number, or CEL over the items of the entry; 0: this class has no term
	OpensBefore  int    `json:"opens_before,omitempty"`  // days before the end from which a renewal is taken
	ClosesBefore int    `json:"closes_before,omitempty"` // days before the end up to which it is taken
	Fact         Fact   `json:"fact"`
}

// Statement is a sentence of the law in our words, and where it was read.
type Statement struct {
	Text Text `json:"text"`
	Fact Fact `json:"fact"`
}

// Forwarding says through whom paper goes (経由), and when that ends.
type Forwarding struct {
	Text   Text          `json:"text"`
	EndsOn calendar.Date `json:"ends_on,omitzero"`
	Fact   Fact          `json:"fact"`
}

// OnPaper says how a procedure is done on paper, or, with None, that it is not, and what there is instead.
type OnPaper struct {
	Text Text `json:"text"`
	None bool `json:"none,omitempty"`
	Fact Fact `json:"fact"`
}

// Paper returns how a procedure is done on paper at a registrar: what the procedure says itself, what the definition says of all of its
// own, or the registrar's usual way, which has no fact here. Nobody links an entry to a card on paper, so that there is no text then.
func (d *Definition) Paper(p *Procedure, g *Registrar) OnPaper {
	switch {
	case p.OnPaper != nil:
		return *p.OnPaper
	case p.Effect == EffectLink:
		return OnPaper{None: true}
	case d.OnPaper != nil:
		return OnPaper{Text: d.OnPaper.Text, Fact: d.OnPaper.Fact}
	case g == nil:
		return OnPaper{}
	}
	return OnPaper{Text: g.PaperWay}
}

// Report is a periodic duty of a holder, such as the notice of nurses at work every two years.
type Report struct {
	ID          string `json:"id"`
	Text        Text   `json:"text"`
	EveryMonths int    `json:"every_months"`
	Fact        Fact   `json:"fact"`
}

// Elsewhere is a procedure that the law knows and this platform does not take.
type Elsewhere struct {
	ID       string `json:"id"`
	Name     Text   `json:"name"`
	Where    Text   `json:"where"` // where and how
	Deadline Text   `json:"deadline,omitzero"`
	Fact     Fact   `json:"fact"`
}

// Rollout is how far the real system is with a qualification.
type Rollout struct {
	Status     string        `json:"status"`                // in_use | planned
	FiscalYear int           `json:"fiscal_year,omitempty"` // 0 when the source does not say
	LiveFrom   calendar.Date `json:"live_from,omitzero"`
	Fact       Fact          `json:"fact"`
}

// Classes says which items make the class of an entry: a person may hold one living entry of each class.
type Classes struct {
	Items []string `json:"items"`
	Fact  Fact     `json:"fact"`
}

// Class returns the class of an entry with the items: the values joined by "/", "" when the qualification has no classes.
func (d *Definition) Class(items map[string]string) string {
	if d.Classes == nil {
		return ""
	}
	return d.Classes.of(items)
}

// Class is Definition.Class for the items that an application for the procedure writes.
func (p *Procedure) Class(items map[string]string) string {
	if p.classes == nil {
		return ""
	}
	return p.classes.of(items)
}

func (c *Classes) of(items map[string]string) string {
	values := make([]string, len(c.Items))
	for i, id := range c.Items {
		values[i] = items[id]
	}
	return strings.Join(values, "/")
}

// Effect is what an approved application does to the register.
type Effect string

// The effects.
const (
	EffectRegister Effect = "register" // a new entry with a number
	EffectChange   Effect = "change"   // items of the entry change
	EffectRenew    Effect = "renew"    // the term of the entry is counted anew; items may change
	EffectReport   Effect = "report"   // nothing changes; the report stands in the history of the entry
	EffectReissue  Effect = "reissue"  // a new credential version; earlier ones become invalid
	EffectCancel   Effect = "cancel"   // the entry is cancelled
	EffectLink     Effect = "link"     // an existing entry is tied to the verified person
)

// Procedure is one kind of act that an applicant can ask for.
type Procedure struct {
	ID           string      `json:"id"` // registration | change | reissue | cancellation | linking
	Name         Text        `json:"name"`
	Effect       Effect      `json:"effect"`
	Who          Text        `json:"who"` // who can apply
	Need         []Text      `json:"need"`
	Declaration  Text        `json:"declaration"`   // exact text that is declared and signed
	StandardDays int         `json:"standard_days"` // standard processing time in business days
	StandardFact Fact        `json:"standard_fact"`
	Deadline     Text        `json:"deadline,omitzero"` // statutory limit for the applicant, empty when there is none
	DeadlineFact Fact        `json:"deadline_fact,omitzero"`
	OnPaper      *OnPaper    `json:"on_paper,omitempty"` // nil: as the definition or the registrar says
	Groups       []Group     `json:"groups"`             // pages of the form, in order
	Evidence     []Evidence  `json:"evidence,omitempty"` // documents
	Passer       *Passer     `json:"passer,omitempty"`   // how the answers find a passer of an examination
	Checks       []Check     `json:"checks"`             // machine and human checks of the review
	Reasons      []Reason    `json:"reasons"`            // coded reasons for corrections and rejection
	Inquiries    []string    `json:"inquiries"`          // "resident", "family": which registries are asked
	Channels     []string    `json:"channels"`           // "online", "counter"
	Fees         []Fee       `json:"fees"`               // see FeeLines
	FeesFact     Fact        `json:"fees_fact,omitzero"` // that nothing is due, when Fees is empty
	Routes       []RouteRule `json:"routes"`             // see RouteFor

	classes *Classes // of the definition
}

// Group returns the group with the id, or nil.
func (p *Procedure) Group(id string) *Group {
	for i := range p.Groups {
		if p.Groups[i].ID == id {
			return &p.Groups[i]
		}
	}
	return nil
}

// Field returns the field with the id, or nil.
func (p *Procedure) Field(id string) *Field {
	for i := range p.Groups {
		for j := range p.Groups[i].Fields {
			if p.Groups[i].Fields[j].ID == id {
				return &p.Groups[i].Fields[j]
			}
		}
	}
	return nil
}

// Reason returns the reason with the code, or nil.
func (p *Procedure) Reason(code string) *Reason {
	for i := range p.Reasons {
		if p.Reasons[i].Code == code {
			return &p.Reasons[i]
		}
	}
	return nil
}

// Group is one page of the form: one question or a few that belong together.
type Group struct {
	ID     string      `json:"id"`
	Title  Text        `json:"title"`
	Lead   Text        `json:"lead,omitzero"`
	When   string      `json:"when,omitempty"` // CEL: the page is asked when it is true; empty means always
	Fields []Field     `json:"fields"`
	Rules  []GroupRule `json:"rules,omitempty"` // what the answers of the page must fulfil together

	when *expression
}

// GroupRule is a condition on the answers of a page and those before it, e.g. that one of two boxes is ticked.
type GroupRule struct {
	ID      string `json:"id"`
	Must    string `json:"must"`  // CEL: true when the answers are in order
	Field   string `json:"field"` // where the problem is shown
	Message Text   `json:"message"`

	must *expression
}

// Passer says which answers identify a passer of an examination. The list of passers comes from the examination body.
type Passer struct {
	Examination string            `json:"examination"` // id of the list of passers
	Fields      map[string]string `json:"fields"`      // particular of the list (passed_on, place, number, name, birth_date) to field id
}

// FieldKind decides the input, its normalisation and its validation.
type FieldKind string

// The field kinds. In parentheses the inputs of a field with id "x", which are also the keys of its values.
const (
	KindText       FieldKind = "text"       // (x) free text, one line
	KindTextArea   FieldKind = "textarea"   // (x) free text
	KindName       FieldKind = "name"       // (x.family x.given, and x.single = "yes" when the name has one part) legal name, kanji never normalised
	KindKana       FieldKind = "kana"       // (x.family x.given x.single) reading, stored as full-width katakana
	KindRoman      FieldKind = "roman"      // (x.family x.given x.single) ASCII letters, stored in upper case
	KindDate       FieldKind = "date"       // inputs (x.era x.year x.month x.day), value (x) as ISO 8601
	KindYearMonth  FieldKind = "yearmonth"  // inputs (x.era x.year x.month), value (x) as "2026-02"
	KindSelect     FieldKind = "select"     // (x) one of Options
	KindRadio      FieldKind = "radio"      // (x) one of Options
	KindCheckbox   FieldKind = "checkbox"   // (x) "yes" or ""
	KindPrefecture FieldKind = "prefecture" // (x) two digits of JIS X 0401, or "99" for a nationality outside Japan
	KindNumber     FieldKind = "number"     // (x) digits, stored half-width
	KindTel        FieldKind = "tel"        // (x) digits
	KindEmail      FieldKind = "email"      // (x)
	KindPostcode   FieldKind = "postcode"   // (x) seven digits
	KindAddress    FieldKind = "address"    // (x) one block of text, from the prefecture on
	KindRegNumber  FieldKind = "regnumber"  // (x) registration number; 第, 号 and spaces are dropped
)

// Field is one question.
type Field struct {
	ID       string    `json:"id"`
	Kind     FieldKind `json:"kind"`
	Label    Text      `json:"label"`
	Hint     Text      `json:"hint,omitzero"`
	Empty    Text      `json:"empty,omitzero"` // what to say when nothing was given; needed where the label is a question
	Required bool      `json:"required,omitempty"`
	Options  []Option  `json:"options,omitempty"`  // of a select or radio; those of Item when empty
	Prefill  string    `json:"prefill,omitempty"`  // "resident.name", "resident.kana", "resident.birth_date", "resident.sex", "resident.address", "entry.<item>", "entry.number", "entry.registered_on" or ""
	Fixed    bool      `json:"fixed,omitempty"`    // an official value: shown as text, taken from Prefill, never typed
	Item     string    `json:"item,omitempty"`     // the register item that an approval writes; "" when none
	Max      int       `json:"max,omitempty"`      // user-perceived characters; 0 means the kind's own limit
	Past     bool      `json:"past,omitempty"`     // a date or month that cannot lie after today
	Domestic bool      `json:"domestic,omitempty"` // a prefecture in Japan: "99" is refused
	When     string    `json:"when,omitempty"`     // CEL: the field is asked when it is true; empty means always

	when *expression
}

// Option is one choice of a select or radio field.
type Option struct {
	Value string `json:"value"`
	Label Text   `json:"label"`
}

// Evidence is one document.
type Evidence struct {
	ID       string `json:"id"`
	Label    Text   `json:"label"`
	Hint     Text   `json:"hint,omitzero"`
	Fact     Fact   `json:"fact"`
	Required bool   `json:"required,omitempty"` // must be uploaded whenever it is asked
	Replaces string `json:"replaces,omitempty"` // "resident" or "family": asked only when that inquiry has no usable answer
	MaxFiles int    `json:"max_files"`
	When     string `json:"when,omitempty"` // CEL: the document is asked when it is true; empty means always

	when *expression
}

// FeeKind separates lines of different legal nature and refund rules.
type FeeKind string

// The kinds of fee line: 登録免許税 (a national tax, 登録免許税法) and 手数料 (a fee for a service).
const (
	FeeTax FeeKind = "tax"
	FeeFee FeeKind = "fee"
)

// FeeLine is one amount to be paid.
type FeeLine struct {
	ID        string  `json:"id"`
	Kind      FeeKind `json:"kind"`
	Label     Text    `json:"-"`
	Amount    int64   `json:"amount"` // yen
	Collector string  `json:"collector"`
	Fact      Fact    `json:"-"`
}

// Fee is one amount of a procedure: what it is, who collects it, and the rules that give the yen.
type Fee struct {
	ID         string    `json:"id"`
	Kind       FeeKind   `json:"kind"`
	Label      Text      `json:"label"`
	Collector  string    `json:"collector"`            // "treasury" (国庫), "registrar" (whoever keeps the register) or the id of a registrar
	Registrars []string  `json:"registrars,omitempty"` // the fee exists only there; empty means everywhere
	Rules      []FeeRule `json:"rules"`                // the first that applies decides; the last applies always
}

// FeeRule gives the yen for some cases. Dates are those of the filing, both included.
type FeeRule struct {
	Registrars []string      `json:"registrars,omitempty"`
	Channels   []string      `json:"channels,omitempty"`
	From       calendar.Date `json:"from,omitzero"`
	Until      calendar.Date `json:"until,omitzero"`
	When       string        `json:"when,omitempty"` // CEL
	Amount     Amount        `json:"amount"`         // yen; 0: nothing is due; absent when Fact is unknown
	Fact       Fact          `json:"fact"`

	when *expression
}

// RouteRule is a route that some cases take. Dates are those of the filing, both included.
type RouteRule struct {
	ID         string        `json:"id"`
	Registrars []string      `json:"registrars,omitempty"`
	Channels   []string      `json:"channels,omitempty"`
	From       calendar.Date `json:"from,omitzero"`
	Until      calendar.Date `json:"until,omitzero"`
	When       string        `json:"when,omitempty"` // CEL
	Steps      []Route       `json:"steps"`
	Fact       Fact          `json:"fact"`

	// ForwardSwitch marks the direct way of a procedure that goes through a forwarding body otherwise. It is open for a
	// case when Facts.Direct names the body that the first later route would go through.
	ForwardSwitch bool `json:"forward_switch,omitempty"`

	when *expression
}

// Check is one line of the review's list.
type Check struct {
	ID       string `json:"id"`
	Machine  string `json:"machine,omitempty"` // "signature" | "resident" | "family" | "passer" | "payment" | "evidence" | "entry" | "base" | "" for a human-only check
	Label    Text   `json:"label"`
	Evidence string `json:"evidence,omitempty"` // id of the document to look at, "" when none
	Required bool   `json:"required,omitempty"` // must be settled before a proposal to approve
}

// Reason is a coded ground for a correction request or a rejection.
type Reason struct {
	Code    string `json:"id"`
	Label   Text   `json:"label"`
	Item    string `json:"item,omitempty"`    // field or evidence it is about; "" when it is about the whole
	Correct bool   `json:"correct,omitempty"` // may be put right by a correction
	Reject  bool   `json:"reject,omitempty"`  // may end in a rejection
}

// Credential says which facts a digital credential shows.
type Credential struct {
	Title    Text              `json:"title"`           // 資格名称; {item.<id>} stands for the item's value in words, see TitleFor
	Issuer   Text              `json:"issuer,omitzero"` // 交付者名; empty means the head of the registrar
	TypeCode string            `json:"type_code"`       // 種別コード
	Fields   map[string]string `json:"fields"`          // key of the credential (CN, UN, ...) to its source, see CredentialFields
	Fact     Fact              `json:"fact"`
}

// Route is one step of a case: who does what.
type Route struct {
	Step string `json:"step"` // intake | forward | review | approval
	Body string `json:"body"` // "registrar", the id of a body, or "= " and CEL; RouteFor returns a registrar or forwarding body id
	Role string `json:"role"` // role that the person must hold there

	body *expression
}

// Answers is a form's content. Raw keeps what was typed, by input name, valid or not; Values what it means, by value key.
type Answers struct {
	Raw    map[string]string `json:"raw"`
	Values map[string]string `json:"values"`
}

// Problem is one thing to put right, with the input it belongs to.
type Problem struct {
	Input   string // input name, e.g. "name.family"; for a date its first wrong part
	Field   string // field id
	Message Text   // what to do, the same words in the summary and beside the field
}

// Facts is what conditions and fees may look at. It is the CEL environment: answers, registrar, channel, date, resident.
type Facts struct {
	Answers   map[string]string
	Registrar string
	Channel   string // online | counter
	On        time.Time
	Resident  map[string]string // class of the answer and its particulars, empty before it was asked
	Family    map[string]string
	Direct    []string // forwarding bodies past which this procedure goes directly on the day of filing

	// Official holds what the card said at login and what the register says, by prefill key ("resident.name",
	// "entry.number"): the values of fixed fields and the first values of prefilled ones.
	Official map[string]string
}
