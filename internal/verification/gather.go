package verification

import (
	"context"
	"fmt"
	"sync"
	"time"

	"akashi/internal/pg"
)

// tripsAtOnce is how many trips with questions for keys and status are under way at a time. One alone would let everybody wait for a
// connection that hangs; more of them gather less.
const tripsAtOnce = 2

// maxGathered bounds the questions of one trip.
const maxGathered = 64

// tripPatience bounds a trip that is made for several: it does not end with one of them.
const tripPatience = 15 * time.Second

// question asks for a key and the status of a credential that was signed with it.
type question struct {
	register, publicID, kid string

	asked []found
	err   error
	done  chan struct{} // closed once asked and err are there; nil where the one who asks makes the trip
}

// gathering lets questions that arrive while others travel go together, in one transaction and one round trip: beginning and end of a
// transaction, and waking the database and the program, cost more than the reading itself. Each question is read after it was
// asked, so an answer is as fresh as one read alone. The zero value is ready.
type gathering struct {
	mu      sync.Mutex
	trips   int
	waiting []*question
}

// look answers a question, alone at once when few are asked and otherwise with others.
func (g *gathering) look(ctx context.Context, db *pg.DB, q question) ([]found, error) {
	g.mu.Lock()
	if g.trips < tripsAtOnce {
		g.trips++
		g.mu.Unlock()
		defer g.next(ctx, db)
		return q.alone(ctx, db)
	}
	q.done = make(chan struct{})
	g.waiting = append(g.waiting, &q)
	g.mu.Unlock()
	select {
	case <-q.done:
		return q.asked, q.err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to look up a status: %w", ctx.Err())
	}
}

// next ends a trip: the next one begins with those that wait, or their number is one less.
func (g *gathering) next(ctx context.Context, db *pg.DB) {
	g.mu.Lock()
	defer g.mu.Unlock()
	together := g.waiting[:min(len(g.waiting), maxGathered)]
	g.waiting = g.waiting[len(together):]
	if len(together) == 0 {
		g.trips, g.waiting = g.trips-1, nil
		return
	}
	go g.travel(context.WithoutCancel(ctx), db, together)
}

// travel answers several questions. When their trip fails, each is asked by itself, so that nobody's question spoils another's.
func (g *gathering) travel(ctx context.Context, db *pg.DB, together []*question) {
	defer g.next(ctx, db)
	within, cancel := context.WithTimeout(ctx, tripPatience)
	defer cancel()
	err := db.Public(within, func(tx *pg.Tx) error {
		var b pg.Batch
		for _, q := range together {
			q.ask(&b)
		}
		return b.SendLast(within, tx)
	})
	for _, q := range together {
		if err != nil {
			q.asked, q.err = q.alone(within, db)
		}
		close(q.done)
	}
}

// alone makes a trip for one question.
func (q *question) alone(ctx context.Context, db *pg.DB) ([]found, error) {
	err := db.Public(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		q.ask(&b)
		return b.SendLast(ctx, tx)
	})
	return q.asked, err
}

// ask adds the question to a batch, anew each time a transaction is repeated. The status is that of a credential which was signed
// with this very key: an old key of the registrar cannot speak for a later credential.
func (q *question) ask(b *pg.Batch) {
	q.asked = nil
	pg.ReadBy(b, &q.asked, scanFound, "looking up a status", `
		select k.registrar_id, k.public_jwk::text::bytea, k.distrusted_at, c.state, c.status_at, c.valid_until, c.suspended_until
		  from signing_key k
		  left join credential c on c.register_id = $1 and c.public_id = $2 and c.kid = k.kid
		 where k.kid = $3 and k.purpose = 'credential'`, q.register, q.publicID, q.kid)
}
