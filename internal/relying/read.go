package relying

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"akashi/internal/fault"
	"akashi/internal/format/jcs"
)

// ReadJSON reads {"credentials": [{"ref": "…", "credential": "…"}, …]}. fault.Invalid with ReasonLines and every line that is
// wrong, up to a few.
func ReadJSON(body []byte) ([]Line, error) {
	var sent struct {
		Credentials []struct {
			Ref        string `json:"ref"`
			Credential string `json:"credential"`
		} `json:"credentials"`
	}
	if err := jcs.Unique(body); err != nil {
		return nil, refuseLines("a member stands twice")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&sent); err != nil {
		return nil, refuseLines("the body is not the JSON that is described: " + jsonPlace(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuseLines("something follows the JSON")
	}
	lines := make([]Line, 0, len(sent.Credentials))
	for _, c := range sent.Credentials {
		lines = append(lines, Line{Ref: c.Ref, Credential: strings.TrimSpace(c.Credential)})
	}
	return check(lines)
}

// jsonPlace says where the JSON is wrong and never what stands there.
func jsonPlace(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("at byte %d, member %s", kind.Offset, kind.Field)
	}
	return "it ends early or has an unknown member"
}

// ReadCSV reads a table in UTF-8, with or without a byte order mark, whose first line names the columns "credential" and,
// if there are references, "ref"; other columns are refused, so that nobody's list with more than that is sent by mistake.
func ReadCSV(body []byte) ([]Line, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return nil, refuseLines("the first line does not name the columns")
	}
	ref, credential := -1, -1
	for i, name := range head {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "ref":
			ref = i
		case "credential":
			credential = i
		default:
			return nil, refuseLines(fmt.Sprintf("column %d is neither ref nor credential; send no other", i+1))
		}
	}
	if credential < 0 || len(head) > 2 || len(head) == 2 && ref < 0 {
		return nil, refuseLines("the first line names the columns: credential, and ref if you want it")
	}
	var lines []Line
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return check(lines)
		}
		if err != nil {
			return nil, refuseLines(csvPlace(err))
		}
		l := Line{Credential: strings.TrimSpace(row[credential])}
		if ref >= 0 {
			l.Ref = row[ref]
		}
		if lines = append(lines, l); len(lines) > MaxLines {
			return check(lines)
		}
	}
}

func csvPlace(err error) string {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Sprintf("line %d: %v", parse.Line, parse.Err)
	}
	return "the table cannot be read"
}

// maxTold bounds how many wrong lines are named.
const maxTold = 10

// check checks all lines and names those that are wrong.
func check(lines []Line) ([]Line, error) {
	switch {
	case len(lines) == 0:
		return nil, refuseLines("there is no credential in it")
	case len(lines) > MaxLines:
		return nil, refuseLines(fmt.Sprintf("there are more than %d credentials; send the rest by itself", MaxLines))
	}
	var wrong []string
	for i, l := range lines {
		if why := checkLine(l); why != "" {
			if wrong = append(wrong, fmt.Sprintf("credential %d: %s", i+1, why)); len(wrong) == maxTold {
				break
			}
		}
	}
	if len(wrong) > 0 {
		return nil, refuseLines(strings.Join(wrong, "; "))
	}
	return lines, nil
}

func refuseLines(why string) error {
	return fault.New(fault.Invalid, ReasonLines, "reading credentials to check: "+why, why)
}
