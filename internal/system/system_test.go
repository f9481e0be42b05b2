package system

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgserver"
	"akashi/internal/pg/pgtest"
	"akashi/internal/server"
)

// whole is a configuration that lacks nothing; nobody answers at its outside systems.
func whole(dir string) Config {
	nowhere := Service{URL: "http://127.0.0.1:9", ClientID: "akashi"}
	login := Login{Issuer: "http://127.0.0.1:9/realm", ClientID: "akashi"}
	address := func() Address { return Address{Listen: "127.0.0.1:0", Origin: "http://127.0.0.1:9"} }
	return Config{
		Parts: Parts, DataDir: dir, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Addresses:    map[Part]Address{Citizen: address(), Office: address(), Public: address(), API: address()},
		CitizenLogin: login, StaffLogin: login, Resident: nowhere, Family: nowhere, Payment: nowhere,
		Anchors: []*x509.Certificate{{}}, RevocationLists: "http://127.0.0.1:9/crl",
	}
}

func TestConfigurationSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // "": nothing is missing
	}{
		"whole":                   {func(*Config) {}, ""},
		"no parts":                {func(c *Config) { c.Parts = nil }, "no part is to run"},
		"unknown part":            {func(c *Config) { c.Parts = []Part{"kitchen"} }, `no part "kitchen"`},
		"no directory":            {func(c *Config) { c.DataDir = "" }, "the data directory (--data-dir) is missing"},
		"no login":                {func(c *Config) { c.CitizenLogin = Login{} }, "the address of the citizens' login (--login-issuer) is missing; the client id"},
		"no anchors":              {func(c *Config) { c.Anchors = nil }, "no certificate of the authority"},
		"no revocation lists":     {func(c *Config) { c.RevocationLists = "" }, "revocation lists (--revocation-lists) is missing"},
		"no registry for worker":  {func(c *Config) { c.Parts, c.Resident.URL = []Part{Worker}, "" }, "the resident registry (--resident-url) is missing"},
		"public needs no login":   {func(c *Config) { c.Parts, c.CitizenLogin, c.Anchors = []Part{Public}, Login{}, nil }, ""},
		"office needs no payment": {func(c *Config) { c.Parts, c.Payment = []Part{Office}, Service{} }, ""},
		"an origin with a path":   {func(c *Config) { c.Addresses[Public] = Address{"127.0.0.1:0", "http://a.example/x"} }, "the origin of the part public"},
		"nowhere to listen":       {func(c *Config) { c.Addresses[Office] = Address{Origin: "http://a.example"} }, "where the part office listens is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := whole("/data")
			cfg.Addresses = maps.Clone(cfg.Addresses)
			c.change(&cfg)
			err := cfg.Check()
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want invalid with %q", err, c.want)
			}
		})
	}
}

// private is a private database in a directory that the user postgres can reach.
func private(t *testing.T) (*Database, string) {
	t.Helper()
	dir, err := os.MkdirTemp(pgtest.Scratch(), "akashi-system-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := OpenPrivate(t.Context(), pgserver.Config{DataDir: filepath.Join(dir, "postgres"), Volatile: true, Logger: slog.New(slog.DiscardHandler)}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := db.Close(ctx); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	return db, dir
}

// TestPoolsFitTheDatabase: a program that runs every part, with all its pools full, leaves half as many connections again to tools
// and to a second program that takes over.
func TestPoolsFitTheDatabase(t *testing.T) {
	db, dir := private(t)
	if _, err := New(t.Context(), whole(dir), db); err != nil {
		t.Fatal(err)
	}
	var most int32
	for _, open := range db.open {
		most += open.Pool.Config().MaxConns
	}
	if most < 50 || most > pgserver.MaxConnections*2/3 {
		t.Errorf("the pools take up to %d connections, want 50 to %d", most, pgserver.MaxConnections*2/3)
	}
	var says int32
	if err := db.open[0].Pool.QueryRow(t.Context(), `select current_setting('max_connections')::int`).Scan(&says); err != nil || says != pgserver.MaxConnections {
		t.Errorf("the server takes %d connections, error %v; want %d", says, err, pgserver.MaxConnections)
	}
}

// Each part runs by itself once the worker has been there, although no outside system answers; before that it says what
// to start first. An address that is taken is an error, and gives the others back.
func TestPartsRunApart(t *testing.T) {
	db, dir := private(t)
	cfg := whole(dir)
	cfg.Parts = []Part{Citizen}
	if _, err := New(t.Context(), cfg, db); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "worker first") {
		t.Fatalf("without reference tables: %v, want invalid with the remedy", err)
	}
	for _, p := range []Part{Worker, Citizen, Office, Public, API} {
		t.Run(string(p), func(t *testing.T) { runsAlone(t, cfg, db, p) })
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg.Parts, cfg.Metrics = Parts, server.NewMetrics()
	cfg.Addresses[API] = Address{taken.Addr().String(), "http://" + taken.Addr().String()}
	if _, err := New(t.Context(), cfg, db); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("with a taken address: %v", err)
	}
}

func runsAlone(t *testing.T, cfg Config, db *Database, p Part) {
	cfg.Parts = []Part{p}
	s, err := New(t.Context(), cfg, db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for _, l := range s.servers {
		resp, err := http.Get(l.URL() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil || string(body) != "ok\n" {
			t.Errorf("%s answers %q: %v", p, body, err)
		}
	}
	if (s.Worker() != nil) != (p == Worker) || (len(s.servers) == 0) != (p == Worker) {
		t.Errorf("%s has %d listeners and a worker: %v", p, len(s.servers), s.Worker() != nil)
	}
	if s.Worker() != nil {
		if err := s.CatchUp(ctx); err != nil {
			t.Error(err)
		}
		if d, err := s.Worker().Drain(ctx); err != nil || d.Failed+d.GivenUp > 0 {
			t.Errorf("periodic jobs: %+v, %v", d, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// A definition that was changed without a new version is refused, since applications are pinned to the old one.
func TestChangedDefinitionIsRefused(t *testing.T) {
	db, dir := private(t)
	cfg := whole(dir)
	cfg.Parts = []Part{Worker}
	if _, err := New(t.Context(), cfg, db); err != nil {
		t.Fatal(err)
	}
	owner, err := db.As(t.Context(), pgserver.Superuser, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Pool.Exec(t.Context(), `update definition set sha256 = 'other' where id = 'kangoshi'`); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), cfg, db); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "without a new version") {
		t.Errorf("the worker: %v, want conflict", err)
	}
	cfg.Parts = []Part{Public}
	if _, err := New(t.Context(), cfg, db); !errors.Is(err, fault.Invalid) {
		t.Errorf("another part: %v, want invalid", err)
	}
}

// A version that the files no longer have is read from the database, for the cases that were made under it.
func TestOldVersionsStayKnown(t *testing.T) {
	db, dir := private(t)
	cfg := whole(dir)
	cfg.Parts = []Part{Worker}
	first, err := New(t.Context(), cfg, db)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := first.Catalogue.Definition("kangoshi")
	owner, err := db.As(t.Context(), pgserver.Superuser, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = owner.Pool.Exec(t.Context(), `insert into definition (id, version, sha256, resolved, loaded_at)
		values ('kangoshi', '2020-01-01.1', 'x', $1, now())`, []byte(strings.Replace(string(d.Resolved()), d.Version, "2020-01-01.1", 1)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := New(t.Context(), cfg, db)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := second.Catalogue.Version("kangoshi", "2020-01-01.1"); !ok {
		t.Error("the stored version is not known")
	}
}

// Keys are made once, published, and the same after a restart; every registrar has one for each purpose. An authority of our
// own certifies the keys that have no certificate.
func TestKeysArePublishedOnce(t *testing.T) {
	db, dir := private(t)
	cfg := whole(dir)
	cfg.Parts = []Part{Worker}
	cat, err := Definitions()
	if err != nil {
		t.Fatal(err)
	}
	keepers := map[string]bool{}
	for _, g := range cat.Registers() {
		keepers[g.Registrar] = true
	}
	var before []string
	for start := range 2 {
		if start == 1 {
			if err := errors.Join(InitCA(dir, "Test CA", cfg.Clock), InitCA(dir, "Test CA", cfg.Clock)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := New(t.Context(), cfg, db); err != nil {
			t.Fatal(err)
		}
		worker, err := db.As(t.Context(), pg.RoleWorker, 1)
		if err != nil {
			t.Fatal(err)
		}
		var now []string
		var uses, certified int
		if err := worker.Pool.QueryRow(t.Context(), `select array_agg(kid order by kid), count(distinct (registrar_id, purpose)), count(*) filter (where cardinality(chain) = 2)
			from signing_key`).Scan(&now, &uses, &certified); err != nil {
			t.Fatal(err)
		}
		if want := len(keepers) * len(credential.Purposes); len(now) != want || uses != want || before != nil && !slices.Equal(now, before) || certified != want*start {
			t.Errorf("%d keys for %d uses, %d certified, want %d and the same as before", len(now), uses, certified, want)
		}
		before = now
	}
	keys, err := PublicKeys(dir)
	if err != nil || len(keys.CitizenLogin.Keys) != 2 || len(keys.StaffLogin.Keys) != 1 || len(keys.Services.Keys) != 1 {
		t.Errorf("keys to register: %+v, %v", keys, err)
	}
	for _, k := range slices.Concat(keys.CitizenLogin.Keys, keys.StaffLogin.Keys, keys.Services.Keys) {
		if !k.IsPublic() {
			t.Errorf("key %s is not public", k.KeyID)
		}
	}
}
