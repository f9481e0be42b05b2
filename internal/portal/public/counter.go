package public

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"akashi/internal/credential"
	"akashi/internal/portal/ui"
	"akashi/internal/verification"
)

// The counter is a page that stays open: it reads one code after the other, asks about each, and shows the results of this
// sitting, which it keeps in its own memory only. Once loaded it works without a network, by keys and status lists that it
// fetched before, and says how old they are. Its addresses lie under a path of its own, because the service worker that
// keeps the page answers for everything below the path at which it lies.
const (
	counterPath = "/counter/"
	workerPath  = "/counter/worker.js"
	trustPath   = "/counter/trust.json"
	askPath     = "/w/check"
)

// decoderFiles are the decoder of QR codes: a script with one that it imports, and its WebAssembly.
func decoderFiles() []string {
	return []string{"zxing-wasm-3.1.4/reader/index.js", "zxing-wasm-3.1.4/share.js", "zxing-wasm-3.1.4/zxing_reader.wasm"}
}

// kept are the static files without which the counter does not work.
func kept() []string {
	return append([]string{"app.css", "mark.svg", "ui.js", "check.js", "scan.js", "counter.js", "proof.js"}, decoderFiles()...)
}

// counterView is what the counter's script works with. Every wording and every picture of a result stands in the page, so that
// a result without a network looks like one with.
type counterView struct {
	Words   map[string]string // by key, with their readings
	Results []counterResult
	Lang    string
}

// counterResult is how one verdict looks, without the credential's own.
type counterResult struct {
	Verdict string
	Panel   ui.Result
	Next    string
}

func (p *portal) counter(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "counter.title")
	page.Current, page.Wide, page.Camera, page.Scripts = "counter", true, true, []string{"scan.js", "counter.js"}
	return page.Render(w, counterPage(page, fillCounter(page)))
}

// counterWords are the wordings that the script puts together.
func counterWords() []string {
	keys := []string{"check.ok", "check.failed", "check.open", "check.untampered", "check.issuer", "check.status", "say.at", "say.found", "say.since", "say.since_until",
		"say.untampered_yes", "say.untampered_no", "say.issuer_no", "result.at", "result.legal_original", "fact.original", "counter.online",
		"counter.offline", "counter.offline_old", "counter.offline_none", "counter.unreadable", "counter.busy", "counter.checking",
		"counter.condition", "counter.condition_suspended", "counter.condition_nameless",
		"next.suspended_until", "say.status_suspended_until", "counter.why_key", "counter.why_reference", "counter.why_list", "counter.why_network",
		"counter.no_code", "counter.nothing", "counter.file_network"}
	for _, v := range []string{"valid", "suspended", "revoked", "expired", "replaced"} {
		keys = append(keys, "say.status_"+v)
	}
	for _, label := range shown() {
		keys = append(keys, "fact."+label)
	}
	for _, reason := range reasons() {
		keys = append(keys, "reason."+reason)
	}
	return keys
}

func fillCounter(page *ui.Page) counterView {
	v := counterView{Words: map[string]string{}, Lang: string(page.Lang)}
	for _, key := range counterWords() {
		v.Words[key] = page.R(key)
	}
	for _, verdict := range verification.Verdicts {
		if verdict == verification.Unreadable {
			continue
		}
		one := counterResult{Verdict: string(verdict), Next: page.R("next." + string(verdict)), Panel: ui.Result{Verdict: verdictOf(verdict)}}
		if verdict == verification.Tampered || verdict == verification.UnknownIssuer {
			one.Panel.Detail = page.R("result.detail_" + string(verdict))
		}
		if verdict == verification.CannotTell {
			one.Next = page.R("counter.next_cannot_tell")
		}
		v.Results = append(v.Results, one)
	}
	v.Results = append(v.Results, counterResult{Verdict: "conditional", Next: page.R("next.valid"), Panel: ui.Result{Verdict: ui.VerdictConditional}})
	return v
}

// ask answers the counter's script: the result as the API gives it. Nothing of the question is stored or logged.
func (p *portal) ask(w http.ResponseWriter, r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return p.askFile(w, r)
	}
	text, err := posted(r)
	if err != nil {
		return err
	}
	result := verification.Result{Verdict: verification.Unreadable, CheckedAt: p.Verifier.DB.Clock.Now()}
	if text != "" {
		result = p.look(r, text)
	}
	return answerJSON(w, result)
}

// askFile is ask for a file that the script cannot read by itself: a PDF, or a credential for wallets.
func (p *portal) askFile(w http.ResponseWriter, r *http.Request) error {
	file, err := uploaded(r)
	if err != nil {
		return err
	}
	result, _, err := p.lookFile(r, file)
	if err != nil {
		return err
	}
	return answerJSON(w, result)
}

func answerJSON(w http.ResponseWriter, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing an answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(raw)
	return err
}

// trust is what a check without a network goes by, beside the status lists: the keys, and the time, because the clock of a counter's
// computer may be wrong.
type trust struct {
	Now  int64           `json:"now"` // milliseconds since 1970
	Keys json.RawMessage `json:"keys"`
}

func (p *portal) trust(w http.ResponseWriter, r *http.Request) error {
	set, err := p.Verifier.KeySet(r.Context())
	if err != nil {
		return err
	}
	keys, err := set.For(credential.ForCredential, credential.ForStatus).JWKS()
	if err != nil {
		return err
	}
	return answerJSON(w, trust{Now: p.Verifier.DB.Clock.Now().UnixMilli(), Keys: keys})
}

// worker is the script that keeps the counter's page and files for times without a network. It lists the files by their
// content, so that another version of any of them is another script, which browsers notice.
func (p *portal) worker(w http.ResponseWriter, r *http.Request) error {
	page := p.site.Page(r, "counter.title")
	body, err := p.site.Static("counter-worker.js")
	if err != nil {
		return err
	}
	files := make([]string, 0, len(kept()))
	for _, name := range kept() {
		files = append(files, page.Asset(name))
	}
	sum := sha256.Sum256([]byte(strings.Join(files, "\n") + string(body)))
	settings, err := json.Marshal(map[string]any{"page": page.URL(counterPath), "files": slices.Compact(files),
		"cache": "akashi-counter-" + string(page.Lang) + "-" + hex.EncodeToString(sum[:6])})
	if err != nil {
		return fmt.Errorf("writing the counter's worker: %w", err)
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, err = fmt.Fprintf(w, "const settings = %s;\n%s", settings, body)
	return err
}
