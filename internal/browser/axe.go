package browser

import (
	"context"
	_ "embed"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeSource is axe-core 4.14.1 (MPL-2.0, see testdata/axe.LICENSE.txt). It is compiled into test binaries only.
//
//go:embed testdata/axe.min.js
var axeSource string

// axeWorld names the world in which axe-core lives: the page's elements are there, and nothing of its scripts, so that neither
// meets the other.
const axeWorld = "axe"

// axeLoader is what a document brings with it: half a megabyte, which the browser reads once for all documents of a process and
// runs when a look calls it.
var axeLoader = "globalThis.loadAxe = () => {" + axeSource + "\n}"

// axeRun checks the levels A and AA of WCAG 2.0 to 2.2 and the best practices.
const axeRun = `(globalThis.axe ?? (loadAxe(), axe)).run(document, {resultTypes: ["violations", "incomplete"], runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
	.then(r => ({
		violations: r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + " — " + n.target.join(" ") + " — " + n.html.slice(0, 200) + " — " + (n.failureSummary ?? ""))),
		incomplete: r.incomplete.flatMap(v => v.nodes.map(n => v.id + " — " + n.target.join(" "))),
	}))`

// AxeReport is what axe-core says of a page.
type AxeReport struct {
	Violations []string `json:"violations"`
	Incomplete []string `json:"incomplete"` // what it could not decide; for a person to look at
}

// Axe checks the accessibility of the open page as it is now. Violations fail the test; what could not be decided is
// counted in the log and returned. It is evaluated by the debugger, so the page's security policy needs no hole for it; where scripts are
// switched off, they are on while it works, because it waits for timers.
func (tab *Tab) Axe() []string {
	tab.t.Helper()
	if tab.plain {
		tab.setScripts(true)
		defer tab.setScripts(false)
	}
	report := evalIn[AxeReport](tab, tab.axeContext(), axeRun)
	for _, v := range report.Violations {
		tab.t.Errorf("accessibility of %s: %s", tab.URL(), v)
	}
	if len(report.Incomplete) > 0 {
		tab.t.Logf("axe could not decide on %d elements of %s, the first: %s", len(report.Incomplete), tab.URL(), report.Incomplete[0])
	}
	return report.Incomplete
}

// axeContext is the world of the open document in which axe-core lives. A tab brings it there from its first look on; a document
// that was loaded without scripts has not got it and is given it.
func (tab *Tab) axeContext() runtime.ExecutionContextID {
	tab.t.Helper()
	var id runtime.ExecutionContextID
	tab.call("bringing axe-core", func(ctx context.Context) error {
		if !tab.axe {
			now := true
			_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
				Source: axeLoader, WorldName: axeWorld, RunImmediately: &now})
			if err != nil {
				return err
			}
			tab.axe = true
		}
		tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		world, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: axeWorld})
		id = world.ExecutionContextID
		return err
	})
	if !evalIn[bool](tab, id, `"loadAxe" in globalThis`) {
		evalIn[bool](tab, id, axeLoader+"; true")
	}
	return id
}

// evalIn is Eval in another world of the page than its own.
func evalIn[T any](tab *Tab, world runtime.ExecutionContextID, expression string) T {
	tab.t.Helper()
	var value T
	tab.call("evaluating "+expression[:min(len(expression), 200)], func(ctx context.Context) (err error) {
		value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise, func(p *runtime.EvaluateParams) { p.ContextID = world }))
		return err
	})
	return value
}
