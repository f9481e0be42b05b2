package preview

import (
	"maps"
	"time"

	"akashi/internal/qualification"
)

// samples are invented values of everything that a form or an entry of the definition can hold.
type samples struct {
	items    map[string]string
	official map[string]string
}

func samplesOf(d *qualification.Definition) samples {
	s := samples{items: map[string]string{}, official: map[string]string{
		"resident.name": "見本　花子", "resident.kana": "ミホン　ハナコ", "resident.birth_date": "1990-04-01", "resident.sex": "2",
		"resident.address": "東京都千代田区霞が関一丁目1番1号", "entry.number": "123456", "entry.registered_on": "2020-04-01",
	}}
	for i := range d.Items {
		item := &d.Items[i]
		s.items[item.ID] = sampleOf(item.Kind, item.Options)
		s.official["entry."+item.ID] = s.items[item.ID]
	}
	return s
}

// facts are those of a person whom the registries know and who has answered everything.
func (s samples) facts(q *qualification.Procedure, on time.Time, registrar string) qualification.Facts {
	answers := map[string]string{}
	for i := range q.Groups {
		for j := range q.Groups[i].Fields {
			maps.Copy(answers, s.answer(&q.Groups[i].Fields[j]))
		}
	}
	return qualification.Facts{Answers: answers, Registrar: registrar, Channel: qualification.ChannelOnline, On: on, Official: s.official,
		Resident: map[string]string{"class": "alive"}, Family: map[string]string{"class": "found"}}
}

// answer gives the values of a field by their keys.
func (s samples) answer(f *qualification.Field) map[string]string {
	keys := f.Keys()
	if len(keys) == 1 {
		value := s.official[f.Prefill]
		if value == "" {
			value = sampleOf(f.Kind, f.Choices())
		}
		return map[string]string{keys[0]: value}
	}
	family, given := "見本", "花子"
	switch f.Kind {
	case qualification.KindKana:
		family, given = "ミホン", "ハナコ"
	case qualification.KindRoman:
		family, given = "MIHON", "HANAKO"
	}
	return map[string]string{keys[0]: family, keys[1]: given}
}

// sampleOf invents a value of a kind: the first choice where there are any.
func sampleOf(kind qualification.FieldKind, options []qualification.Option) string {
	if len(options) > 0 {
		return options[0].Value
	}
	switch kind {
	case qualification.KindName:
		return "見本　花子"
	case qualification.KindKana:
		return "ミホン　ハナコ"
	case qualification.KindRoman:
		return "MIHON　HANAKO"
	case qualification.KindDate:
		return "1990-04-01"
	case qualification.KindYearMonth:
		return "2020-03"
	case qualification.KindCheckbox:
		return "yes"
	case qualification.KindPrefecture:
		return "13"
	case qualification.KindNumber, qualification.KindRegNumber:
		return "123456"
	case qualification.KindTel:
		return "0300000000"
	case qualification.KindEmail:
		return "mihon@example.jp"
	case qualification.KindPostcode:
		return "1000013"
	case qualification.KindAddress:
		return "東京都千代田区霞が関一丁目1番1号"
	case qualification.KindText, qualification.KindTextArea, qualification.KindSelect, qualification.KindRadio:
		return "見本"
	}
	return "見本"
}

// SampleItems invents a value of every item that an entry of the definition can hold.
func SampleItems(d *qualification.Definition) map[string]string { return samplesOf(d).items }
