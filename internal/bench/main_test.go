package bench

import (
	"testing"

	"akashi/internal/pg/pgtest"
	"akashi/internal/programtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, programtest.Remove) }
