package casetest_test

import (
	"testing"

	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
