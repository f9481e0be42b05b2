package qualification

import (
	"sync"

	"akashi/internal/person"
)

// prefectureOptions lists the 47 prefectures by their code (JIS X 0401) and, unless only Japan is meant, the choice for
// people without a family register in Japan. The list is shared and must not be changed.
func prefectureOptions(domestic bool) []Option {
	options := prefectures()
	if domestic {
		return options[: len(options)-1 : len(options)-1]
	}
	return options
}

var prefectures = sync.OnceValue(func() []Option {
	var options []Option
	for i, p := range person.Prefectures() {
		options = append(options, Option{Value: p.Code, Label: Text{JA: p.JA, EN: p.EN, Easy: "{" + p.JA + "|" + prefectureReadings[i] + "}"}})
	}
	return append(options, Option{Value: person.Abroad, Label: Text{JA: "外国籍（日本に本籍がない）", EN: "Nationality other than Japanese", Easy: "{外国|がいこく}の {国籍|こくせき}"}})
})

// prefectureReadings are for plain Japanese, in the order of the codes.
var prefectureReadings = [47]string{
	"ほっかいどう", "あおもりけん", "いわてけん", "みやぎけん", "あきたけん", "やまがたけん", "ふくしまけん", "いばらきけん",
	"とちぎけん", "ぐんまけん", "さいたまけん", "ちばけん", "とうきょうと", "かながわけん", "にいがたけん", "とやまけん",
	"いしかわけん", "ふくいけん", "やまなしけん", "ながのけん", "ぎふけん", "しずおかけん", "あいちけん", "みえけん",
	"しがけん", "きょうとふ", "おおさかふ", "ひょうごけん", "ならけん", "わかやまけん", "とっとりけん", "しまねけん",
	"おかやまけん", "ひろしまけん", "やまぐちけん", "とくしまけん", "かがわけん", "えひめけん", "こうちけん", "ふくおかけん",
	"さがけん", "ながさきけん", "くまもとけん", "おおいたけん", "みやざきけん", "かごしまけん", "おきなわけん",
}
