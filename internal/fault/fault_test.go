package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"akashi/internal/fault"
)

func TestKindSurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("reading case: %w", fault.Wrap(fault.Upstream, io.ErrUnexpectedEOF, "asking the resident registry"))
	if !errors.Is(err, fault.Upstream) {
		t.Errorf("errors.Is(%v, Upstream) = false", err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the cause is lost in %v", err)
	}
	if errors.Is(err, fault.NotFound) {
		t.Errorf("%v counts as NotFound", err)
	}
	if got := fault.KindOf(err); got != fault.Upstream {
		t.Errorf("KindOf = %q, want upstream", got)
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Kind
	}{
		{io.EOF, fault.Internal},
		{fault.NotFound, fault.NotFound},
		{fmt.Errorf("a: %w", fault.Conflict), fault.Conflict},
		{fault.New(fault.Forbidden, "k", "doing"), fault.Forbidden},
	} {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %q, want %q", c.err, got, c.want)
		}
	}
	if fault.Wrap(fault.Upstream, nil, "x") != nil {
		t.Error("Wrap(nil) is not nil")
	}
}
