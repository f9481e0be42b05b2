package qualification

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"akashi/internal/jtext"
)

// sentences words each kind of trouble: what to do, politely, without blame. {label} is the question; {0}, {1}, {2} are
// the arguments of the code. The style is that of the portals: Japanese ends with してください, nothing is called invalid.
var sentences = map[string]Text{
	jtext.CodeEmpty:       {JA: "{label}を入力してください", EN: "Enter {label}", Easy: "{label}を {書|か}いてください"},
	jtext.CodeNotKana:     {JA: "{label}は、ひらがなかカタカナで入力してください", EN: "Enter {label} in hiragana or katakana", Easy: "{label}は ひらがな か カタカナで {書|か}いてください"},
	jtext.CodeNotDigits:   {JA: "{label}は、数字で入力してください", EN: "Enter {label} in digits", Easy: "{label}は {数字|すうじ}で {書|か}いてください"},
	jtext.CodeNotRoman:    {JA: "{label}は、ローマ字（A〜Z）で入力してください", EN: "Enter {label} in the letters A to Z", Easy: "{label}は ローマ{字|じ}（A〜Z）で {書|か}いてください"},
	jtext.CodeNotEmail:    {JA: "{label}は、「name@example.jp」のような形で入力してください", EN: "Enter {label} in a form like name@example.jp", Easy: "{label}を もういちど {見|み}てください。「name@example.jp」のように {書|か}いてください"},
	jtext.CodeNotTel:      {JA: "{label}は、市外局番から10桁か11桁で入力してください", EN: "Enter {label} with its area code, 10 or 11 digits", Easy: "{label}は 10{個|こ}か 11{個|こ}の {数字|すうじ}で {書|か}いてください"},
	jtext.CodeNotPostcode: {JA: "{label}は、7桁の数字で入力してください", EN: "Enter {label} in 7 digits", Easy: "{label}は 7{個|こ}の {数字|すうじ}で {書|か}いてください"},
	jtext.CodeNoNumber:    {JA: "{label}は、免許証などに書かれた番号を入力してください", EN: "Enter {label} as it is written on your licence", Easy: "{label}は カードや {紙|かみ}に ある {番号|ばんごう}を {書|か}いてください"},
	jtext.CodeTooLong:     {JA: "{label}は{0}文字までで入力してください", EN: "Enter {label} in {0} characters or fewer", Easy: "{label}は {0}{文字|もじ}までで {書|か}いてください"},
	jtext.CodeUnknownEra:  {JA: "{label}の年を確認してください。「令和8」や「2026」のように入力してください", EN: "Check the year of {label}. Enter it like 2026 or R8", Easy: "{label}の {年|ねん}を もういちど {見|み}てください。「2026」のように {書|か}いてください"},
	jtext.CodeEraConflict: {JA: "{label}の元号を確認してください。選んだ元号は{0}、入力した元号は{1}です", EN: "Check the era of {label}. You chose {0} and typed {1}", Easy: "{label}の {年|ねん}を もういちど {見|み}てください。「{0}」と「{1}」の どちらですか"},
	jtext.CodeYearRange:   {JA: "{label}の年を確認してください。{0}年から{1}年までで入力してください", EN: "Check the year of {label}. Enter a year from {0} to {1}", Easy: "{label}の {年|ねん}を もういちど {見|み}てください。{0}{年|ねん}から {1}{年|ねん}までです"},
	jtext.CodeNoSuchMonth: {JA: "{label}の月を確認してください。1から12までの数字で入力してください", EN: "Check the month of {label}. Enter a number from 1 to 12", Easy: "{label}の {月|つき}を もういちど {見|み}てください。1から 12までです"},
	jtext.CodeNoSuchDay:   {JA: "{label}を確認してください。{1}月は{2}日までです", EN: "Check {label}. That month has {2} days", Easy: "{1}{月|がつ}は {2}{日|にち}までです。{label}を もういちど {見|み}てください"},
	jtext.CodeEraBoundary: {JA: "{label}を確認してください。{0}は{1}までです。{2}ではありませんか", EN: "Check {label}. That era ended before this day. In Japanese years the day is {2}", Easy: "{0}は {1}までです。{2}ですか。{label}を もういちど {見|み}てください"},
	jtext.CodeEraStart:    {JA: "{label}を確認してください。{0}は{1}からです。{2}ではありませんか", EN: "Check {label}. That era had not begun on this day. In Japanese years the day is {2}", Easy: "{0}は {1}からです。{2}ですか。{label}を もういちど {見|み}てください"},
	codeNotChosen:         {JA: "{label}を選んでください", EN: "Select {label}", Easy: "{label}を えらんでください"},
	codeNotTicked:         {JA: "「{label}」を確認して、チェックを入れてください", EN: "Read “{label}” and tick the box", Easy: "「{label}」を {読|よ}んで、チェックを {入|い}れてください"},
	codeFuture:            {JA: "{label}は、今日までの日付を入力してください", EN: "Enter {label} no later than today", Easy: "{label}は {今日|きょう}までの {日|ひ}を {書|か}いてください"},
	codeDomestic:          {JA: "{label}は、都道府県を選んでください", EN: "Select a prefecture for {label}", Easy: "{label}は {日本|にほん}の {県|けん}を えらんでください"},
	codeUnreadable:        {JA: "{label}をカードまたは名簿から読み取れませんでした。窓口に相談してください", EN: "We could not read {label} from your card or the register. Please ask at the counter", Easy: "{label}が わかりませんでした。{窓口|まどぐち}で {聞|き}いてください"},
	codeNotReadable:       {JA: "{label}を確認して、もう一度入力してください", EN: "Check {label} and enter it again", Easy: "{label}を もういちど {見|み}て、{書|か}いてください"},
}

// partLabels name the parts of a field behind its label.
var partLabels = map[string]Text{
	"family": {JA: "（姓）", EN: " (family name)", Easy: "（みょうじ）"},
	"given":  {JA: "（名）", EN: " (given name)", Easy: "（{下|した}の {名前|なまえ}）"},
}

var kanaPartLabels = map[string]Text{
	"family": {JA: "（セイ）", EN: " (family name)", Easy: "（みょうじ）"},
	"given":  {JA: "（メイ）", EN: " (given name)", Easy: "（{下|した}の {名前|なまえ}）"},
}

// sentence words a trouble with the field in the three languages.
func (f *Field) sentence(w trouble) Text {
	if f.Empty != (Text{}) && (w.code == jtext.CodeEmpty || w.code == codeNotChosen || w.code == codeNotTicked) {
		return f.Empty
	}
	words, ok := sentences[w.code]
	if !ok {
		words = sentences[codeNotReadable]
	}
	part := partLabels[w.part]
	if f.Kind == KindKana {
		part = kanaPartLabels[w.part]
	}
	return Text{
		JA:   fillIn(words.JA, f.Label.JA+part.JA, w.args),
		EN:   fillIn(words.EN, inSentence(f.Label.EN)+part.EN, w.args),
		Easy: fillIn(words.Easy, f.Label.Easy+part.Easy, w.args),
	}
}

func fillIn(words, label string, args []any) string {
	pairs := []string{"{label}", label}
	for i, a := range args {
		pairs = append(pairs, fmt.Sprintf("{%d}", i), fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(words)
}

// inSentence lowers the first letter of an English label, unless it begins with an abbreviation.
func inSentence(label string) string {
	first, size := utf8.DecodeRuneInString(label)
	second, _ := utf8.DecodeRuneInString(label[size:])
	if unicode.IsUpper(second) {
		return label
	}
	return string(unicode.ToLower(first)) + label[size:]
}
