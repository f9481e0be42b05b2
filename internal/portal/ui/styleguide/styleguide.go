// Package styleguide draws every component of package ui in every state: what the accessibility and screenshot tests
// look at, and where a new component is tried out. It is for development and tests; a portal registers it only when it
// runs as a demonstration.
package styleguide

import (
	"net/http"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
)

// Prefix is where the pages live.
const Prefix = "/_styleguide/"

// Pages lists the pages of the style guide.
func Pages() []string { return []string{"parts", "form", "errors", "lists", "results", "confirmation"} }

// Handler serves the style guide of a site.
func Handler(site *ui.Site) http.Handler {
	return site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		name := r.URL.Path[len(Prefix):]
		p := site.Page(r, "site.sub")
		body := pageNamed(p, name)
		if body == nil {
			return fault.New(fault.NotFound, "", "looking for a page of the style guide")
		}
		p.Title = "Style guide: " + name
		return p.Render(w, body)
	})
}

// pageNamed sets up the frame for a page and returns its content, nil for an unknown name.
func pageNamed(p *ui.Page, name string) templ.Component {
	switch name {
	case "parts":
		p.Crumbs = []ui.Link{{Path: "/", Text: "Akashi"}, {Path: Prefix + "parts", Text: "Style guide"}}
		p.Notices = notices(p)
		return partsPage(p)
	case "form":
		p.Back, p.User, p.Current = "/", "髙橋 花子", "home"
		return formPage(p, formView(nil))
	case "errors":
		p.Back = "/"
		p.Problems = problems()
		p.Status = http.StatusOK
		return formPage(p, formView(p.Problems))
	case "lists":
		p.User, p.Office, p.Current = "佐藤 太郎", "佐賀県 医務課", "help"
		return listsPage(p)
	case "results":
		return resultsPage(p)
	case "confirmation":
		return confirmationPage(p)
	}
	return nil
}

func same(ja, en, easy string) qualification.Text {
	return qualification.Text{JA: ja, EN: en, Easy: easy}
}

func notices(p *ui.Page) []ui.Notice {
	body := p.Text(same("今週の土曜日は、システムの点検のため午後9時からご利用いただけません。", "The service is closed for maintenance from 9 pm this Saturday.", "{土曜日|どようび}の {夜|よる}9{時|じ}から {使|つか}えません。"))
	var out []ui.Notice
	for _, tone := range []ui.Tone{ui.Info, ui.Success, ui.Warning, ui.Danger} {
		out = append(out, ui.Notice{Tone: tone, Title: p.Text(same("ご利用時間について", "Service hours", "{使|つか}える {時間|じかん}")), Body: body,
			Link: ui.Link{Path: "/help", Text: p.R("layout.help")}})
	}
	return out
}

// fields has one field of every kind.
func fields() []qualification.Field {
	sex := []qualification.Option{{Value: "1", Label: same("男", "Male", "{男|おとこ}")}, {Value: "2", Label: same("女", "Female", "{女|おんな}")}}
	return []qualification.Field{
		{ID: "official_name", Kind: qualification.KindName, Fixed: true, Prefill: "resident.name", Label: same("氏名", "Name", "{名前|なまえ}")},
		{ID: "official_birth", Kind: qualification.KindDate, Fixed: true, Label: same("生年月日", "Date of birth", "{生|う}まれた {日|ひ}")},
		{ID: "name", Kind: qualification.KindName, Required: true, Label: same("戸籍に記載の氏名", "Name as in the family register", "{戸籍|こせき}の {名前|なまえ}")},
		{ID: "kana", Kind: qualification.KindKana, Required: true, Label: same("フリガナ", "Reading of the name", "カタカナの {名前|なまえ}")},
		{ID: "roman", Kind: qualification.KindRoman, Label: same("ローマ字氏名", "Name in Roman letters", "ローマ{字|じ}の {名前|なまえ}")},
		{ID: "birth_date", Kind: qualification.KindDate, Required: true, Label: same("生年月日", "Date of birth", "{生|う}まれた {日|ひ}")},
		{ID: "passed", Kind: qualification.KindYearMonth, Required: true, Label: same("試験に合格した年月", "When you passed the examination", "{試験|しけん}に {受|う}かった {月|つき}")},
		{ID: "sex", Kind: qualification.KindRadio, Required: true, Options: sex, Label: same("性別", "Sex", "{男|おとこ}か {女|おんな}か")},
		{ID: "domicile", Kind: qualification.KindPrefecture, Required: true, Label: same("本籍地の都道府県", "Prefecture of the family register", "{本籍|ほんせき}の {都道府県|とどうふけん}")},
		{ID: "postcode", Kind: qualification.KindPostcode, Required: true, Label: same("郵便番号", "Postcode", "{郵便番号|ゆうびんばんごう}")},
		{ID: "address", Kind: qualification.KindAddress, Required: true, Label: same("住所", "Address", "{住所|じゅうしょ}")},
		{ID: "tel", Kind: qualification.KindTel, Required: true, Label: same("電話番号", "Telephone", "{電話番号|でんわばんごう}")},
		{ID: "email", Kind: qualification.KindEmail, Label: same("メールアドレス", "Mail address", "メール")},
		{ID: "number", Kind: qualification.KindRegNumber, Label: same("登録番号", "Registration number", "{登録番号|とうろくばんごう}")},
		{ID: "reason", Kind: qualification.KindSelect, Options: sex, Label: same("申請の理由", "Reason", "どうして")},
		{ID: "remarks", Kind: qualification.KindTextArea, Label: same("備考", "Remarks", "ほかに いいたい こと")},
		{ID: "agree", Kind: qualification.KindCheckbox, Required: true, Label: same("説明を読みました", "I have read the explanation", "{説明|せつめい}を {読|よ}みました")},
	}
}

// problems has one problem for every kind of field that can be wrong.
func problems() []qualification.Problem {
	var out []qualification.Problem
	suffix := map[qualification.FieldKind]string{
		qualification.KindName: ".family", qualification.KindKana: ".given", qualification.KindRoman: ".family",
		qualification.KindDate: ".day", qualification.KindYearMonth: ".month",
	}
	for _, f := range fields() {
		if f.Fixed {
			continue
		}
		out = append(out, qualification.Problem{Input: f.ID + suffix[f.Kind], Field: f.ID, Message: qualification.Text{
			JA: f.Label.JA + "を確認してください", EN: "Check: " + f.Label.EN, Easy: f.Label.Easy + "を {見|み}て ください"}})
	}
	return out
}

func formView(problems []qualification.Problem) ui.FormView {
	return ui.FormView{
		Fields: fields(), Problems: problems,
		Fixed:   map[string]string{"official_name": "髙橋　花子", "official_birth": "1990年（平成2年）4月1日"},
		Sources: map[string]string{"official_name": "マイナンバーカードの署名用電子証明書から"},
		Raw: map[string]string{
			"name.family": "邉󠄂", "name.given": "𠮷乃", "kana.family": "ワタナベ", "birth_date.era": "heisei", "birth_date.year": "2",
			"birth_date.month": "4", "birth_date.day": "31", "sex": "2", "domicile": "41", "remarks": "一行目\n二行目", "agree": "yes",
		},
	}
}

func day(month time.Month, d, hour int) time.Time {
	return time.Date(2026, month, d, hour, 30, 0, 0, clock.JST)
}

func events(p *ui.Page) []ui.Event {
	return []ui.Event{
		{State: ui.EventDone, At: day(12, 1, 10), Title: p.Text(same("申請を受け付けました", "Application received", "{申請|しんせい}を うけとりました")), Who: p.Text(same("あなた", "You", "あなた"))},
		{State: ui.EventDone, At: day(12, 3, 14), Title: p.Text(same("受付の確認が終わりました", "Intake completed", "{受付|うけつけ}が おわりました")), Who: p.Text(same("厚生労働省", "Ministry of Health, Labour and Welfare", "{厚生労働省|こうせいろうどうしょう}"))},
		{State: ui.EventNow, At: day(12, 4, 9), Day: true, Title: p.Text(same("審査しています", "Under review", "しらべて います")), Who: p.Text(same("厚生労働省", "Ministry of Health, Labour and Welfare", "{厚生労働省|こうせいろうどうしょう}")),
			Body: p.Text(same("内容を確認しています。あなたがすることはありません。", "The application is being reviewed. You have nothing to do.", "いま しらべて います。{待|ま}って ください。"))},
		{State: ui.EventToCome, Due: day(12, 22, 0), Title: p.Text(same("名簿に登録", "Entry in the register", "{名簿|めいぼ}に のります"))},
		{State: ui.EventToCome, Due: day(12, 23, 0), Title: p.Text(same("デジタル資格者証の発行", "Digital credential issued", "デジタルの {証明|しょうめい}が できます"))},
	}
}

func tasks(p *ui.Page) []ui.Task {
	text := same("本人の情報を確認する", "Confirm who you are", "あなたの ことを たしかめる")
	return []ui.Task{
		{Text: p.Text(text), Path: Prefix + "form", State: ui.TaskDone},
		{Text: p.Text(same("連絡先を入力する", "Enter how to reach you", "{連絡先|れんらくさき}を {書|か}く")), Path: Prefix + "form", State: ui.TaskStarted},
		{Text: p.Text(same("診断書を添付する", "Attach a physician's certificate", "{診断書|しんだんしょ}を {送|おく}る")), Hint: p.Text(same("PDFか写真", "PDF or photo", "PDFか しゃしん")), Path: Prefix + "form", State: ui.TaskTodo},
		{Text: p.Text(same("内容を確認して申請する", "Check and apply", "{見|み}て {申請|しんせい}する")), State: ui.TaskBlocked},
	}
}

func rows(p *ui.Page) []ui.Row {
	return []ui.Row{
		{Label: p.Text(same("氏名", "Name", "{名前|なまえ}")), Value: "髙橋　花子", Name: true, Source: p.Text(same("住民基本台帳から", "From the resident registry", "{役所|やくしょ}の {記録|きろく}から"))},
		{Label: p.Text(same("電話番号", "Telephone", "{電話番号|でんわばんごう}")), Value: "090-0000-0000", Change: Prefix + "form"},
		{Label: p.Text(same("旧姓", "Former name", "むかしの みょうじ")), Change: Prefix + "form"},
		{Label: p.Text(same("住所", "Address", "{住所|じゅうしょ}")), Value: "佐賀県佐賀市城内一丁目1番59号 とても長い名前のマンション１２３４号室", Change: Prefix + "form"},
	}
}

func result(p *ui.Page, v ui.Verdict) ui.Result {
	bad := v == ui.VerdictUntrusted
	return ui.Result{Verdict: v, At: day(12, 4, 9), Checks: []ui.ResultCheck{
		{Text: p.Text(same("改ざんなし", "Not altered", "かきかえられて いない")), OK: !bad, Open: v == ui.VerdictUnknown},
		{Text: p.Text(same("発行元", "Issuer", "だした ところ")), OK: !bad, Open: v == ui.VerdictUnknown, Say: p.Text(same("厚生労働大臣", "Minister of Health, Labour and Welfare", "{厚生労働大臣|こうせいろうどうだいじん}"))},
		{Text: p.Text(same("現在の登録状態", "Current registration", "いまの {登録|とうろく}")), OK: v == ui.VerdictValid || v == ui.VerdictConditional, Open: v == ui.VerdictUnknown || bad},
	}, Facts: rows(p)[:1]}
}

func table(p *ui.Page) ui.Table {
	row := func(number, name string, left int) []templ.Component {
		return []templ.Component{linkCell(number), nameCell(name), ui.Cell(p.Text(same("新規登録", "Registration", "{登録|とうろく}"))), statusCell(p, left), ui.Cell("3")}
	}
	return ui.Table{
		Caption: p.Text(same("担当中の案件", "My cases", "わたしの {仕事|しごと}")), Dense: true,
		Columns: []ui.Column{
			{Text: p.Text(same("受付番号", "Number", "{番号|ばんごう}")), Sort: Prefix + "lists?sort=number", Order: "ascending"},
			{Text: p.Text(same("氏名", "Name", "{名前|なまえ}"))}, {Text: p.Text(same("手続", "Procedure", "{手続|てつづき}"))},
			{Text: p.Text(same("期限", "Due", "いつまで")), Sort: Prefix + "lists?sort=due"}, {Text: p.Text(same("残り", "Left", "のこり")), Numeric: true},
		},
		Rows: [][]templ.Component{row("KN26-000123-4", "髙橋　花子", -1), row("KN26-000124-2", "邉󠄂　𠮷乃", 1), row("KN26-000125-0", "佐藤　太郎", 9)},
	}
}
