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
	"slices"
	"strings"
	"time"

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
	Credential string `arg:"" help:"What the QR code holds (an address), a file with a picture of the code (PNG, JPEG) or with its text, or - for standard input."`
	Service    string `default:"http://127.0.0.4:8403" placeholder:"URL" help:"Origin of the API that is asked. Plain http only on this machine. Default: that of the demonstration."`
	Keys       string `env:"-" type:"existingfile" placeholder:"FILE" help:"Check the signature by these published keys (a JWK Set) instead of asking. Whether the credential is still in force cannot be told so: the exit code is 2 when the signature holds."`
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
		if failed := printJSON(g.Out, result); failed != nil {
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
	now := clock.System{}.Now()
	unknown := verification.Result{Verdict: verification.CannotTell, Untampered: verification.Unknown, Issuer: verification.Unknown,
		Status: verification.Unknown, CheckedAt: now}
	text, err := c.text()
	if err != nil {
		unknown.Verdict = verification.Unreadable
		return unknown, err
	}
	if c.Keys != "" {
		return c.offline(text, now)
	}
	if err := checkService(c.Service); err != nil {
		return verification.Result{}, err
	}
	answer, err := c.ask(ctx, text)
	if err != nil {
		return unknown, err
	}
	return answer, nil
}

// offline checks the signature by downloaded keys.
func (c *VerifyCmd) offline(text string, now time.Time) (verification.Result, error) {
	raw, err := os.ReadFile(c.Keys)
	if err != nil {
		return verification.Result{}, fmt.Errorf("reading the keys: %w", err)
	}
	set, err := verification.ParseKeySet(raw)
	if err != nil {
		return verification.Result{}, fmt.Errorf("reading the keys in %s: %w", c.Keys, err)
	}
	r := set.Check(text, now)
	switch {
	case r.Verdict == verification.CannotTell && r.Untampered == verification.Yes:
		return r, errors.New("the signature holds; cannot tell whether the credential is still in force without asking the service")
	case r.Verdict == verification.CannotTell:
		return r, errors.New("the keys do not have the one that is named in the credential: download them again")
	}
	return r, nil
}

// text takes the credential's text from the argument, a file or standard input.
func (c *VerifyCmd) text() (string, error) {
	if strings.HasPrefix(c.Credential, "http://") || strings.HasPrefix(c.Credential, "https://") {
		return c.Credential, nil
	}
	in := io.Reader(os.Stdin)
	if c.Credential != "-" {
		file, err := os.Open(c.Credential)
		if err != nil {
			return "", fmt.Errorf("reading the credential: %w", err)
		}
		defer file.Close()
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, qr.MaxBytes+1))
	if err != nil {
		return "", fmt.Errorf("reading the credential: %w", err)
	}
	return textIn(raw)
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

// ask has the service check a text. A redirect is not followed: the credential goes to nobody else.
func (c *VerifyCmd) ask(ctx context.Context, text string) (r verification.Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, servicePatience)
	defer cancel()
	body, err := json.Marshal(map[string]string{"credential": text})
	if err != nil {
		return r, fmt.Errorf("writing the question: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Service, "/")+"/v1/verifications", bytes.NewReader(body))
	if err != nil {
		return r, fmt.Errorf("asking %s: %w", c.Service, err)
	}
	request.Header.Set("Content-Type", "application/json")
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
