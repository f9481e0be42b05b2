package qualification

import (
	"fmt"
	"strings"

	"akashi/internal/calendar"
	"akashi/internal/fault"
)

// literalPrefix marks the source of a credential's field that is the text itself.
const literalPrefix = "= "

// credentialSources lists what a field of a credential can be drawn from, besides "item.<id>" and "= <text>".
var credentialSources = []string{
	"credential.title", "credential.issuer", "credential.type_code", "credential.id", "credential.issued_on", "credential.user_code",
	"entry.number", "entry.registered_on", "registrar.name", "definition.id",
}

// CredentialFacts is what the issuer knows when a credential is made.
type CredentialFacts struct {
	Items        map[string]string // of the entry, by item id
	Number       string            // registration number
	RegisteredOn calendar.Date
	IssuedOn     calendar.Date
	CredentialID string     // of this credential (証明書ID); a reissue gets another
	UserCode     string     // 利用者コード: the person as this registrar knows them
	Registrar    *Registrar // who keeps the register
}

// CredentialFields returns the texts of a credential by their two-letter keys: CN 資格名称, UN 氏名, UB 生年月日,
// RN 登録番号, RD 登録年月日, ID 発行年月日, IA 交付機関, IN 交付者名, CI 資格ID, DN 証明書ID, DT 種別コード, UC 利用者コード.
// The keys were read off one real credential (デジタル資格者証); the form of its dates is not known, ours are ISO 8601.
// A source without a value is an error: a credential with a blank in it is never made.
func (d *Definition) CredentialFields(f CredentialFacts) (map[string]string, error) {
	fields := make(map[string]string, len(d.Credential.Fields))
	for key, source := range d.Credential.Fields {
		value := d.credentialValue(source, f)
		if value == "" {
			return nil, fault.Wrap(fault.Invalid, wrong("credential-no-value", key, source), "making a credential of "+d.ID)
		}
		fields[key] = value
	}
	return fields, nil
}

func (d *Definition) credentialValue(source string, f CredentialFacts) string {
	if item, ok := strings.CutPrefix(source, "item."); ok {
		return f.Items[item]
	}
	if text, ok := strings.CutPrefix(source, literalPrefix); ok {
		return text
	}
	switch source {
	case "credential.title":
		return d.TitleFor(f.Items).JA
	case "credential.issuer":
		return d.Issuer(f.Registrar).JA
	case "credential.type_code":
		return d.Credential.TypeCode
	case "credential.id":
		return f.CredentialID
	case "credential.issued_on":
		return f.IssuedOn.String()
	case "credential.user_code":
		return f.UserCode
	case "entry.number":
		return f.Number
	case "entry.registered_on":
		return f.RegisteredOn.String()
	case "registrar.name":
		if f.Registrar != nil {
			return f.Registrar.Name.JA
		}
	case "definition.id":
		return d.ID
	}
	return ""
}

// TitleFor returns the name of what an entry with the items certifies (資格名称), e.g. 1級配管技能士（建築配管作業）: the
// items of the title are put in words. It is empty in a language when one of them has no value.
func (d *Definition) TitleFor(items map[string]string) Text {
	t := d.Credential.Title
	return Text{JA: d.titleIn(t.JA, JA, items), EN: d.titleIn(t.EN, EN, items), Easy: d.titleIn(t.Easy, Easy, items)}
}

func (d *Definition) titleIn(title string, l Lang, items map[string]string) string {
	complete := true
	title = itemPattern.ReplaceAllStringFunc(title, func(found string) string {
		id := itemPattern.FindStringSubmatch(found)[1]
		item := d.Item(id)
		if item == nil || items[id] == "" {
			complete = false
			return ""
		}
		return item.Show(items[id], l)
	})
	if !complete {
		return ""
	}
	return title
}

// Issuer returns in whose name a credential is issued (交付者名): that of the definition, or the head of the registrar.
func (d *Definition) Issuer(g *Registrar) Text {
	if d.Credential.Issuer != (Text{}) || g == nil {
		return d.Credential.Issuer
	}
	return g.Head
}

// ExpiresOn returns the last day of an entry that was made or renewed on a day, zero when it has no term. The term may
// depend on the items of the entry, e.g. on the class of a licence.
func (d *Definition) ExpiresOn(items map[string]string, since calendar.Date) (calendar.Date, error) {
	if d.Validity == nil {
		return calendar.Date{}, nil
	}
	months, err := d.Validity.Months.value(Facts{Answers: items, On: since.Time()})
	if err != nil {
		return calendar.Date{}, fmt.Errorf("working out the term of %s: %w", d.ID, err)
	}
	if months == 0 {
		return calendar.Date{}, nil
	}
	return since.AddMonths(int(months)).AddDays(-1), nil
}
