package idp

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed pages
var files embed.FS

// pages draws the simulator's pages. They need no script.
type pages struct {
	templates *template.Template
	css       []byte
}

func loadPages() (*pages, error) {
	templates, err := template.ParseFS(files, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	css, err := files.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	return &pages{templates, css}, nil
}

// style serves the style sheet.
func (p *pages) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(p.css)
}

// show draws a page whose forms may lead to redirect, the client's address, beside the provider's own.
func (p *pages) show(w http.ResponseWriter, status int, name, redirect string, data any) {
	var out bytes.Buffer
	if err := p.templates.ExecuteTemplate(&out, name, data); err != nil {
		http.Error(w, "the page cannot be drawn: "+err.Error(), http.StatusInternalServerError)
		return
	}
	forms := "'self'"
	if u, err := url.Parse(redirect); err == nil && u.Host != "" {
		forms += " " + u.Scheme + "://" + u.Host
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; form-action "+forms+"; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

// refuse draws a page that says why the visit cannot go on.
func (p *pages) refuse(w http.ResponseWriter, status int, why string) {
	p.show(w, status, "refused.html", "", struct{ Title, Why string }{"続けられません", why})
}
