package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"akashi/internal/blob"
	"akashi/internal/fault"
)

func newStore(t *testing.T) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a", "files")
	s, err := blob.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// leftovers lists the regular files under dir, relative to it.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		out = append(out, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutAndOpen(t *testing.T) {
	s, dir := newStore(t)
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(rt, "content")
		ref, err := s.Put(ctx, iotest.OneByteReader(bytes.NewReader(content)), int64(len(content)))
		if err != nil {
			rt.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if ref.SHA256 != hex.EncodeToString(sum[:]) || ref.Size != int64(len(content)) {
			rt.Fatalf("Put gave %+v", ref)
		}
		f, err := s.Open(ctx, ref.SHA256)
		if err != nil {
			rt.Fatal(err)
		}
		defer f.Close()
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
			rt.Fatalf("read %d bytes back, %v", len(got), err)
		}
		if err := s.Verify(ctx, ref.SHA256); err != nil {
			rt.Fatal(err)
		}
	})
	for _, path := range leftovers(t, dir) {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != 0o600 || strings.HasPrefix(path, "tmp") {
			t.Errorf("%s: %v %v, want mode 0600 outside tmp", path, info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the store's directory: %v, %v; want mode 0700", info.Mode(), err)
	}
}

func TestPutRefuses(t *testing.T) {
	s, dir := newStore(t)
	if _, err := s.Put(t.Context(), strings.NewReader("12345"), 4); !errors.Is(err, fault.TooLarge) {
		t.Errorf("five bytes within a limit of four: %v, want too_large", err)
	}
	cut := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := s.Put(t.Context(), cut, 100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an upload that breaks off: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(cancelled, strings.NewReader("x"), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled upload: %v", err)
	}
	if left := leftovers(t, dir); len(left) != 0 {
		t.Errorf("refused uploads left %v", left)
	}
}

func TestNotFound(t *testing.T) {
	s, _ := newStore(t)
	for _, digest := range []string{strings.Repeat("0", 64), "", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("../", 21) + "a"} {
		if _, err := s.Open(t.Context(), digest); !errors.Is(err, fault.NotFound) {
			t.Errorf("Open(%q): %v, want not_found", digest, err)
		}
		if ok, err := s.Exists(t.Context(), digest); ok || err != nil {
			t.Errorf("Exists(%q) = %v, %v", digest, ok, err)
		}
	}
}

// TestTogether: many writers of the same content, as when a visitor presses a button twice.
func TestTogether(t *testing.T) {
	s, dir := newStore(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Put(t.Context(), strings.NewReader("the same"), 100); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := leftovers(t, dir); len(left) != 1 {
		t.Errorf("the store holds %v, want one file", left)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	s, dir := newStore(t)
	ref, err := s.Put(t.Context(), strings.NewReader("true"), 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ref.SHA256[:2], ref.SHA256), []byte("false"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), ref.SHA256); !errors.Is(err, fault.Internal) {
		t.Errorf("a changed file: %v, want internal", err)
	}
}

func TestSweep(t *testing.T) {
	s, dir := newStore(t)
	crash := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	old, young := filepath.Join(dir, "tmp", "put-1"), filepath.Join(dir, "tmp", "put-2")
	for path, at := range map[string]time.Time{old: crash, young: crash.Add(48 * time.Hour)} {
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(t.Context(), crash.Add(24*time.Hour)); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	if left := leftovers(t, dir); len(left) != 1 || left[0] != "tmp/put-2" {
		t.Errorf("after the sweep: %v", left)
	}
}

// TestKilledWriter kills a process in the middle of Put: no file has appeared, and Sweep clears what it left.
func TestKilledWriter(t *testing.T) {
	if dir := os.Getenv("BLOB_TEST_WRITE_TO"); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	s, dir := newStore(t)
	writer := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
	writer.Env = append(os.Environ(), "BLOB_TEST_WRITE_TO="+dir)
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := writer.StdinPipe() // kept open: the writer waits on it
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("writing"))); err != nil {
		t.Fatal(err)
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := writer.Wait(); !errors.As(err, &exit) {
		t.Fatalf("the writer ended with %v, want to be killed", err)
	}
	if left := leftovers(t, dir); len(left) != 1 || !strings.HasPrefix(left[0], "tmp/") {
		t.Errorf("the killed writer left %v, want one file in tmp", left)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
}

// writeUntilKilled puts a megabyte, says so, and waits for more on its standard input.
func writeUntilKilled(t *testing.T, dir string) {
	s, err := blob.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), announcement{}, os.Stdin), 1<<30)
	t.Fatalf("the writer was not killed: %v", err)
}

// announcement is an empty reader that says on standard output when it is reached.
type announcement struct{}

func (announcement) Read([]byte) (int, error) {
	if _, err := os.Stdout.WriteString("writing"); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

func picture(w, h int) image.Image {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 31)
	}
	m.SetGray(0, 0, color.Gray{255})
	return m
}

func encoded(t testing.TB, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, picture(40, 30)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegFile(t testing.TB) []byte {
	return encoded(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
}

func pngFile(t testing.TB) []byte { return encoded(t, png.Encode) }

// pdfFile writes a PDF of one empty page with a table of cross-references.
func pdfFile() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	table := "xref\n0 4\n0000000000 65535 f \n"
	for i, object := range []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"} {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj%s endobj\n", i+1, object)
	}
	fmt.Fprintf(&b, "%strailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table, b.Len())
	return b.Bytes()
}

// withOffset replaces the offset behind startxref.
func withOffset(pdf []byte, offset string) []byte {
	head, _, _ := bytes.Cut(pdf, []byte("startxref"))
	return append(bytes.Clone(head), "startxref\n"+offset+"\n%%EOF\n"...)
}

func TestSniff(t *testing.T) {
	pdf, jpg, pn := pdfFile(), jpegFile(t), pngFile(t)
	thumbnail := append([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 0, 0}, jpg[2:]...)
	huge := bytes.Clone(pn)
	copy(huge[16:24], []byte{0, 0, 0x80, 0, 0, 0, 0x80, 0})
	for _, c := range []struct {
		name    string
		content []byte
		want    blob.Media
		key     string
	}{
		{"a PDF", pdf, blob.PDF, ""},
		{"a JPEG", jpg, blob.JPEG, ""},
		{"a JPEG with a film behind it", append(bytes.Clone(jpg), make([]byte, 200_000)...), blob.JPEG, ""},
		{"a JPEG with a thumbnail", thumbnail, blob.JPEG, ""},
		{"a PNG", pn, blob.PNG, ""},
		{"nothing", nil, "", "file.kind"},
		{"a web page", []byte("<html>"), "", "file.kind"},
		{"a web page before a PDF", append([]byte("<html>"), pdf...), "", "file.kind"},
		{"a GIF", []byte("GIF89a\x01\x00\x01\x00"), "", "file.kind"},
		{"a cut PDF", pdf[:len(pdf)-8], blob.PDF, "file.broken"},
		{"a PDF with a false offset", withOffset(pdf, "12"), blob.PDF, "file.broken"},
		{"a PDF with an offset outside", withOffset(pdf, "9999"), blob.PDF, "file.broken"},
		{"a cut JPEG", jpg[:len(jpg)-2], blob.JPEG, "file.broken"},
		{"a cut JPEG with a thumbnail", thumbnail[:len(thumbnail)-2], blob.JPEG, "file.broken"},
		{"the head of a JPEG", jpg[:4], blob.JPEG, "file.broken"},
		{"a cut PNG", pn[:len(pn)-12], blob.PNG, "file.broken"},
		{"the head of a PNG", pn[:8], blob.PNG, "file.broken"},
		{"a PNG with a false check sum", bytes.Replace(pn, []byte("IHDR\x00\x00"), []byte("IHDR\x00\x01"), 1), blob.PNG, "file.broken"},
		{"a PNG of a thousand megapixels", withCRC(huge), blob.PNG, "file.pixels"},
	} {
		got, err := blob.Sniff(bytes.NewReader(c.content), int64(len(c.content)))
		if key := keyOf(err); got != c.want || key != c.key || c.key != "" && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %q, %v; want %q, key %q", c.name, got, err, c.want, c.key)
		}
	}
}

func keyOf(err error) string {
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}

// TestSniffForeignFiles takes files that other programs made.
func TestSniffForeignFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "stream.pdf")
	in := filepath.Join(dir, "in.pdf")
	if err := os.WriteFile(in, pdfFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{{"--object-streams=generate"}, {"--linearize"}, {"--object-streams=disable"}} {
		out, err := exec.Command("qpdf", append(arguments, in, path)...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("qpdf is not installed")
		}
		if err != nil {
			t.Fatalf("qpdf %v: %v\n%s", arguments, err, out)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := blob.Sniff(bytes.NewReader(content), int64(len(content))); got != blob.PDF || err != nil {
			t.Errorf("qpdf %v: %q, %v", arguments, got, err)
		}
	}
}

func TestStoreSniff(t *testing.T) {
	s, _ := newStore(t)
	ref, err := s.Put(t.Context(), bytes.NewReader(pngFile(t)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.Sniff(t.Context(), ref.SHA256); m != blob.PNG || m.Extension() != ".png" || err != nil {
		t.Errorf("Sniff = %q, %v", m, err)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add(pdfFile())
	f.Add(jpegFile(f))
	f.Add(pngFile(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := blob.Sniff(bytes.NewReader(content), int64(len(content)))
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%v, want an invalid fault", err)
		}
		if err == nil && m.Extension() == "" {
			t.Errorf("accepted %q", m)
		}
	})
}

// withCRC puts the right check sum behind the header of a PNG.
func withCRC(b []byte) []byte {
	sum := crc32.ChecksumIEEE(b[12:29])
	binary.BigEndian.PutUint32(b[29:33], sum)
	return b
}
