package pdf_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/pdf"
)

// The fonts of the program and of Debian's package fonts-ipamj-mincho, which tools/install.sh installs.
const (
	gothicFile = "../../typeface/BIZUDPGothic-Regular.ttf"
	minchoFile = "/usr/share/fonts/truetype/ipamj/ipamjm.ttf"
)

var parsed = sync.OnceValues(func() (map[string]*pdf.Font, error) {
	out := map[string]*pdf.Font{}
	for _, path := range []string{gothicFile, minchoFile} {
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if out[path], err = pdf.ParseFont(file); err != nil {
			return nil, err
		}
	}
	return out, nil
})

func families(t testing.TB) (text, names pdf.Family) {
	t.Helper()
	fonts, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	gothic, mincho := fonts[gothicFile], fonts[minchoFile]
	return pdf.Family{gothic, mincho}, pdf.Family{mincho, gothic}
}

// hardNames are texts whose characters programs tend to lose.
var hardNames = []string{
	"髙橋﨑", "𠮷田𠮷野屋", "葛\U000E0101飾", "葛飾", "葛\U000E0102城", "辻\U000E0100", "辻", "邉\U000E010F邉\U000E0110邉", "葛\U000E0101邉\U000E0110", "\uFA19社", "神社", "神\uFE00社",
	"ガッツ", "がっつ", "か\u3099き", "ﾊﾝｶｸ", "ヴィクトリア・ウェスト", "Müller-Lüdenscheidt", "Mu\u0308ller", "O'Connor, Jr.", "森鷗外 草彅剛", "㐂一", "𩸽𠀋", "〆木々",
	"令和8年11月30日 第１２３号",
}

// page is a document of one A4 page with the lines, one paragraph each.
func page(t testing.TB, press *pdf.Press, family pdf.Family, lines []string) []byte {
	t.Helper()
	file, err := press.Print(drawn(t, press, family, lines))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func drawn(t testing.TB, press *pdf.Press, family pdf.Family, lines []string) *pdf.Document {
	t.Helper()
	template := pdf.NewTemplate()
	template.Page(210*pdf.Millimetre, 297*pdf.Millimetre)
	plate, err := press.Pack(template)
	if err != nil {
		t.Fatal(err)
	}
	d := plate.Document(info())
	for i, line := range lines {
		mark := d.Page(0).Marked("P", func() {
			d.Page(0).Text(pdf.Text{Family: family, Size: 12, X: 60, Y: 60 + 24*float64(i), String: line})
		})
		d.Root.Add(&pdf.Element{Type: "P", Marks: []pdf.Mark{mark}})
	}
	return d
}

func info() pdf.Info {
	return pdf.Info{Title: "試験 <1> & (2)", Author: "証", Subject: "Test", Lang: "ja", Producer: "Akashi",
		Created: time.Date(2026, 11, 30, 12, 4, 5, 0, time.FixedZone("JST", 9*60*60))}
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(path, content, 0o600); err != nil {
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

// TestTextComesBack: poppler reads exactly the characters that were drawn, in one document, from both families.
func TestTextComesBack(t *testing.T) {
	t.Parallel()
	text, names := families(t)
	for name, family := range map[string]pdf.Family{"text": text, "names": names} {
		path := write(t, page(t, &pdf.Press{}, family, hardNames))
		run(t, "qpdf", "--check", path)
		got := strings.Fields(strings.ReplaceAll(strings.TrimSuffix(run(t, "pdftotext", "-layout", path, "-"), "\f"), " ", "_"))
		var want []string
		for _, line := range hardNames {
			want = append(want, strings.ReplaceAll(line, " ", "_"))
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("%s: line %d comes back as %+q, want %+q", name, i, got[min(i, len(got)-1)], want[i])
			}
		}
	}
}

// TestNoGlyph: a character that no font has stops the document; the error says where it stands and not what it is.
func TestNoGlyph(t *testing.T) {
	t.Parallel()
	_, names := families(t)
	for text, position := range map[string]int{
		"山\U000F0000田":           2, // private use
		"山田\U000E0101":           2, // a sequence that is in no collection
		"邉\U000E0110邉\U000E0101": 2,
		"A\u0335B":               1, // a combination that is no character
		"葛\U000E0101\U000E0102":  1, // two selectors
		"山\xff":                  2, // not UTF-8
		"山\n田":                   2,
		"\U000E0101":             1,
	} {
		d := drawn(t, &pdf.Press{}, names, []string{"花子", text})
		_, err := (&pdf.Press{}).Print(d)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Key != "pdf.no_glyph" || len(f.Args) != 1 || f.Args[0] != position {
			t.Errorf("%+q: %v, want pdf.no_glyph at %d", text, err, position)
			continue
		}
		if strings.ContainsAny(err.Error(), "山田葛邉") {
			t.Errorf("the error tells the name: %v", err)
		}
	}
}

// TestReproducible: the same drawing gives the same bytes, at once and at any time. The digest changes with the
// compressor of Go's library and with this package; then look at the page before it is replaced.
func TestReproducible(t *testing.T) {
	t.Parallel()
	const want = "7f254e4fdddebf74bd0f0739671a7cbf3ec759bfa642fecd40d4bf174ced6d93"
	text, _ := families(t)
	press := &pdf.Press{}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			sum := sha256.Sum256(page(t, press, text[:1], []string{"髙橋﨑", "葛\U000E0101飾 葛飾", "Müller", "か\u3099き"}))
			if got := hex.EncodeToString(sum[:]); got != want {
				t.Errorf("digest %s, want %s", got, want)
			}
		})
	}
	group.Wait()
}

// TestStructure looks, through qpdf's reading, for what PDF/A-2b and tagging demand of the parts that this package writes.
func TestStructure(t *testing.T) {
	t.Parallel()
	text, _ := families(t)
	file := withLink(t, text)
	path := write(t, file)
	run(t, "qpdf", "--check", path)
	if !bytes.HasPrefix(file, []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")) || !bytes.HasSuffix(file, []byte("%%EOF\n")) {
		t.Error("header or end")
	}
	for _, forbidden := range []string{"/Encrypt", "/JavaScript", "/SMask", "/Transparency", "/LZWDecode", "/AA ", "/EmbeddedFiles", "/NeedAppearances"} {
		if bytes.Contains(file, []byte(forbidden)) {
			t.Errorf("it has %s", forbidden)
		}
	}
	objects := objectsOf(t, path)
	catalog := objects.only(t, "/Catalog")
	metadata := objects.stream(t, catalog["/Metadata"])
	if metadata.Dict["/Filter"] != nil {
		t.Error("the metadata are compressed")
	}
	x := string(metadata.Data)
	for _, part := range []string{"<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>B</pdfaid:conformance>", "試験 &lt;1&gt; &amp; (2)", "<rdf:li>証</rdf:li>", "<xmp:CreateDate>2026-11-30T12:04:05+09:00<", "<xmp:ModifyDate>2026-11-30T12:04:05+09:00<", "<pdf:Producer>Akashi<"} {
		if !strings.Contains(x, part) {
			t.Errorf("the metadata lack %s", part)
		}
	}
	trailer := objects.trailer
	about := objects.dict(t, trailer["/Info"])
	for key, value := range map[string]any{"/Title": "u:試験 <1> & (2)", "/Author": "u:証", "/Producer": "u:Akashi", "/CreationDate": "u:D:20261130120405+09'00'", "/ModDate": "u:D:20261130120405+09'00'"} {
		if about[key] != value {
			t.Errorf("%s is %v, want %v", key, about[key], value)
		}
	}
	if id, _ := trailer["/ID"].([]any); len(id) != 2 || id[0] != id[1] {
		t.Errorf("id %v", trailer["/ID"])
	}
	intents, _ := catalog["/OutputIntents"].([]any)
	intent := objects.dict(t, intents[0])
	if profile := objects.stream(t, intent["/DestOutputProfile"]); intent["/S"] != "/GTS_PDFA1" || profile.Dict["/N"] != 3.0 || string(profile.Data[36:40]) != "acsp" {
		t.Errorf("output intent %v", intent)
	}
	if mark, _ := catalog["/MarkInfo"].(map[string]any); catalog["/Lang"] != "u:ja" || mark["/Marked"] != true {
		t.Errorf("catalog %v", catalog)
	}
	for _, link := range objects.typed("/Annot") {
		if link["/F"] != 4.0 || link["/Contents"] == nil || link["/StructParent"] != 1.0 {
			t.Errorf("link %v", link)
		}
	}
	for _, d := range objects.typed("/FontDescriptor") {
		objects.stream(t, d["/FontFile2"])
	}
	for _, f := range objects.typed("/Font") {
		switch f["/Subtype"] {
		case "/Type0":
			if f["/Encoding"] != "/Identity-H" || f["/ToUnicode"] == nil {
				t.Errorf("font %v", f)
			}
		case "/CIDFontType2":
			if f["/CIDToGIDMap"] != "/Identity" {
				t.Errorf("font %v", f)
			}
		default:
			t.Errorf("font %v", f)
		}
	}
	for line := range strings.Lines(run(t, "pdffonts", path)) {
		if f := strings.Fields(line); strings.Contains(line, "CID TrueType") && (f[4] != "yes" || f[5] != "yes" || f[6] != "yes") {
			t.Errorf("not embedded, cut down and mapped: %s", line)
		}
	}
	if got := run(t, "pdfinfo", path); !strings.Contains(got, "Tagged:          yes") {
		t.Errorf("not tagged:\n%s", got)
	}
	struc := run(t, "pdfinfo", "-struct-text", path)
	if strings.Join(strings.Fields(struc), " ") != `Document H1 (block) "証" Link (inline) "example" Object 20 0 Figure: /Placement /Block /BBox [10 100 50 140] ""` {
		t.Errorf("structure %q", strings.Join(strings.Fields(struc), " "))
	}
}

// withLink is a document with a heading, a link and a figure.
func withLink(t *testing.T, family pdf.Family) []byte {
	t.Helper()
	press := &pdf.Press{}
	template := pdf.NewTemplate()
	low := template.Page(200, 200)
	head := low.Marked("H1", func() { low.Text(pdf.Text{Family: family, Size: 20, X: 10, Y: 30, String: "証"}) })
	low.Artifact(func() { low.Line(pdf.Color{1, 0, 0}, 0.5, 10, 35, 190, 35) })
	plate, err := press.Pack(template)
	if err != nil {
		t.Fatal(err)
	}
	d := plate.Document(info())
	high := d.Page(0)
	link := high.Marked("Link", func() { high.Text(pdf.Text{Family: family, Size: 10, X: 10, Y: 50, String: "example"}) })
	code := d.Code([][]bool{{true, false}, {false, true}})
	figure := high.Marked("Figure", func() { high.Code(code, 10, 60, 40) })
	d.Root.Add(&pdf.Element{Type: "H1", Marks: []pdf.Mark{head}})
	e := d.Root.Add(&pdf.Element{Type: "Link", Marks: []pdf.Mark{link}})
	d.Links = []pdf.Link{{Box: pdf.Box{X: 10, Y: 40, Width: 50, Height: 12}, URI: "https://verify.example/", Text: "Check", Element: e}}
	d.Root.Add(&pdf.Element{Type: "Figure", Alt: "四つの升", Box: &pdf.Box{X: 10, Y: 60, Width: 40, Height: 40}, Marks: []pdf.Mark{figure}})
	file, err := press.Print(d)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestContentWithoutAPlace: what is drawn but stands nowhere in the structure, or twice, or outside marked content, is refused.
func TestContentWithoutAPlace(t *testing.T) {
	t.Parallel()
	text, _ := families(t)
	for want, spoil := range map[string]func(d *pdf.Document){
		"belongs to no element":                func(d *pdf.Document) { d.Page(0).Marked("P", func() {}) },
		"is not there or another's":            func(d *pdf.Document) { d.Root.Add(&pdf.Element{Type: "P", Marks: []pdf.Mark{0}}) },
		"outside marked content":               func(d *pdf.Document) { d.Page(0).Rectangle(pdf.Color{}, 0, 0, 1, 1) },
		"marked content inside marked content": func(d *pdf.Document) { d.Page(0).Artifact(func() { d.Page(0).Artifact(func() {}) }) },
		"a curve of 2 points": func(d *pdf.Document) {
			d.Page(0).Artifact(func() { d.Page(0).Curve(pdf.Color{}, 1, make([][2]float64, 2)) })
		},
		"a code without modules": func(d *pdf.Document) { d.Code(nil) },
		"a link":                 func(d *pdf.Document) { d.Links = []pdf.Link{{}} },
	} {
		press := &pdf.Press{}
		d := drawn(t, press, text, []string{"証"})
		spoil(d)
		if _, err := press.Print(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTemplateFonts: a text whose glyphs a template has already is drawn with them; otherwise the document brings its own.
func TestTemplateFonts(t *testing.T) {
	t.Parallel()
	text, _ := families(t)
	press := &pdf.Press{}
	template := pdf.NewTemplate()
	low := template.Page(200, 200)
	label := low.Marked("P", func() { low.Text(pdf.Text{Family: text, Size: 10, X: 10, Y: 30, String: "氏名 0123456789"}) })
	plate, err := press.Pack(template)
	if err != nil {
		t.Fatal(err)
	}
	for value, fonts := range map[string]int{"7015": 1, "氏": 1, "山0": 2} {
		d := plate.Document(info())
		mark := d.Page(0).Marked("P", func() { d.Page(0).Text(pdf.Text{Family: text, Size: 10, X: 10, Y: 60, String: value}) })
		d.Root.Kids = []*pdf.Element{{Type: "P", Marks: []pdf.Mark{label}}, {Type: "P", Marks: []pdf.Mark{mark}}}
		file, err := press.Print(d)
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, file)
		run(t, "qpdf", "--check", path)
		if n := strings.Count(run(t, "pdffonts", path), "CID TrueType"); n != fonts {
			t.Errorf("%s: %d fonts, want %d", value, n, fonts)
		}
		if got := strings.Fields(run(t, "pdftotext", path, "-")); got[len(got)-1] != value {
			t.Errorf("%q, want %s", got, value)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	text, _ := families(t)
	for _, c := range []struct {
		text  string
		width float64
		want  string
	}{
		{"これは、証です。", 42, "これは、|証です。"},
		{"これはね、証です。", 42, "これは|ね、証で|す。"},
		{"あいう（えお）", 41, "あいう|（えお）"},
		{"The quick brown fox", 60, "The quick|brown fox"},
		{"日本 Japan", 200, "日本 Japan"},
		{"Wolfeschlegelsteinhausen", 60, "Wolfeschl|egelsteinh|ausen"},
		{"葛\U000E0101葛\U000E0101葛\U000E0101", 20, "葛\U000E0101葛\U000E0101|葛\U000E0101"},
		{"", 10, ""},
	} {
		got, err := text.Lines(c.text, 10, c.width)
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("%s at %v: %q, error %v, want %s", c.text, c.width, got, err, c.want)
		}
	}
	if _, err := text.Lines("あ\U000F0000", 10, 20); !errors.Is(err, fault.Invalid) {
		t.Errorf("a text with an unknown character: %v", err)
	}
}
