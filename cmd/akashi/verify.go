package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"akashi/internal/api"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/format/qr"
	"akashi/internal/verification"
)

// VerifyCmd checks one credential and prints the result as JSON. It asks the service that it was told to ask, never the
// host named in the credential's address: whoever made that address would be asked whether it is genuine.
//
// The exit code is the answer: 0 valid, 1 not valid, 2 cannot tell — the service does not answer, nothing readable was
// given, an argument is wrong.
type VerifyCmd struct {
	Credential string   `arg:"" help:"What the QR code holds (an address), a credential for wallets as text (SD-JWT VC, W3C credential), a file with a picture of the code (PNG, JPEG), with either text, with a signed PDF, with a mobile document or with the message out of a code (COSE), or - for standard input."`
	Service    string   `default:"http://127.0.0.4:8403" placeholder:"URL" help:"Origin of the API that is asked. Plain http only on this machine. Default: that of the demonstration."`
	Trust      string   `env:"-" type:"existingfile" aliases:"keys" placeholder:"FILE" help:"Check by this trust list, or by these published keys (a JWK Set), instead of asking. Without a status list for the credential, whether it is still in force cannot be told: the exit code is 2 when the signature holds."`
	Anchors    []string `env:"-" name:"trust-anchors" type:"existingfile" placeholder:"FILE" help:"With a trust list: PEM files with the certificates that its own must lead to."`
	Status     []string `env:"-" type:"existingpath" aliases:"status-list" placeholder:"FILE|DIR" help:"With --trust: a status list that was fetched before (JWT or CWT), or a directory of them. May be given several times."`

	TimestampAnchors []string `env:"-" type:"existingfile" placeholder:"FILE" help:"With --trust, for a PDF: PEM files with the certificates of the timestamp authorities to believe. Without them the registrar's certificate must be valid today."`

	Clock clock.Clock `kong:"-"` // of this machine, when nil

	asOf time.Time // the time whose state is told without the service
}

// answer is what is printed: the result, and without the service the time whose state it tells.
type answer struct {
	verification.Result
	StatusAsOf time.Time `json:"status_as_of,omitzero"`
}

// Exit codes of verify.
const (
	exitNotValid   = 1
	exitCannotTell = 2
)

// exitWith is an error with an exit code of its own; err, when there is one, is printed.
type exitWith struct {
	code int
	err  error
}

func (e *exitWith) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitWith) Unwrap() error { return e.err }

// Limits of what is read: a picture, an answer of the service, and how long it may take.
const (
	maxAnswer       = 64 << 10
	servicePatience = 20 * time.Second
)

// Run prints the result and ends with its exit code.
func (c *VerifyCmd) Run(ctx context.Context, g *Globals) error {
	result, err := c.result(ctx)
	if result.Verdict != "" {
		if failed := printJSON(g.Out, answer{Result: result, StatusAsOf: c.asOf}); failed != nil {
			return &exitWith{exitCannotTell, failed}
		}
	}
	switch {
	case err != nil || !result.Verdict.Sure():
		return &exitWith{exitCannotTell, err}
	case result.Verdict != verification.Valid:
		return &exitWith{exitNotValid, nil}
	}
	return nil
}

// result checks what was given. With an error the result says as much as is known, or nothing when the command itself
// was wrong.
func (c *VerifyCmd) result(ctx context.Context) (verification.Result, error) {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	now := c.Clock.Now()
	unknown := verification.Result{Verdict: verification.CannotTell, Untampered: verification.Unknown, Issuer: verification.Unknown,
		Status: verification.Unknown, CheckedAt: now}
	q, err := c.question()
	if err != nil {
		unknown.Verdict = verification.Unreadable
		return unknown, err
	}
	if c.Trust != "" {
		return c.offline(q, now)
	}
	if len(c.Status) > 0 {
		return verification.Result{}, fault.New(fault.Invalid, "", "a status list is only read together with --trust")
	}
	if err := checkService(c.Service); err != nil {
		return verification.Result{}, err
	}
	said, err := c.ask(ctx, q)
	if err != nil {
		return unknown, err
	}
	return said, nil
}

// offline checks by what was downloaded before.
func (c *VerifyCmd) offline(q question, now time.Time) (r verification.Result, err error) {
	trust, err := c.trust(now)
	if err != nil {
		return r, err
	}
	if q.document != nil {
		r, c.asOf = trust.CheckPDF(q.document, now)
	} else {
		r, c.asOf = trust.Check(q.text, now)
	}
	return r, c.unsure(r)
}

// unsure says what to do when it cannot be told.
func (c *VerifyCmd) unsure(r verification.Result) error {
	if r.Verdict != verification.CannotTell {
		return nil
	}
	switch verification.Refusal(r.Reason) {
	case verification.UnknownKey:
		return errors.New("the keys do not have the one that is named in the credential: download them again")
	case verification.NoPlace:
		return errors.New("the signature holds; this form has no place in a status list: only the service can tell whether it is still in force")
	case verification.NoList, verification.EndedList, verification.BadList, verification.NoEntry:
		return errors.New("the signature holds; whether it is still in force cannot be checked now (" + r.Reason + "): fetch its status list again, or ask the service")
	}
	return errors.New("this cannot be checked now: " + r.Reason)
}

// trust reads the keys and status lists that were given.
func (c *VerifyCmd) trust(now time.Time) (*verification.Trust, error) {
	raw, err := os.ReadFile(c.Trust)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	trust, err := c.read(raw, now)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.Trust, err)
	}
	if trust.Timestamps, err = readAnchors(c.TimestampAnchors); err != nil {
		return nil, err
	}
	files, err := filesOf(c.Status)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		list, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a status list: %w", err)
		}
		if _, err := trust.Keep(list); err != nil {
			return nil, fmt.Errorf("reading the status list in %s: %w", file, err)
		}
	}
	return trust, nil
}

// read reads what is trusted: a signed trust list, or plain keys.
func (c *VerifyCmd) read(raw []byte, now time.Time) (*verification.Trust, error) {
	if !verification.IsTrustList(raw) {
		if len(c.Anchors) > 0 {
			return nil, fault.New(fault.Invalid, "", "anchors were named, and this is no signed trust list")
		}
		return verification.NewTrust(raw)
	}
	anchors, err := readAnchors(c.Anchors)
	if err != nil {
		return nil, err
	}
	return verification.ReadTrustList(raw, anchors, now)
}

// filesOf are the files that were named, and those directly in the directories that were, but for hidden ones.
func filesOf(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("looking for status lists: %w", err)
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("looking for status lists: %w", err)
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
				files = append(files, filepath.Join(path, entry.Name()))
			}
		}
	}
	return files, nil
}

// question is what is to be verified: a text, or a PDF.
type question struct {
	text     string
	document []byte
}

// maxDocument is the largest file that is read.
const maxDocument = 8 << 20

// question takes the credential from the argument, a file or standard input.
func (c *VerifyCmd) question() (question, error) {
	for _, begins := range []string{"http://", "https://", "eyJ"} { // an address, or a signed token
		if strings.HasPrefix(c.Credential, begins) {
			return question{text: c.Credential}, nil
		}
	}
	in := io.Reader(os.Stdin)
	if c.Credential != "-" {
		file, err := os.Open(c.Credential)
		if err != nil {
			return question{}, fmt.Errorf("reading the credential: %w", err)
		}
		defer file.Close()
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err != nil {
		return question{}, fmt.Errorf("reading the credential: %w", err)
	}
	if bytes.HasPrefix(raw, []byte("%PDF-")) {
		return question{document: raw}, nil
	}
	if verification.IsMDoc(raw) {
		return question{text: verification.MDocText(raw)}, nil
	}
	if verification.IsQRMessage(raw) {
		return question{text: verification.QRMessageText(raw)}, nil
	}
	text, err := textIn(raw[:min(len(raw), qr.MaxBytes+1)])
	return question{text: text}, err
}

// textIn reads the QR code when the bytes are a picture; other bytes are the text itself.
func textIn(raw []byte) (string, error) {
	if bytes.HasPrefix(raw, []byte("\x89PNG")) || bytes.HasPrefix(raw, []byte("\xff\xd8\xff")) {
		text, err := qr.Decode(raw)
		if err != nil {
			return "", fmt.Errorf("reading the picture: %w", err)
		}
		return text, nil
	}
	text := strings.TrimSpace(string(raw))
	if text == "" {
		return "", fault.New(fault.Invalid, "", "there is nothing to verify")
	}
	return text, nil
}

// checkService refuses to send a credential, which holds a name, unencrypted to another machine.
func checkService(service string) error {
	u, err := url.Parse(service)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fault.New(fault.Invalid, "", fmt.Sprintf("the service %q is not the address of one", service))
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fault.New(fault.Invalid, "", "the service must be reached by https: a credential is not sent unencrypted")
	}
	return nil
}

// request is how the service is asked.
func (c *VerifyCmd) request(ctx context.Context, q question) (*http.Request, error) {
	at, kind, body := strings.TrimSuffix(c.Service, "/")+"/v1/verifications", "application/json", q.document
	if q.document != nil {
		at, kind = at+"/document", "application/pdf"
	} else {
		var err error
		if body, err = json.Marshal(map[string]string{"credential": q.text}); err != nil {
			return nil, fmt.Errorf("writing the question: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", c.Service, err)
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set(api.FieldVersion, api.Newest())
	return request, nil
}

// ask has the service check it. A redirect is not followed: the credential goes to nobody else.
func (c *VerifyCmd) ask(ctx context.Context, q question) (r verification.Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, servicePatience)
	defer cancel()
	request, err := c.request(ctx, q)
	if err != nil {
		return r, err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return r, fmt.Errorf("asking the service: %w", shorter(err))
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return r, fmt.Errorf("reading the answer of %s: %w", c.Service, err)
	case response.StatusCode != http.StatusOK:
		return r, fmt.Errorf("%s answered %s", c.Service, response.Status)
	}
	if err := json.Unmarshal(raw, &r); err != nil || !slices.Contains(verification.Verdicts, r.Verdict) {
		return verification.Result{}, fmt.Errorf("%s did not answer with a verdict", c.Service)
	}
	return r, nil
}

// shorter leaves the method and the address out of a network error.
func shorter(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return err
}
