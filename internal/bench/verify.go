package bench

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/errgroup"

	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
)

// aimVerify is the share of the bare loop that verification by HTTP reaches at least.
const aimVerify = 0.5

// verifiersEach is how many ask for verifications for each client that works a case: those ask one question after the other and
// compute next to nothing, so that fewer of them leave the processors waiting for each other's wake-ups.
const verifiersEach = 2

// Verify measures verification of credentials: by HTTP with JSON, as a relying system asks, against a bare loop of the
// same lookup and the same signature check in this process.
func Verify(ctx context.Context, c Config) (rows []Row, err error) {
	s, err := open(ctx, c, c.Clients+recordedPeople)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if err := s.serve(ctx, c.Program); err != nil {
		return nil, err
	}
	crowd, err := s.issued(ctx, c, c.Clients-1)
	if err != nil {
		return nil, err
	}
	return crowd.verifications(ctx, c)
}

// verifications measures the checks of the credentials that were issued.
func (s *crowd) verifications(ctx context.Context, c Config) ([]Row, error) {
	issued, err := s.credentials(ctx)
	if err != nil {
		return nil, err
	}
	c.Clients *= verifiersEach
	fmt.Fprintf(c.Out, "verifying by HTTP with %d clients for %s\n", c.Clients, c.For)
	t := newTimings()
	byHTTP, cpu, err := s.repeatTimed(ctx, c, func(ctx context.Context, n int64) error { return s.ask(ctx, t, issued[int(n)%len(issued)], n) })
	if err != nil {
		return nil, err
	}
	memory := peakMemory(s.server.pid())
	fmt.Fprintf(c.Out, "verifying in a bare loop for %s\n", c.For)
	db, err := s.db.As(ctx, pg.RolePublic, int32(c.Clients))
	if err != nil {
		return nil, err
	}
	bare, bareCPU, err := s.repeatTimed(ctx, c, func(ctx context.Context, n int64) error { return bareCheck(ctx, db, issued[int(n)%len(issued)]) })
	if err != nil {
		return nil, err
	}
	rows := []Row{
		plain("verification by HTTP", byHTTP, "/s", fmt.Sprintf("%d clients, program and database on the same machine", c.Clients)),
		plain("bare lookup and signature check", bare, "/s", fmt.Sprintf("one transaction and one ES256 verification, %d at once", c.Clients)),
		atLeast("HTTP against bare loop", byHTTP/bare, aimVerify, "ratio", ""),
		below("memory of akashi serve", memory, aimMemory, "MB", "most at once, resident (VmHWM)"),
	}
	for _, name := range []string{"akashi serve", "database", "clients"} {
		rows = append(rows, plain("processor time of "+name, cpu[name]*1e6, "us/check", ""))
	}
	rows = append(rows, plain("processor time of the bare loop", (bareCPU["clients"]+bareCPU["database"])*1e6, "us/check", "with its share of the database"))
	return append(rows, t.rows()...), nil
}

// repeatTimed is repeat, and returns the processor seconds of each process for one time, the warming up included.
func (w *crowd) repeatTimed(ctx context.Context, c Config, do func(ctx context.Context, n int64) error) (float64, map[string]float64, error) {
	var n atomic.Int64
	before, err := w.cpu(ctx)
	if err != nil {
		return 0, nil, err
	}
	rate, err := w.repeat(ctx, c, func(ctx context.Context, i int64) error {
		n.Add(1)
		return do(ctx, i)
	})
	if err != nil {
		return 0, nil, err
	}
	after, err := w.cpu(ctx)
	for name := range after {
		after[name] = (after[name] - before[name]) / float64(n.Load())
	}
	return rate, after, err
}

// issuedCredential is a credential as its holder shows it, and as a bare loop needs it.
type issuedCredential struct {
	body     []byte // of the request
	sign1    *cose.Sign1
	key      crypto.PublicKey
	publicID string
}

// credentials reads the signed credentials from the register.
func (s *site) credentials(ctx context.Context) (all []issuedCredential, err error) {
	var b pg.Batch
	var found []struct {
		PublicID, KID           string
		Payload, Signature, JWK []byte
	}
	pg.Read(&b, &found, "reading the credentials", `
		select c.public_id, c.kid, c.payload, c.signature, k.public_jwk::text::bytea
		  from credential c join signing_key k on k.kid = c.kid where c.signature is not null`)
	if err := s.admin.Platform(ctx, func(tx *pg.Tx) error { return b.Send(ctx, tx) }); err != nil {
		return nil, err
	}
	for _, f := range found {
		message, err := (&credential.Credential{KID: f.KID, Payload: f.Payload, Signature: f.Signature}).Message()
		if err != nil {
			return nil, faultIf(err, "writing a credential")
		}
		var key jose.JSONWebKey
		if err := json.Unmarshal(f.JWK, &key); err != nil {
			return nil, faultIf(err, "reading a key")
		}
		one := issuedCredential{publicID: f.PublicID, key: key.Key}
		if one.sign1, err = cose.Decode(message); err != nil {
			return nil, faultIf(err, "reading a credential")
		}
		if one.body, err = json.Marshal(map[string]string{"credential": cose.URL("http://"+s.Public+"/w/", message)}); err != nil {
			return nil, faultIf(err, "writing a question")
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, errors.New("no credential was issued")
	}
	return all, nil
}

// repeat lets every client do something again and again and returns how often a second.
func (s *site) repeat(ctx context.Context, c Config, do func(ctx context.Context, n int64) error) (float64, error) {
	var n, done atomic.Int64
	round := func(limit time.Duration) error {
		end := time.Now().Add(limit)
		g, ctx := errgroup.WithContext(ctx)
		for range c.Clients {
			g.Go(func() error {
				for time.Now().Before(end) {
					err := do(ctx, n.Add(1))
					if errors.Is(err, errEnough) {
						return nil
					}
					if err != nil {
						return err
					}
					done.Add(1)
				}
				return nil
			})
		}
		return g.Wait()
	}
	if err := round(c.For / 10); err != nil {
		return 0, err
	}
	done.Store(0)
	began := time.Now()
	err := round(c.For)
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

// ask asks the API. Each question comes from another network, so that the limit of each is not what is measured.
func (s *site) ask(ctx context.Context, t *timings, q issuedCredential, n int64) error {
	header := []string{"Content-Type", "application/json", "X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", n/256%256, n%256)}
	began := time.Now()
	resp, text, err := s.wires.do(ctx, http.MethodPost, s.API, "/v1/verifications", header, q.body)
	if err != nil {
		return faultIf(err, "asking for a verification")
	}
	if !bytes.HasPrefix(text, []byte(`{"verdict":"valid",`)) {
		return fmt.Errorf("asking for a verification: %d %.100q: %w", resp.StatusCode, text, errUnexpected)
	}
	t.add("POST /v1/verifications", time.Since(began))
	return nil
}

// bareCheck reads key and status as the verifier does, in one round trip, and checks the signature.
func bareCheck(ctx context.Context, db *pg.DB, q issuedCredential) error {
	var b pg.Batch
	var found []struct {
		KeyOf       string
		JWK         []byte
		Distrusted  *time.Time
		State       *string
		StatusSince *time.Time
	}
	pg.Read(&b, &found, "looking up a status", `
		select k.registrar_id, k.public_jwk::text::bytea, k.distrusted_at, c.state, c.status_at
		  from signing_key k
		  left join credential c on c.register_id = $1 and c.public_id = $2 and c.kid = k.kid
		 where k.kid = $3`, register, q.publicID, q.sign1.KID)
	if err := db.Public(ctx, func(tx *pg.Tx) error { return b.SendLast(ctx, tx) }); err != nil {
		return err
	}
	if len(found) != 1 || found[0].State == nil || *found[0].State != "valid" {
		return errUnexpected
	}
	return cose.Verify(q.key, q.sign1)
}
