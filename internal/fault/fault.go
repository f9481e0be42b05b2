// Package fault classifies errors once, at the place that knows what went wrong, so that every caller can act on the
// kind and the one place that draws pages can word it for the visitor.
//
// An error has two audiences. Error() is for the log: it carries the cause and what was being done. Key, Args and
// Fields are for the visitor: a message of the catalogue in the visitor's language, and the fields to correct. The cause
// never reaches a page.
package fault

import (
	"errors"
	"fmt"
)

// Kind is a class of error that a caller can act on. A Kind is itself an error, so errors.Is(err, fault.NotFound) works.
type Kind string

const (
	// NotFound: no such thing, or none that this visitor may know of.
	NotFound Kind = "not_found"
	// Invalid: what was sent breaks a rule; Fields say where.
	Invalid Kind = "invalid"
	// Forbidden: the visitor is known and may not do this.
	Forbidden Kind = "forbidden"
	// Unauthenticated: the visitor must log in (again) first.
	Unauthenticated Kind = "unauthenticated"
	// StepUp: the visitor must confirm the login with a second factor before this act.
	StepUp Kind = "step_up"
	// Conflict: the thing has moved on since the visitor saw it.
	Conflict Kind = "conflict"
	// Gone: the thing existed and no longer does.
	Gone Kind = "gone"
	// TooLarge: what was sent exceeds a stated limit.
	TooLarge Kind = "too_large"
	// TooMany: the visitor must slow down.
	TooMany Kind = "too_many"
	// Upstream: an outside system failed or did not answer; trying again may help.
	Upstream Kind = "upstream"
	// Internal: our own mistake.
	Internal Kind = "internal"
)

func (k Kind) Error() string { return string(k) }

// Field names one input and the message of the catalogue that tells how to correct it.
type Field struct {
	Name string
	Key  string
	Args []any
}

// Error is a classified error.
type Error struct {
	Kind   Kind
	Key    string // message of the catalogue for the visitor; empty means the kind's own message
	Args   []any
	Fields []Field
	Doing  string // what was being done, for the log
	Err    error  // the cause, for the log
}

func (e *Error) Error() string {
	switch {
	case e.Err != nil && e.Doing != "":
		return fmt.Sprintf("%s: %v (%s)", e.Doing, e.Err, e.Kind)
	case e.Err != nil:
		return fmt.Sprintf("%v (%s)", e.Err, e.Kind)
	case e.Doing != "":
		return fmt.Sprintf("%s (%s)", e.Doing, e.Kind)
	}
	return string(e.Kind)
}

// Unwrap lets errors.Is find both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// New returns an error of the kind, with a message of the catalogue for the visitor and words for the log.
func New(kind Kind, key, doing string, args ...any) error {
	return &Error{Kind: kind, Key: key, Doing: doing, Args: args}
}

// Wrap classifies err and says what was being done. It returns nil for nil.
func Wrap(kind Kind, err error, doing string) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Doing: doing, Err: err}
}

// KindOf returns the kind of err, Internal when it was never classified.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}
