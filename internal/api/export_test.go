package api

import (
	"bytes"
	"encoding/json"
	"net/http"
)

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
