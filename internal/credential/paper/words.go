package paper

import (
	"strings"
	"unicode/utf8"

	"akashi/internal/credential/form"
	"akashi/internal/qualification"
)

type pair = form.Text

// Words are what the definition of the qualification contributes.
type Words struct {
	Register    form.Text // 看護師籍, register of nurses
	Certificate form.Text // the paper that the law knows: 免許証, licence
	Basis       form.Text // the law
	Original    bool      // the digital credential is the legal original
}

// WordsOf reads the words out of a definition; original tells that its digital credential is the legal original.
func WordsOf(d *qualification.Definition, original bool) Words {
	of := func(t qualification.Text) pair { return pair{JA: t.JA, EN: t.EN} }
	return Words{Register: of(d.Terms["register"]), Certificate: of(d.Terms["certificate"]), Basis: law(of(d.LegalBasis)), Original: original}
}

// law is the law with which a basis begins, where articles follow it: those say to whoever reads a definition where something stands, and
// a certificate names the law, as licences on paper do.
func law(t pair) pair {
	return pair{JA: upTo(t.JA, "号）", "0123456789"), EN: upTo(t.EN, ")", ",")}
}

// upTo cuts a text behind the first mark when one of these characters follows it.
func upTo(s, mark, characters string) string {
	head, rest, found := strings.Cut(s, mark)
	next, _ := utf8.DecodeRuneInString(rest)
	if !found || !strings.ContainsRune(characters, next) {
		return s
	}
	return head + mark
}

// wording is the fixed text of a paper.
type wording struct {
	kind, sentence, check, legal pair
	steps                        [3]pair
	id, scan                     string
}

// words fills the wording with what the definition of the qualification contributes.
func words(p Paper) wording {
	w := wording{
		kind:  pair{JA: "デジタル資格者証", EN: "Digital Certificate of Professional Qualification"},
		check: pair{JA: "この証明の確かめ方", EN: "How to check this certificate"},
		id:    "証明書ID / Certificate ID", scan: "読み取って確かめる / Scan to check",
	}
	w.sentence = pair{
		JA: "下記の者が、" + p.Words.Basis.JA + "に基づく" + p.Words.Register.JA + "に、次のとおり記載されていることを証明します。",
		EN: "This is to certify that the person named below is entered in the " + p.Words.Register.In(true) + ", under the " + p.Words.Basis.In(true) + ", as follows.",
	}
	w.steps = [3]pair{
		{JA: "1. QRコードを読み取るか、下のページにこのPDF又は証明書IDを入れます。", EN: "1. Scan the code, or give this PDF or the certificate ID to the page below."},
		{JA: "2. 氏名と資格が紙面と同じで、有効と表示されることを見ます。", EN: "2. The page must show the same name and qualification, and that it is in force."},
		{JA: "3. 本人かどうかは、顔写真のある身分証明書などで別に確かめます。", EN: "3. Check by an identity document with a photograph whether it is that person."},
	}
	w.legal = pair{
		JA: "これは、登録の内容から作り、電子署名を付けた電子文書です。印刷したものは写しであり、紙面だけからは、真正であることも、今も有効であることも分かりません。" +
			"発行の後に登録が変更、停止又は抹消されたときは、上の方法で確かめた結果によります。",
		EN: "This is an electronic document, made from the register and signed electronically. A printout is a copy: paper alone shows neither that it is genuine nor " +
			"that it is still valid. Where the entry has since been changed, suspended or cancelled, the result of the check above prevails.",
	}
	if p.Words.Original {
		w.legal.JA += "この資格では、デジタル資格者証が正式な" + p.Words.Certificate.JA + "です。"
		w.legal.EN += " For this qualification the digital credential is the official " + p.Words.Certificate.In(true) + "."
	} else {
		w.legal.JA += "法令の定める紙の" + p.Words.Certificate.JA + "に代わるものではありません。"
		w.legal.EN += " It does not take the place of the paper " + p.Words.Certificate.In(true) + " that the law provides for."
	}
	return w
}
