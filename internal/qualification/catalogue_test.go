package qualification_test

import (
	"testing"

	"akashi/internal/qualification"
	"akashi/qualifications"
)

func load(t testing.TB) *qualification.Catalogue {
	t.Helper()
	c, err := qualification.Load(qualifications.Files)
	if err != nil {
		t.Fatalf("the definitions of the repository:\n%v", err)
	}
	return c
}

func TestShort(t *testing.T) { load(t) }
