package issuance

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestMovesMatchDatabase(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	moves := maps.Clone(Moves)
	moves[Authorized] = append(slices.Clone(moves[Authorized]), Authorized) // a grant can begin here, too
	casetest.CompareMoves(t, w, "issuance_move", moves, States, string(Offered))
	casetest.CompareStates(t, w, "issuance_state", States)
}

// TestNonces: a nonce is ours for one use, one issuer, and for its time.
func TestNonces(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	n := NewNonces([]byte("key"))
	made, err := n.make(forProof, "https://a", now)
	if err != nil {
		t.Fatal(err)
	}
	if until, ok := n.fresh(forProof, "https://a", made, now.Add(nonceLife-time.Second), nonceLife); !ok || !until.Equal(now.Add(nonceLife)) {
		t.Errorf("fresh %t until %s", ok, until)
	}
	again, err := n.make(forProof, "https://a", now)
	if err != nil || again == made {
		t.Errorf("the same nonce twice, error %v", err)
	}
	for what, ok := range map[string]bool{
		"late":            fresh(n, forProof, "https://a", made, now.Add(nonceLife)),
		"from the future": fresh(n, forProof, "https://a", made, now.Add(-2*time.Minute)),
		"another use":     fresh(n, forDPoP, "https://a", made, now),
		"another issuer":  fresh(n, forProof, "https://b", made, now),
		"another key":     fresh(NewNonces([]byte("other")), forProof, "https://a", made, now),
		"changed":         fresh(n, forProof, "https://a", "A"+made[1:], now),
		"short":           fresh(n, forProof, "https://a", made[:20], now),
		"nothing":         fresh(n, forProof, "https://a", "", now),
	} {
		if ok && !(what == "changed" && made[0] == 'A') {
			t.Errorf("%s: taken", what)
		}
	}
}

func fresh(n Nonces, u use, issuer, nonce string, now time.Time) bool {
	_, ok := n.fresh(u, issuer, nonce, now, nonceLife)
	return ok
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	grant := uuid.New()
	secret, err := newSecret("KGMH", grant)
	if err != nil {
		t.Fatal(err)
	}
	code, id, ok := place(secret)
	if !ok || code != "KGMH" || id != grant || !is(digest(secret), secret) || is(digest(secret), secret+"x") || is(nil, secret) {
		t.Errorf("place %s %s %t", code, id, ok)
	}
	if c := offerCode(secret); c == secret || !strings.HasPrefix(c, secret[:28]) || c != offerCode(secret) {
		t.Errorf("code %s of %s", c, secret)
	}
	for _, bad := range []string{"", "..", "a.b.c", secret + "x", secret[1:] + strings.Repeat("x", 60), "KGMH." + strings.Repeat("A", 21) + "B." + strings.Repeat("A", 43)} {
		if _, _, ok := place(bad); ok {
			t.Errorf("%q has a place", bad)
		}
	}
	seen := map[byte]bool{}
	for range 200 {
		tx, err := newTxCode()
		if err != nil || len(tx) != txDigits || strings.Trim(tx, "0123456789") != "" {
			t.Fatalf("transaction code %q, error %v", tx, err)
		}
		for i := range len(tx) {
			seen[tx[i]] = true
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d digits in 200 codes", len(seen))
	}
}

func TestReadWallets(t *testing.T) {
	t.Parallel()
	w, err := ReadWallets([]byte(`[{"client_id":"a","name":{"ja":"甲","en":"A","easy":"こう"},"redirect_uris":["https://a.example/cb","com.example.wallet:/cb","http://127.0.0.1:1/cb"]}]`))
	if err != nil || strings.Join(w.Origins(), " ") != "com.example.wallet: http://127.0.0.1:1 https://a.example" {
		t.Fatalf("%v, error %v", w.Origins(), err)
	}
	if _, err := w.check("a", "https://a.example/cb2"); oauth.RefusalOf(err) != oauth.RedirectUnknown {
		t.Errorf("another address: %v", err)
	}
	if _, err := w.check("b", "https://a.example/cb"); oauth.RefusalOf(err) != oauth.ClientUnknown {
		t.Errorf("another wallet: %v", err)
	}
	for _, bad := range []string{`{`, `[{}]`, `[{"client_id":"a","redirect_uris":[]}]`, `[{"client_id":"a","redirect_uris":["http://a.example/"]}]`,
		`[{"client_id":"a","redirect_uris":["javascript:alert(1)"]}]`, `[{"client_id":"a","redirect_uris":["https://a/#f"]}]`, `[{"client_id":"a","redirect_uris":["/cb"]}]`,
		`[{"client_id":"a","redirect_uris":["https://a/"]},{"client_id":"a","redirect_uris":["https://a/"]}]`, `[{"client_id":"a","redirect_uris":["https://a/"],"secret":"x"}]`} {
		if _, err := ReadWallets([]byte(bad)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
