package browser_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/browser"
)

// TestMain runs the tests as on a machine where no locale is set.
func TestMain(m *testing.M) {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if err := os.Unsetenv(name); err != nil {
			fmt.Fprintln(os.Stderr, "forgetting the locale:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

const form = `<!DOCTYPE html><html lang="ja"><head><meta name="viewport" content="width=device-width"><title>申請</title></head><body><main><h1>申請</h1>
<form method="post" action="/send" enctype="multipart/form-data">
<label for="n">氏名</label><input id="n" name="name">
<label for="s">県</label><select id="s" name="home"><option value=""></option><option value="41">佐賀県</option></select>
<fieldset><legend>性別</legend><label><input type="radio" name="sex" value="1">男</label><label><input type="radio" name="sex" value="2">女</label></fieldset>
<label><input type="checkbox" name="agree" value="yes">同意</label>
<label for="f">書類</label><input id="f" type="file" name="file">
<button type="submit">送信する</button></form><p><a href="/other">ほかのページ</a></p><p id="script"></p></main>
<script>document.getElementById("script").textContent = "動いた"</script></body></html>`

// serve is a small site: a form, its answer, a page with faults.
func serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	page := func(path, html string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = fmt.Fprint(w, html)
		})
	}
	page("GET /{$}", form)
	page("GET /other", `<!DOCTYPE html><html lang="ja"><title>ほか</title><main><h1>ほか</h1></main></html>`)
	page("GET /poor", `<!DOCTYPE html><html><title>poor</title><body><input name="x"><img src="data:,"><p style="color:#ddd">pale</p></body></html>`)
	page("GET /throws", `<!DOCTYPE html><html lang="ja"><title>x</title><script>undefined.x</script></html>`)
	mux.HandleFunc("GET /strict", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><html lang="ja"><title>x</title><p style="color:red">x</p></html>`)
	})
	mux.HandleFunc("GET /cookie", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: "me", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><title>%s</title>", r.Header.Get("Cookie"))
	})
	mux.HandleFunc("POST /send", func(w http.ResponseWriter, r *http.Request) {
		_, header, err := r.FormFile("file")
		name := "none"
		if err == nil {
			name = header.Filename
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><main>%s|%s|%s|%s|%s</main>", r.FormValue("name"), r.FormValue("home"), r.FormValue("sex"), r.FormValue("agree"), name)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAFormIsFilledAndSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "診断書.pdf")
	if err := os.WriteFile(file, []byte("%PDF-"), 0o600); err != nil {
		t.Fatal(err)
	}
	origin := serve(t)
	for name, options := range map[string][]browser.Option{"scripts": nil, "no scripts": {browser.NoJS()}} {
		t.Run(name, func(t *testing.T) {
			tab := browser.New(t, options...)
			if status := tab.Open(origin); status != 200 {
				t.Fatalf("status %d", status)
			}
			if ran := tab.Text("#script") != ""; ran != (options == nil) {
				t.Errorf("scripts ran: %v", ran)
			}
			tab.FillAll("name", "髙橋", "home", "41", "sex", "2", "agree", "yes")
			tab.Upload("file", file)
			if got := tab.Value("name") + tab.Value("sex") + tab.Value("agree"); got != "髙橋2yes" {
				t.Errorf("values are %q", got)
			}
			tab.Press("送信する")
			if got := tab.Text("main"); got != "髙橋|41|2|yes|診断書.pdf" || tab.Status() != 422 {
				t.Errorf("sent %q, status %d", got, tab.Status())
			}
			tab.Open(origin)
			tab.Press("ほか")
			if tab.Path() != "/other" || tab.Title() != "ほか" {
				t.Errorf("the link led to %s", tab.URL())
			}
		})
	}
}

func TestVisitorsShareNothing(t *testing.T) {
	origin := serve(t)
	one, two := browser.New(t), browser.New(t)
	one.Open(origin + "/cookie")
	two.Open(origin + "/other")
	if c := one.Cookies(); len(c) != 1 || c[0].Name != "who" || !c[0].HTTPOnly || c[0].SameSite != "Lax" {
		t.Errorf("cookies are %+v", c)
	}
	if c := two.Cookies(); len(c) != 0 {
		t.Errorf("another visitor has %+v", c)
	}
	same := one.Another()
	same.Open(origin + "/cookie")
	if same.Title() != "who=me" {
		t.Errorf("a second tab of the same visitor sent %q", same.Title())
	}
}

func TestPagesThatMisbehaveAreReported(t *testing.T) {
	origin := serve(t)
	for path, want := range map[string]string{"/strict": "Content Security Policy", "/throws": "Uncaught"} {
		tab := browser.New(t)
		tab.Open(origin + path)
		tab.Reload()
		if got := strings.Join(tab.Problems(), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: reported %q, want %q", path, got, want)
		}
		tab.Forgive()
	}
}

// recorder stands in for a test that is expected to fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// TestAxeFindsFaults on the second page that a tab looks at, in each state of it, and leaves nothing among the page's own scripts.
func TestAxeFindsFaults(t *testing.T) {
	origin := serve(t)
	for name, options := range map[string][]browser.Option{"scripts": nil, "no scripts": {browser.NoJS()}} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			tab := browser.New(r, options...)
			tab.Open(origin)
			tab.Axe()
			if len(r.errors) > 0 {
				t.Errorf("axe reports of a good page: %q", r.errors)
			}
			finds := func(rules ...string) {
				t.Helper()
				r.errors = nil
				tab.Axe()
				all := strings.Join(r.errors, "\n")
				for _, rule := range rules {
					if !strings.Contains(all, rule) {
						t.Errorf("axe did not report %q: %s", rule, all)
					}
				}
			}
			tab.Open(origin + "/poor")
			finds("label: ", "image-alt: ", "html-has-lang: ", "color-contrast: ")
			browser.Eval[bool](tab, `(document.body.append(document.createElement("button")), true)`)
			finds("button-name: ", "image-alt: ")
			if browser.Eval[bool](tab, `"axe" in window || "loadAxe" in window`) {
				t.Error("axe-core is among the page's scripts")
			}
		})
	}
}

func TestScreenshotsHaveTheWidth(t *testing.T) {
	tab := browser.New(t, browser.Width(390))
	tab.Open(serve(t))
	path := filepath.Join(t.TempDir(), "shots", "form.png")
	tab.Screenshot(path, 390)
	raw, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(raw), "\x89PNG") {
		t.Fatalf("no picture: %v", err)
	}
	if got := tab.ScrollWidth(320); got != 320 {
		t.Errorf("the form needs %d of 320 pixels: %v", got, tab.Overflowing())
	}
	if stops := tab.TabStops(20); len(stops) < 6 || stops[0] != "#n" {
		t.Errorf("stops are %v", stops)
	}
}

// TestTheCameraShowsThePicture: what is held before the camera is what a page sees, and the next picture when the camera is
// switched on again.
func TestTheCameraShowsThePicture(t *testing.T) {
	tab := browser.New(t)
	tab.Open(serve(t) + "/other")
	for _, want := range []uint8{40, 220} {
		picture := image.NewGray(image.Rect(0, 0, 640, 480))
		draw.Draw(picture, picture.Rect, image.NewUniform(color.Gray{Y: want}), image.Point{}, draw.Src)
		browser.ShowToCamera(t, picture)
		seen := browser.Eval[[]int](tab, `(async () => {
			const stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1280}, height: {ideal: 720}}});
			const video = Object.assign(document.createElement("video"), {srcObject: stream, muted: true, playsInline: true});
			await video.play();
			const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
			pen.drawImage(video, 0, 0, 8, 8);
			stream.getTracks().forEach(track => track.stop());
			return [video.videoWidth, video.videoHeight, ...pen.getImageData(4, 4, 1, 1).data];
		})()`)
		if len(seen) != 6 || seen[0] != 640 || seen[2] < int(want)-20 || seen[2] > int(want)+20 {
			t.Errorf("a picture of brightness %d is seen as %v", want, seen)
		}
	}
}
