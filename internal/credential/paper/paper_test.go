package paper_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/credential/form"
	"akashi/internal/credential/paper"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/qr"
	"akashi/internal/qualification"
	"akashi/internal/typeface"
	"akashi/qualifications"
)

var printer = sync.OnceValues(func() (*paper.Printer, error) {
	shelf, err := typeface.Open("")
	if err != nil {
		return nil, err
	}
	text, names, err := shelf.Families()
	return paper.New(text, names), err
})

func a(t testing.TB) *paper.Printer {
	t.Helper()
	p, err := printer()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func day(s string) calendar.Date {
	d, err := calendar.ParseISO(s)
	if err != nil {
		panic(err) // a test's own constant
	}
	return d
}

// nurse is the paper of a nurse with the name.
func nurse(t testing.TB, name string) paper.Paper {
	t.Helper()
	f, err := form.Read(map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: name, cose.HolderBirthDate: "1990-04-01", cose.RegistrationNumber: "第1234567号", cose.RegistrationDate: "2015-05-10",
		cose.IssueDate: "2026-11-30", cose.IssuingBody: "厚生労働省", cose.IssuerName: "厚生労働大臣", cose.QualificationID: "kangoshi", cose.CertificateID: "KGMH-7K2M-9QX4-RT3",
		cose.KindCode: "0029", cose.HolderCode: "0123456789ab",
	}, form.Record{Register: "kangoshi.mhlw", RegisterCode: "KGMH", Registrar: "mhlw", Detail: form.Detail{TitleEN: "Nurse", IssuerEN: "Minister of Health, Labour and Welfare", BodyEN: "Ministry of Health, Labour and Welfare"}})
	if err != nil {
		t.Fatal(err)
	}
	return paper.Paper{Facts: f, Words: paper.Words{
		Register:    form.Text{JA: "看護師籍", EN: "register of nurses"},
		Certificate: form.Text{JA: "免許証", EN: "licence"},
		Basis:       form.Text{JA: "保健師助産師看護師法（昭和23年法律第203号）", EN: "Act on Public Health Nurses, Midwives and Nurses (Act No. 203 of 1948)"},
	}, Signer: "厚生労働省", QR: "https://verify.akashi.example/w/?c=" + strings.Repeat("0hFDoQEmoQRYIDEyMzQ1Njc4OTAxMjM0", 17), Check: "https://verify.akashi.example/", Made: time.Date(2026, 11, 30, 3, 4, 5, 0, time.UTC)}
}

func printed(t testing.TB, c paper.Paper) string {
	t.Helper()
	file, err := a(t).Print(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// long is a paper on which everything is as long as the definitions have it.
func long(t testing.TB) paper.Paper {
	t.Helper()
	c := nurse(t, strings.Repeat("ヴィルヘルミーナ・アレクサンドラ・", 4)+"フォン・ホーエンツォレルン＝ジグマリンゲン")
	c.Facts.Title = form.Text{JA: "地域通訳案内士（しまなみ海道沿線地域・英語、スペイン語及びポルトガル語）", EN: "Regional Licensed Guide Interpreter (Shimanami Kaido area; English, Spanish and Portuguese)"}
	c.Facts.ValidUntil = day("2031-03-31")
	return c
}

// TestNames: both pages give back exactly the registered name, whatever its characters and however many lines it takes.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"山田　花子", "髙橋﨑　𠮷郎", "葛\U000E0101飾　葛飾", "邉\U000E0110　辻\U000E0100", "\uFA19代　神代", "か\u3099く　学", "Müller-Lüdenscheidt　Ana María", long(t).Facts.HolderName} {
		path := printed(t, nurse(t, name))
		run(t, "qpdf", "--check", path)
		for _, page := range []string{"1", "2"} {
			text := run(t, "pdftotext", "-layout", "-f", page, "-l", page, path, "-")
			if !strings.Contains(text, name+"\n") && !strings.Contains(text, name+" ") {
				t.Errorf("page %s of %+q reads\n%+q", page, name, text)
			}
		}
	}
}

// TestCodeReads: the QR code on each page, as it is drawn by an independent program, holds the credential's text.
func TestCodeReads(t *testing.T) {
	t.Parallel()
	c := nurse(t, "山田　花子")
	path := printed(t, c)
	for page, dpi := range map[string]string{"1": "150", "2": "300"} {
		picture := filepath.Join(t.TempDir(), "p")
		run(t, "pdftoppm", "-r", dpi, "-f", page, "-l", page, "-singlefile", "-png", path, picture)
		file, err := os.ReadFile(picture + ".png")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := qr.Decode(file); err != nil || got != c.QR {
			t.Errorf("page %s: %q, error %v", page, got, err)
		}
	}
}

// TestWhatItShows: facts in both languages, what the holder left out missing with its label, and what paper is worth.
func TestWhatItShows(t *testing.T) {
	t.Parallel()
	whole := nurse(t, "山田　花子")
	whole.Facts.ValidUntil = day("2031-03-31")
	part := nurse(t, "山田　花子")
	var err error
	if part.Facts, err = part.Facts.Choose([]string{cose.HolderName, cose.RegistrationDate}); err != nil {
		t.Fatal(err)
	}
	original := nurse(t, "山田　花子")
	original.Words.Original = true
	for _, c := range []struct {
		paper      paper.Paper
		has, lacks []string
	}{
		{whole, []string{"看護師", "Nurse", "平成2年4月1日", "1 April 1990", "第1234567号", "令和8年11月30日", "有効期間の満了日", "令和13年3月31日", "31 March 2031", "厚生労働大臣", "Minister of Health, Labour and Welfare",
			"看護師籍に", "KGMH-7K2M-9QX4-RT3", "https://verify.akashi.example/", "紙の免許証に代わるものではありません"}, []string{"正式な免許証"}},
		{part, []string{"氏名", "登録年月日"}, []string{"生年月日", "Date of birth", "登録番号", "1990", "大臣", "Minister", "有効期間"}},
		{original, []string{"デジタル資格者証が正式な免許証です", "the digital credential is the official licence"}, []string{"代わるものではありません", "take the place"}},
	} {
		path := printed(t, c.paper)
		text := strings.Join(strings.Fields(run(t, "pdftotext", "-raw", path, "-")), " ")
		for _, s := range c.has {
			if !strings.Contains(text, s) && !strings.Contains(strings.ReplaceAll(text, " ", ""), s) {
				t.Errorf("%s is missing in %s", s, text)
			}
		}
		for _, s := range c.lacks {
			if strings.Contains(text, s) {
				t.Errorf("%s is there", s)
			}
		}
		if got := run(t, "pdfinfo", "-f", "1", "-l", "2", path); !strings.Contains(got, "Page    1 size:  595.276 x 841.89 pts (A4)") || !strings.Contains(got, "Page    2 size:  242.646 x 153.014 pts") || !strings.Contains(got, "Tagged:          yes") {
			t.Errorf("pages\n%s", got)
		}
	}
}

// TestRefusals: what cannot be shown whole and right is not shown.
func TestRefusals(t *testing.T) {
	t.Parallel()
	endless := nurse(t, strings.Repeat("寿限無", 100))
	unknown := nurse(t, "山田　\U000F0000")
	untitled := nurse(t, "山田　花子")
	untitled.Facts.Title = form.Text{}
	crowded := nurse(t, "山田　花子")
	crowded.QR = strings.Repeat("x", 3000)
	for want, c := range map[string]struct {
		paper paper.Paper
		kind  fault.Kind
		key   string
	}{
		"does not fit":    {endless, fault.Invalid, "pdf.too_long"},
		"no font has":     {unknown, fault.Invalid, "pdf.no_glyph"},
		"without a title": {untitled, fault.Internal, ""},
		"QR code":         {crowded, fault.TooLarge, "qr.too_long"},
	} {
		_, err := a(t).Print(c.paper)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != c.kind || f.Key != c.key || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s %s %q", err, c.kind, c.key, want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "寿山田") {
			t.Errorf("the error tells the name: %v", err)
		}
	}
}

// TestSameBytes: one record gives one document, whichever goroutine prints it and whatever was printed before.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	want, err := a(t).Print(nurse(t, "邉\U000E0110　花子"))
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := typeface.Open("")
	if err != nil {
		t.Fatal(err)
	}
	text, names, err := shelf.Families()
	if err != nil {
		t.Fatal(err)
	}
	fresh := paper.New(text, names)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if i%2 == 0 {
				if _, err := fresh.Print(long(t)); err != nil {
					t.Error(err)
				}
			}
			got, err := fresh.Print(nurse(t, "邉\U000E0110　花子"))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("other bytes, error %v", err)
			}
		})
	}
	group.Wait()
}

// bases are laws as certificates name them, of definitions that say more.
func bases() map[string]form.Text {
	return map[string]form.Text{
		"kaiji-dairishi":    {JA: "海事代理士法（昭和26年法律第32号）", EN: "Marine Procedure Agents Act (Act No. 32 of 1951)"},
		"eisei-kensa-gishi": {JA: "臨床検査技師等に関する法律（昭和33年法律第76号）の2005年改正附則", EN: "Supplementary provisions of 2005 to the Act on Clinical Laboratory Technicians (Act No. 76 of 1958)"},
		"shiho-yobi-shiken": {JA: "司法試験法（昭和24年法律第140号）", EN: "National Bar Examination Act (Act No. 140 of 1949)"},
	}
}

// TestEveryQualification: the words of every definition fit, and every one has a sentence.
func TestEveryQualification(t *testing.T) {
	t.Parallel()
	catalogue, err := qualification.Load(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range catalogue.List() {
		items := map[string]string{}
		for _, item := range def.Items {
			if len(item.Options) > 0 {
				items[item.ID] = item.Options[0].Value
			} else {
				items[item.ID] = "東京"
			}
		}
		c := nurse(t, "山田　花子")
		title, issuer := def.TitleFor(items), def.Issuer(nil)
		c.Facts.Title = form.Text{JA: title.JA, EN: title.EN}
		if issuer.JA != "" {
			c.Facts.IssuerName = form.Text{JA: issuer.JA, EN: issuer.EN}
		}
		c.Words = paper.WordsOf(def, false)
		if c.Words.Register.JA == "" || c.Words.Certificate.JA == "" || c.Words.Basis.JA == "" {
			t.Errorf("%s has no words: %+v", def.ID, c.Words)
		}
		if strings.Contains(c.Words.Basis.JA, "条") || strings.Contains(c.Words.Basis.EN, "article") {
			t.Errorf("the certificate of %s names articles: %+v", def.ID, c.Words.Basis)
		}
		if want, ok := bases()[def.ID]; ok && c.Words.Basis != want {
			t.Errorf("the certificate of %s is based on %+v", def.ID, c.Words.Basis)
		}
		if _, err := a(t).Print(c); err != nil {
			t.Errorf("%s: %v", def.ID, err)
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	p := a(b)
	names := []paper.Paper{nurse(b, "山田　花子"), nurse(b, "邉\U000E0110　𠮷祥"), nurse(b, "髙橋　健太郎")}
	b.SetBytes(0)
	for i := 0; b.Loop(); i++ {
		if _, err := p.Print(names[i%3]); err != nil {
			b.Fatal(err)
		}
	}
}
