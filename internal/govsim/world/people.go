package world

import (
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/family"
	"akashi/internal/govsim/resident"
)

// Secrets of every card. They protect nobody: the pages of the simulator tell them.
const (
	PIN      = "1234"
	Password = "SIGN1234"
)

// Person is one invented person. Names like 見本 (specimen) and 例示 (example) and the town 見本町 say that nobody is meant.
type Person struct {
	ID                 string // of the card
	Label              string // what the person was invented for, shown in the simulator's list of cards
	Name, Kana         string // as in the registries; a full-width space divides the parts
	Card, Alt          string // as in the signing certificate, where characters had to be replaced, and which; empty: as Name
	FormerName         string // before a change that the family register has
	FormerKana         string
	BirthDate          string // YYYY-MM-DD
	Sex                string // 1 male, 2 female
	Address            string
	Prefecture, City   string // in Roman letters, as certificates have them
	State              resident.State
	Changes            []resident.Change
	Protected, Revoked bool
	Variant            string // rule that the signing certificate breaks
	Class              family.Class
	Domiciles          []family.Domicile // none: no family register in Japan
}

// at is a domicile that never changed, and its only one.
func at(code, name string) []family.Domicile {
	return []family.Domicile{{Prefecture: code, Name: name}}
}

// People returns everybody, the nurse of the story first.
func People() []Person { return settled(append(applicants(), holders()...)) }

// settled fills in what is so for most people.
func settled(all []Person) []Person {
	for i := range all {
		if all[i].State == "" {
			all[i].State = resident.Alive
		}
		if all[i].Class == "" {
			all[i].Class = family.Determined
		}
	}
	return all
}

// applicants have passed an examination and are in no register yet.
func applicants() []Person {
	return []Person{
		{ID: "hanako", Label: "看護師国家試験に合格した人", Name: "見本　花子", Kana: "ミホン　ハナコ", BirthDate: "2003-04-12", Sex: "2",
			Address: "東京都千代田区見本町一丁目1番1号", Prefecture: "Tokyo-to", City: "Chiyoda-ku", Domiciles: at("13", "東京都")},
		{ID: "mirai", Label: "戸籍の順序が判定できない人", Name: "例示　未来", Kana: "レイジ　ミライ", BirthDate: "2002-08-20", Sex: "2",
			Address: "佐賀県佐賀市見本町二丁目3番4号", Prefecture: "Saga-ken", City: "Saga-shi", Class: family.UnknownOrder,
			Domiciles: append(at("41", "佐賀県"), at("01", "北海道")...)},
		{ID: "minoru", Label: "氏名に異体字がある人", Name: "髙﨑　実", Kana: "タカサキ　ミノル", Card: "高崎　実", Alt: "1100", BirthDate: "2001-01-31", Sex: "1",
			Address: "長崎県長崎市見本町5番6号", Prefecture: "Nagasaki-ken", City: "Nagasaki-shi", Domiciles: at("42", "長崎県")},
		{ID: "reiko", Label: "氏名に異体字セレクタがある人", Name: "葛\U000E0100城　例子", Kana: "カツラギ　レイコ", Card: "葛城　例子", Alt: "10000",
			BirthDate: "2003-11-03", Sex: "2", Address: "奈良県奈良市見本町7番8号", Prefecture: "Nara-ken", City: "Nara-shi", Domiciles: at("29", "奈良県")},
		{ID: "maria", Label: "外国籍の人", Name: "ＳＡＭＰＬＥ　ＭＡＲＩＡ", Kana: "サンプル　マリア", BirthDate: "1999-06-15", Sex: "2",
			Address: "大阪府大阪市北区見本町9番10号", Prefecture: "Osaka-fu", City: "Osaka-shi Kita-ku"},
		{ID: "sakura", Label: "署名用電子証明書が失効している人", Name: "試行　桜", Kana: "シコウ　サクラ", BirthDate: "2000-09-09", Sex: "2", Revoked: true,
			Address: "東京都新宿区見本町11番12号", Prefecture: "Tokyo-to", City: "Shinjuku-ku", Domiciles: at("13", "東京都")},
		{ID: "kigen", Label: "署名用電子証明書の期限が切れている人", Name: "期限　切夫", Kana: "キゲン　キリオ", BirthDate: "1995-02-28", Sex: "1", Variant: "expired",
			Address: "東京都港区見本町13番14号", Prefecture: "Tokyo-to", City: "Minato-ku", Domiciles: at("13", "東京都")},
		{ID: "mamoru", Label: "住所を秘匿している人（支援措置）", Name: "守秘　守", Kana: "シュヒ　マモル", BirthDate: "2002-05-05", Sex: "1", Protected: true,
			Address: "東京都品川区見本町15番16号", Prefecture: "Tokyo-to", City: "Shinagawa-ku", Domiciles: at("13", "東京都")},
		{ID: "saga", Label: "准看護師試験に合格した人（佐賀県）", Name: "佐賀　見本子", Kana: "サガ　ミホコ", BirthDate: "2004-07-07", Sex: "2",
			Address: "佐賀県唐津市見本町17番18号", Prefecture: "Saga-ken", City: "Karatsu-shi", Domiciles: at("41", "佐賀県")},
	}
}

// holders are in an old register, and nobody has linked their entries yet.
func holders() []Person {
	return []Person{
		{ID: "fukuko", Label: "登録済みの社会福祉士", Name: "仮名　福子", Kana: "カリナ　フクコ", BirthDate: "1985-03-03", Sex: "2",
			Address: "東京都世田谷区見本町19番20号", Prefecture: "Tokyo-to", City: "Setagaya-ku", Domiciles: at("13", "東京都")},
		{ID: "yuiko", Label: "登録の後に氏が変わった看護師", Name: "例示　結子", FormerName: "見本　結子", FormerKana: "ミホン　ユイコ", Kana: "レイジ　ユイコ", BirthDate: "1988-12-24", Sex: "2",
			Address: "佐賀県鳥栖市見本町21番22号", Prefecture: "Saga-ken", City: "Tosu-shi",
			Changes:   []resident.Change{{On: "2024-05-01", Reason: "婚姻", Before: "見本　結子"}},
			Domiciles: []family.Domicile{{Prefecture: "13", Name: "東京都", From: "1988-12-24"}, {Prefecture: "41", Name: "佐賀県", From: "2024-05-01"}}},
		{ID: "hokuto", Label: "登録済みの准看護師（北海道）", Name: "北海　例斗", Kana: "ホッカイ　レイト", BirthDate: "1979-10-10", Sex: "1",
			Address: "北海道釧路市見本町23番24号", Prefecture: "Hokkaido", City: "Kushiro-shi", Domiciles: at("01", "北海道")},
		{ID: "shoji", Label: "住民票で死亡とされている人", Name: "架空　昭二", Kana: "カクウ　ショウジ", BirthDate: "1948-02-02", Sex: "1", State: resident.Deceased,
			Address: "東京都台東区見本町25番26号", Prefecture: "Tokyo-to", City: "Taito-ku",
			Changes: []resident.Change{{On: "2026-10-10", Reason: "死亡"}}, Domiciles: at("13", "東京都")},
	}
}

// cards returns people's national ID cards.
func cards(people []Person) []ca.Card {
	var all []ca.Card
	for _, p := range people {
		card := ca.Card{ID: p.ID, Label: p.Label, Name: p.Name, Address: p.Address, BirthDate: p.BirthDate, Sex: jpki.Sex(p.Sex),
			Prefecture: p.Prefecture, City: p.City, PIN: PIN, Password: Password, Variant: p.Variant}
		if p.Card != "" {
			card.Name, card.NameAlt, card.FaceName = p.Card, p.Alt, p.Name
		}
		all = append(all, card)
	}
	return all
}

// residents returns people's lines in the resident registry.
func residents(people []Person) []resident.Person {
	var all []resident.Person
	for _, p := range people {
		all = append(all, resident.Person{ID: p.ID, Name: p.Name, Kana: p.Kana, CardNames: p.cardNames(), Address: p.Address,
			BirthDate: p.BirthDate, Sex: p.Sex, State: p.State, Protected: p.Protected, Changes: p.Changes})
	}
	return all
}

// families returns the family registers of those who have one.
func families(people []Person) []family.Person {
	var all []family.Person
	for _, p := range people {
		if len(p.Domiciles) > 0 {
			all = append(all, family.Person{ID: p.ID, CardNames: p.cardNames(), BirthDate: p.BirthDate, Sex: p.Sex, Names: p.names(),
				Domiciles: p.Domiciles, Class: p.Class})
		}
	}
	return all
}

func (p Person) cardNames() []string {
	if p.Card == "" {
		return nil
	}
	return []string{p.Card}
}

// names is the history of the name.
func (p Person) names() []family.NameEntry {
	if p.FormerName == "" {
		return []family.NameEntry{{Name: p.Name, From: p.BirthDate, Reason: "出生"}}
	}
	last := p.Domiciles[len(p.Domiciles)-1]
	return []family.NameEntry{{Name: p.FormerName, From: p.BirthDate, Reason: "出生"}, {Name: p.Name, From: last.From, Reason: "婚姻"}}
}
