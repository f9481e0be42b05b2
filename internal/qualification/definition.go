// Package qualification holds what the 84 qualifications are: definitions kept as YAML files under qualifications/, one
// each, validated when the program starts and pinned by version to every application made under them. Nothing else in
// the program knows a qualification by name; a new one is a new file.
//
// This file has the shapes that the later stages read. A Definition is immutable after Load: share it freely between
// goroutines.
package qualification

import (
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

// Text is one wording in the three languages.
type Text struct {
	JA   string `yaml:"ja"`
	EN   string `yaml:"en"`
	Easy string `yaml:"easy"`
}

// In returns the wording in a language, Japanese for an unknown one.
func (t Text) In(l Lang) string {
	switch l {
	case EN:
		return t.EN
	case Easy:
		return t.Easy
	}
	return t.JA
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
	Source     string
	Confidence Confidence
}

// Definition is one version of one qualification.
type Definition struct {
	ID         string // stable and readable, e.g. "kangoshi"; a name is never a key
	Version    string // e.g. "2026-04-01.1"; the pair (ID, Version) is pinned to an application
	SHA256     string // lower-case hexadecimal digest of the resolved definition
	Source     []byte // the file as its author wrote it
	Name       Text
	Kana       string
	Ministry   Text
	Kind       string // licence | registration | designation | examination | course
	LegalBasis Text
	LegalFact  Fact

	Items      []Item      // what an entry holds, in the order of the law
	Number     NumberRule  // how registration numbers are formed
	Procedures []Procedure // what may be applied for
	Credential Credential  // how an entry becomes a digital credential
	Registers  []Register  // who keeps a register of it
}

// Procedure returns the procedure with the id, or nil.
func (d *Definition) Procedure(id string) *Procedure {
	for i := range d.Procedures {
		if d.Procedures[i].ID == id {
			return &d.Procedures[i]
		}
	}
	return nil
}

// Item is one particular that an entry holds.
type Item struct {
	ID    string // e.g. "name", "birth_date", "domicile", "sex", "exam_passed_on"
	Label Text
	Fact  Fact
}

// NumberRule forms registration numbers from a counter without gaps.
type NumberRule struct {
	Series string // counter row; one per register unless the definition says otherwise
	Format string // fmt verb for the counter, e.g. "%d", "%06d", or with a prefix "第%d号"
	First  int64  // the first number handed out by this platform in a new register
}

// Effect is what an approved application does to the register.
type Effect string

// The effects.
const (
	EffectRegister Effect = "register" // a new entry with a number
	EffectChange   Effect = "change"   // items of the entry change
	EffectReissue  Effect = "reissue"  // a new credential version; earlier ones become invalid
	EffectCancel   Effect = "cancel"   // the entry is cancelled
	EffectLink     Effect = "link"     // an existing entry is tied to the verified person
)

// Procedure is one kind of act that an applicant can ask for.
type Procedure struct {
	ID           string // registration | change | reissue | cancellation | linking
	Name         Text
	Effect       Effect
	Who          Text // who can apply
	Need         []Text
	Declaration  Text // exact text that is declared and signed
	StandardDays int  // standard processing time in business days
	Deadline     Text // statutory limit for the applicant, empty when there is none
	DeadlineFact Fact
	Groups       []Group    // pages of the form, in order
	Evidence     []Evidence // documents
	Checks       []Check    // machine and human checks of the review
	Reasons      []Reason   // coded reasons for corrections and rejection
	Inquiries    []string   // "resident", "family": which registries are asked
	Channels     []string   // "online", "counter"
}

// Group is one page of the form: one question or a few that belong together.
type Group struct {
	ID     string
	Title  Text
	Lead   Text
	Fields []Field
	when *expression // compiled condition under which it is asked; nil means always
}

// FieldKind decides the input, its normalisation and its validation.
type FieldKind string

// The field kinds. In parentheses the inputs of a field with id "x", which are also the keys of its values.
const (
	KindText       FieldKind = "text"       // (x) free text, one line
	KindTextArea   FieldKind = "textarea"   // (x) free text
	KindName       FieldKind = "name"       // (x.family x.given) legal name, kanji never normalised
	KindKana       FieldKind = "kana"       // (x.family x.given) reading, stored as full-width katakana
	KindRoman      FieldKind = "roman"      // (x.family x.given) ASCII letters, stored in upper case
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
	ID       string
	Kind     FieldKind
	Label    Text
	Hint     Text
	Required bool
	Options  []Option
	Prefill  string // "resident.name", "resident.kana", "resident.birth_date", "resident.sex", "resident.address", "entry.<item>" or ""
	Fixed    bool   // an official value: shown as text, taken from Prefill, never typed
	Item     string // the register item that an approval writes; "" when none
	Max      int    // user-perceived characters; 0 means the kind's own limit
	when *expression // compiled condition under which it is asked; nil means always
}

// Option is one choice of a select or radio field.
type Option struct {
	Value string
	Label Text
}

// Evidence is one document.
type Evidence struct {
	ID       string
	Label    Text
	Hint     Text
	Fact     Fact
	Required bool   // always to be uploaded
	Replaces string // "resident" or "family": asked only when that inquiry has no usable answer
	MaxFiles int
	when *expression // compiled condition under which it is asked; nil means always
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

// Check is one line of the review's list.
type Check struct {
	ID       string
	Machine  string // "signature" | "resident" | "family" | "passer" | "payment" | "evidence" | "entry" | "" for a human-only check
	Label    Text
	Evidence string // id of the document to look at, "" when none
	Required bool   // must be settled before a proposal to approve
}

// Reason is a coded ground for a correction request or a rejection.
type Reason struct {
	Code    string
	Label   Text
	Item    string // field or evidence it is about; "" when it is about the whole
	Correct bool   // may be put right by a correction
	Reject  bool   // may end in a rejection
}

// Credential says which facts a digital credential shows.
type Credential struct {
	Title    Text              // 資格名称
	Issuer   Text              // 交付者名, e.g. 厚生労働大臣
	TypeCode string            // 種別コード
	Fields   map[string]string // key of the credential (CN, UN, ...) to register item or constant
}

// Route is one step of a case: who does what.
type Route struct {
	Step string // intake | review | approval
	Body string // registrar or forwarding body id
	Role string // role that the person must hold there
}

// Register is one register: a qualification at a registrar.
type Register struct {
	ID            string // "<qualification>.<registrar>", e.g. "kangoshi.mhlw"
	Code          string // four characters [A-Z0-9]; every public id of the register begins with it
	Qualification string
	Registrar     string
	OpensOn       calendar.Date
	Rollout       string // open | planned | closed
	Procedures    map[string]Offer
}

// Offer says since when a procedure is open at one register, by channel.
type Offer struct {
	Online  calendar.Date // zero: not offered
	Counter calendar.Date
}

// Registrar is a body that keeps registers: the tenant.
type Registrar struct {
	ID       string // e.g. "mhlw", "sssc", "pref-41"
	Name     Text
	Kind     string // ministry | designated | prefecture | federation
	LGCode   string // 全国地方公共団体コード with its check digit, for local governments
	Parent   string // the ministry that designated it, "" when none
	Contact  Text
	PaperWay Text // how to file on paper
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
}
