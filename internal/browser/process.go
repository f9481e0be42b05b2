// Package browser drives a headless Chromium in tests: it opens pages, fills forms, takes screenshots and runs axe-core
// for accessibility. One browser process serves a whole test binary; each New has a context of its own, with its own
// cookies, as another person at another computer would have.
//
// Every method fails the test by itself, so that a test reads as a list of what a person does. A page that breaks the
// content security policy or throws an error fails the test in which it was opened. The package is for tests only.
package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// install is what a developer without a browser has to run.
const install = "apt-get install -y --no-install-recommends chromium-headless-shell fonts-noto-cjk"

// shared is the browser process of this test binary. It is the one global of the package: the process must outlive the
// single test that happens to start it.
var shared struct {
	once   sync.Once
	ctx    context.Context
	camera string    // the file that its camera shows
	life   io.Closer // its end, at the end of this process, lets the profile be removed; held so that it is not collected
	err    error
}

// process returns the context of the running browser and starts it at the first call.
func process(t testing.TB) context.Context {
	t.Helper()
	shared.once.Do(func() { shared.ctx, shared.err = start() })
	if shared.err != nil {
		t.Fatalf("starting the browser: %v", shared.err)
	}
	return shared.ctx
}

func start() (context.Context, error) {
	path, err := findChromium()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "akashi-chromium-")
	if err != nil {
		return nil, fmt.Errorf("making a profile directory: %w", err)
	}
	if shared.life, err = removeAtEnd(profile); err != nil {
		return nil, err
	}
	shared.camera = filepath.Join(profile, "camera.mjpeg")
	if err := film(shared.camera, image.NewGray(image.Rect(0, 0, 320, 240))); err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-device-scale-factor", "1"), chromedp.Flag("lang", "ja"),
		chromedp.Flag("font-render-hinting", "none"),
		chromedp.Env("LC_ALL=C.UTF-8"), // or it loses files with Japanese names where no locale is set, as in a container
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", shared.camera),
		chromedp.WindowSize(1280, 900))
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...) // ends with the test binary
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		return nil, err
	}
	return ctx, nil
}

// ShowToCamera holds a picture before the camera of every tab: one that is switched on after this sees it. The tests of a binary
// share the camera, so those that use it do not run at the same time.
func ShowToCamera(t testing.TB, picture image.Image) {
	t.Helper()
	process(t)
	if err := film(shared.camera, picture); err != nil {
		t.Fatalf("holding a picture before the camera: %v", err)
	}
}

// film writes a picture as a film of one frame, which the browser shows again and again. It appears as a whole. Frames have
// colours, because the browser's reader of films takes no others, and sides of whole blocks.
func film(path string, picture image.Image) error {
	frameOf := image.NewRGBA(image.Rect(0, 0, picture.Bounds().Dx()&^15, picture.Bounds().Dy()&^15))
	draw.Draw(frameOf, frameOf.Rect, picture, picture.Bounds().Min, draw.Src)
	var frame bytes.Buffer
	if err := jpeg.Encode(&frame, frameOf, &jpeg.Options{Quality: 100}); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", frame.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// findChromium prefers the headless shell, which starts in a third of the time and draws the same pages.
func findChromium() (string, error) {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Chromium found; run: %s", install)
}

// removeAtEnd starts a shell that waits until this test binary has ended in whatever way, which closes its standard
// input, and then removes the profile. Chromium itself is ended by the kernel (parent-death signal).
func removeAtEnd(dir string) (io.Closer, error) {
	cmd := exec.Command("/bin/sh", "-c", `cat >/dev/null; sleep 0.3; rm -rf "$1" || { sleep 1; rm -rf "$1"; }`, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C at the terminal must not end it before its work
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the clean-up of the profile: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the clean-up of the profile: %w", err)
	}
	return life, nil
}
