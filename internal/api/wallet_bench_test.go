package api_test

import (
	"akashi/internal/format/formattest"
	"sync/atomic"
	"testing"

	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
)

// BenchmarkIssuance is a complete issuance by pre-authorized code over HTTP, as a wallet with the offer in its hands does it:
// token, nonce, one SD-JWT VC. Wallets, program and database share the machine; the database of tests does not wait for the
// disk. Run it with -cpu 8 for eight wallets at once.
func BenchmarkIssuance(b *testing.B) {
	s := start(b, plenty)
	about := s.subject(b)
	made := make([]*issuance.Made, b.N)
	for i := range made {
		var err error
		if made[i], err = s.Holder.Offer(b.Context(), s.Nurse, about); err != nil {
			b.Fatal(err)
		}
	}
	offers := make([]*oauth.Offer, b.N)
	for i, m := range made {
		offers[i] = newWallet(b, s).fetch(s.Holder.Link(*m))
	}
	var next atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1) - 1
			w := newWallet(b, s)
			w.token(redeeming(offers[i], made[i].TxCode))
			read[oauth.CredentialAnswer](b, w.credential(asking(sdjwt, w.prove(formattest.Key(b), w.cNonce(), nil))), 200)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "issuances/s")
}
