// Package jcs writes JSON in the one form that RFC 8785 (JSON Canonicalization Scheme) allows, so that two programs that
// hold the same data hold the same bytes. What an applicant signs with the national ID card is written in this form; the
// bytes are stored verbatim, and whoever checks the signature later can rebuild them from the data.
//
// The form: no white space, members ordered by the UTF-16 code units of their names, numbers as ECMAScript writes them,
// strings with the shortest escapes. Data that has no single form is refused: repeated member names, lone surrogates,
// bytes that are not UTF-8, numbers beyond a double.
package jcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// What may be wrong with the input; errors of this package wrap one of them and tell the place.
var (
	// ErrSyntax: not one JSON text (RFC 8259).
	ErrSyntax = errors.New("not a JSON text")
	// ErrDuplicate: an object names a member twice (RFC 8785 §3.1, RFC 7493 §2.3).
	ErrDuplicate = errors.New("member named twice")
	// ErrSurrogate: half of a surrogate pair (RFC 8785 §3.2.2.2).
	ErrSurrogate = errors.New("lone surrogate")
	// ErrUTF8: the bytes are not UTF-8 (RFC 7493 §2.1).
	ErrUTF8 = errors.New("not UTF-8")
	// ErrNumber: a number that a double cannot hold (RFC 8785 §3.2.2.3).
	ErrNumber = errors.New("number beyond a double")
	// ErrDeep: nested deeper than MaxDepth.
	ErrDeep = errors.New("nested too deeply")
)

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 100

// maxInteger is the largest integer that a double holds without a neighbour (RFC 7493 §2.2).
const maxInteger = 1<<53 - 1

// Marshal returns v, as encoding/json sees it, in canonical form. It refuses what encoding/json would silently change:
// strings that are not UTF-8 and integers that a double cannot hold exactly.
func Marshal(v any) ([]byte, error) {
	if err := exact(reflect.ValueOf(v), MaxDepth); err != nil {
		return nil, fmt.Errorf("canonical JSON of %T: %w", v, err)
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON of %T: %w", v, err)
	}
	return Transform(plain)
}

// exact walks v and refuses a value that encoding/json would replace by another.
func exact(v reflect.Value, depth int) error {
	if depth < 0 {
		return ErrDeep
	}
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return fmt.Errorf("%w: %q", ErrUTF8, v.String())
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.Int(); n > maxInteger || n < -maxInteger {
			return fmt.Errorf("%w: %d", ErrNumber, n)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n := v.Uint(); n > maxInteger {
			return fmt.Errorf("%w: %d", ErrNumber, n)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return exact(v.Elem(), depth-1)
		}
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return exactParts(v, depth-1)
	}
	return nil
}

// exactParts walks the parts of a slice, array, map or struct.
func exactParts(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := errors.Join(exact(it.Key(), depth), exact(it.Value(), depth)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() && !v.Type().Field(i).Anonymous {
				continue
			}
			if err := exact(v.Field(i), depth); err != nil {
				return err
			}
		}
	default:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil // written as Base64 or, in a json.RawMessage, checked by Transform
		}
		for i := range v.Len() {
			if err := exact(v.Index(i), depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// Transform returns the JSON text in canonical form. The result of Transform is its own canonical form.
func Transform(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("canonical JSON: %w", ErrUTF8)
	}
	p := parser{text: text}
	out, err := p.value(make([]byte, 0, len(text)), 0)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: byte %d: %w", p.at, err)
	}
	if p.space(); p.at != len(p.text) {
		return nil, fmt.Errorf("canonical JSON: byte %d: %w: more than one value", p.at, ErrSyntax)
	}
	return out, nil
}
