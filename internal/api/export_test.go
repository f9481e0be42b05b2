package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"akashi/internal/server"
)

// OnlyDescribed answers everything by the description, and what is asked most, too. It limits nobody.
func OnlyDescribed(cfg Config) http.Handler {
	mux := server.NewMux()
	(&service{Config: cfg}).describe(mux)
	return headers(true, versioned(mux))
}

// PlainQuestion is what quick takes for a question in the plain form.
func PlainQuestion(body []byte) (string, bool) { return plainQuestion(body) }

// Written is how quick writes an answer.
func Written(v Verification) []byte { return (&buffer{}).write(&v) }

// Describe makes the description anew from the operations, indented.
func Describe() ([]byte, error) {
	raw, err := json.Marshal((&service{}).describe(http.NewServeMux()).OpenAPI())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
