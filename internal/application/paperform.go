package application

import "akashi/internal/qualification"

// ReceiptForm is the form on which staff record what they saw of a paper that came in, for a round of a procedure. It is read and
// drawn like any page of a qualification's form. The ways of showing who one is and of paying are those that staff can meet; what
// the law asks for in a procedure stands in its definition.
func ReceiptForm(p *qualification.Procedure, round int) *qualification.Procedure {
	if round > 0 {
		return &qualification.Procedure{ID: "receipt", Groups: []qualification.Group{
			{ID: ReceiptPaper, Title: text("補正の書類", "The correction on paper", "{直|なお}した {紙|かみ}"), Fields: []qualification.Field{receivedOn(), signedSeen()}},
		}}
	}
	paper := qualification.Group{ID: ReceiptPaper, Title: text("届いた書類", "The paper", "とどいた {紙|かみ}"), Fields: []qualification.Field{receivedOn(), signedSeen()}}
	if NeedsEntry(p.Effect) {
		paper.Fields = append(paper.Fields, qualification.Field{ID: fieldEntry, Kind: qualification.KindRegNumber, Required: true,
			Label: text("登録番号", "Registration number", "{登録番号|とうろくばんごう}"),
			Hint:  text("書類に書かれた番号です。名簿にある生年月日と合うことを確認します。", "As written on the paper. The date of birth in the register must agree.", "{紙|かみ}に ある {番号|ばんごう}です。")})
	}
	return &qualification.Procedure{ID: "receipt", Groups: []qualification.Group{paper,
		{ID: ReceiptApplicant, Title: text("申請者", "Who applies", "{申請|しんせい}する {人|ひと}"), Fields: applicantFields()},
		{ID: ReceiptIdentity, Title: text("本人の確認", "How you know that it is them", "{本人|ほんにん}か たしかめる"), Fields: identityFields()},
		{ID: ReceiptPayment, Title: text("費用の納付", "Payment", "お{金|かね}"), Fields: paymentFields()},
	}}
}

func text(ja, en, easy string) qualification.Text {
	return qualification.Text{JA: ja, EN: en, Easy: easy}
}

// tooOld is said of a paper that came in longer ago than anybody lets one lie.
var tooOld = text("受け付けた日を確認してください。1年以内の日付を入力してください", "Check the day of receipt. Enter a day within one year", "{受|う}け{取|と}った {日|ひ}を もういちど {見|み}てください")

func receivedOn() qualification.Field {
	return qualification.Field{ID: fieldReceived, Kind: qualification.KindDate, Required: true, Past: true,
		Label: text("受け付けた日", "Day of receipt", "{受|う}け{取|と}った {日|ひ}"),
		Hint:  text("書類が届いた日です。処理期間は、この日から数えます。", "The day on which the paper came in. The processing time counts from it.", "{紙|かみ}が とどいた {日|ひ}です。")}
}

func signedSeen() qualification.Field {
	return qualification.Field{ID: "signed_seen", Kind: qualification.KindCheckbox, Required: true,
		Label: text("書類に申請者の署名または記名押印があることを確認しました", "I have seen the applicant's signature, or name and seal, on the paper", "{紙|かみ}に サインか はんこが あります")}
}

func applicantFields() []qualification.Field {
	return []qualification.Field{
		{ID: "name", Kind: qualification.KindName, Required: true, Label: text("氏名", "Name", "{名前|なまえ}"),
			Hint: text("書類に書かれたとおりの文字で入力してください。", "With the characters of the paper.", "{紙|かみ}と {同|おな}じ {字|じ}で {書|か}いて ください。")},
		{ID: "name_kana", Kind: qualification.KindKana, Label: text("氏名のフリガナ", "Reading of the name", "{名前|なまえ}の {読|よ}みかた")},
		{ID: "birth_date", Kind: qualification.KindDate, Required: true, Past: true, Label: text("生年月日", "Date of birth", "{生|う}まれた {日|ひ}")},
		{ID: "sex", Kind: qualification.KindRadio, Label: text("性別", "Sex", "{性別|せいべつ}"), Options: []qualification.Option{
			{Value: "1", Label: text("男", "Male", "{男|おとこ}")}, {Value: "2", Label: text("女", "Female", "{女|おんな}")}, {Value: "3", Label: text("記載なし", "Not stated", "{書|か}いて いない")}}},
		{ID: "address", Kind: qualification.KindAddress, Required: true, Label: text("住所", "Address", "{住所|じゅうしょ}"),
			Hint: text("都道府県から入力してください。", "From the prefecture on.", "{県|けん}から {書|か}いて ください。")},
	}
}

func identityFields() []qualification.Field {
	return []qualification.Field{
		{ID: fieldIdentity, Kind: qualification.KindSelect, Required: true, Label: text("確認に使った書類", "Document that you have seen", "{見|み}た {書類|しょるい}"), Options: []qualification.Option{
			{Value: "card", Label: text("マイナンバーカード", "Individual Number Card", "マイナンバーカード")},
			{Value: "driving_licence", Label: text("運転免許証", "Driving licence", "{運転免許証|うんてんめんきょしょう}")},
			{Value: "passport", Label: text("旅券（パスポート）", "Passport", "パスポート")},
			{Value: "residence_card", Label: text("在留カード・特別永住者証明書", "Residence card, special permanent resident certificate", "{在留|ざいりゅう}カード")},
			{Value: "without_picture", Label: text("顔写真のない書類2点以上", "Two or more documents without a picture", "{写真|しゃしん}の ない {書類|しょるい} 2つ")},
			{Value: "copy", Label: text("郵送された写し", "A copy that came by post", "{郵便|ゆうびん}で とどいた コピー")},
			{Value: other, Label: text("その他", "Another document", "ほかの もの")}}},
		{ID: fieldIdentityNote, Kind: qualification.KindText, Max: 100, Label: text("書類の名前など", "Name of the document", "{書類|しょるい}の {名前|なまえ}"),
			Hint:  text("「その他」のときは必ず入力してください。番号は書かないでください。", "Needed for another document. Do not write its number.", "「ほかの もの」の ときに {書|か}いて ください。{番号|ばんごう}は {書|か}かないで ください。"),
			Empty: text("確認に使った書類の名前を入力してください", "Enter the name of the document", "{書類|しょるい}の {名前|なまえ}を {書|か}いて ください")},
		{ID: "identity_seen", Kind: qualification.KindCheckbox, Required: true,
			Label: text("書類を見て、申請者本人であることを確認しました", "I have seen the document, and the applicant is the person it shows", "{書類|しょるい}を {見|み}て、{本人|ほんにん}だと わかりました")},
	}
}

func paymentFields() []qualification.Field {
	return []qualification.Field{
		{ID: fieldPaidBy, Kind: qualification.KindRadio, Required: true, Label: text("納付の方法", "How it was paid", "お{金|かね}の {払|はら}いかた"), Options: []qualification.Option{
			{Value: "stamps", Label: text("収入印紙が貼られている", "Revenue stamps are pasted on it", "{収入印紙|しゅうにゅういんし}が あります")},
			{Value: "slip", Label: text("納付書の領収証書が添えられている", "The receipt of a payment slip is attached", "お{金|かね}を {払|はら}った {紙|かみ}が あります")},
			{Value: "prefecture_stamps", Label: text("都道府県の証紙が貼られている", "Stamps of the prefecture are pasted on it", "{県|けん}の {証紙|しょうし}が あります")},
			{Value: "counter", Label: text("窓口で受け取った", "Received at the counter", "{窓口|まどぐち}で {受|う}け{取|と}りました")},
			{Value: other, Label: text("その他", "In another way", "ほかの {払|はら}いかた")},
			{Value: unpaid, Label: text("納付を確認できない", "No payment was seen", "{払|はら}って いません")}}},
		{ID: fieldPaidAmount, Kind: qualification.KindNumber, Max: 9, Label: text("確認した金額（円）", "Amount that you have seen (yen)", "{見|み}た お{金|かね}（{円|えん}）"),
			Empty: text("確認した金額を入力してください", "Enter the amount that you have seen", "{見|み}た お{金|かね}を {書|か}いて ください")},
		{ID: fieldPaidNote, Kind: qualification.KindText, Max: 100, Label: text("納付についての説明", "Remark on the payment", "{説明|せつめい}"),
			Hint:  text("「その他」のときは必ず入力してください。", "Needed for another way.", "「ほかの {払|はら}いかた」の ときに {書|か}いて ください。"),
			Empty: text("どのように納付されたかを入力してください", "Enter how it was paid", "どう {払|はら}ったか {書|か}いて ください")},
	}
}
