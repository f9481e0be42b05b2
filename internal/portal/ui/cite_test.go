package ui

import "testing"

// TestCited: addresses are named by their site and lead to the page; nothing else is a link, and nothing gets out of its place.
func TestCited(t *testing.T) {
	for line, want := range map[string]string{
		"出典：見本法7条":                          "出典：見本法7条",
		"出典：https://www.pref.mihon.lg.jp/a": `<span>出典：<a class="ak-code" href="https://www.pref.mihon.lg.jp/a" rel="noreferrer">www.pref.mihon.lg.jp</a></span>`,
		"見本法（http://a.example:80/x?y=1&z=2）、https://b.example/.": `<span>見本法（<a class="ak-code" href="http://a.example:80/x?y=1&amp;z=2" rel="noreferrer">a.example</a>）、` +
			`<a class="ak-code" href="https://b.example/" rel="noreferrer">b.example</a>.</span>`,
		"https://www.pref.mihon.lg.jp@evil.example/": "https://www.pref.mihon.lg.jp@evil.example/",
		`https://a.example/"onclick="x`:              `<span><a class="ak-code" href="https://a.example/" rel="noreferrer">a.example</a>&#34;onclick=&#34;x</span>`,
		"javascript:alert(1) <b>":                    "javascript:alert(1) &lt;b&gt;",
	} {
		if got := citedHTML(line); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
}
