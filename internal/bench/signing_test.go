package bench

import "testing"

// BenchmarkSigning signs each form in memory.
func BenchmarkSigning(b *testing.B) {
	m, err := newMaker(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() (string, error){"national": m.national, "compact": m.compact, "sdjwt": m.sdjwt} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
