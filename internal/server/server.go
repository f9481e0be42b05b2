// Package server runs the program's HTTP listeners: a portal, the API, a simulator or the metrics, each at an address of
// its own. Every request gets a reference, a line in the access log and a place in the metrics; a panic becomes the
// portal's own error page; SIGTERM lets running requests finish.
//
// The access log never has a query string, nor a path as it was asked for: the national QR code carries a name and a
// birth date in its query, and paths carry receipt numbers. It has the route's pattern instead.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config describes one listener.
type Config struct {
	// Name is the portal in logs and metrics: "citizen", "office", "public", "api", "metrics", or a simulator's name.
	Name string
	// Addr is host:port. Port 0 takes a free one; URL tells which.
	Addr string
	// Handler answers the requests.
	Handler http.Handler
	// Health is asked by /healthz and tells what is wrong. Empty: listening is enough.
	Health func(context.Context) error
	// Broken draws the page for a request that panicked; reference is what the visitor can quote. Empty: a plain sentence.
	Broken func(w http.ResponseWriter, r *http.Request, reference string)
	// Logger gets the access log. Empty: slog.Default().
	Logger *slog.Logger
	// Metrics counts the requests. Empty: they are not counted.
	Metrics *Metrics
	// Grace is how long running requests may take to finish when the server stops. Empty: ten seconds.
	Grace time.Duration
}

// Limits of one connection. They bound what a slow or hostile client can hold: a head within seconds, a file of 10 MB
// over a mobile line within two minutes.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 2 * time.Minute
	writeTimeout      = 2 * time.Minute
	idleTimeout       = 90 * time.Second
	maxHeaderBytes    = 32 << 10
	defaultGrace      = 10 * time.Second
)

// Server is a bound listener.
type Server struct {
	cfg    Config
	http   *http.Server
	listen net.Listener
	health net.Listener // on 127.0.0.1 too; nil when the address is reachable there already
	fresh  *fresh
}

// Listen binds the address, so that a port in use is known before anything else starts. Serve answers.
//
// A server on another loopback address than 127.0.0.1 (the portals of the demonstration have one each, because cookies
// ignore ports) listens on 127.0.0.1 at the same port as well, where it answers /healthz and nothing else.
func Listen(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	l, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", cfg.Name, err)
	}
	s := &Server{cfg: cfg, listen: l, http: newHTTP(cfg), fresh: &fresh{conns: map[net.Conn]struct{}{}}}
	s.http.ConnState = s.fresh.watch
	if err := s.listenForHealth(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

func newHTTP(cfg Config) *http.Server {
	return &http.Server{
		Handler:           withHealth(cfg, observe(cfg, cfg.Handler)),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
}

func (s *Server) listenForHealth() (err error) {
	at, err := netip.ParseAddrPort(s.listen.Addr().String())
	if err != nil {
		return fmt.Errorf("reading the address of %s: %w", s.cfg.Name, err)
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if !at.Addr().IsLoopback() || !at.Addr().Is4() || at.Addr() == local {
		return nil
	}
	s.health, err = net.Listen("tcp", netip.AddrPortFrom(local, at.Port()).String())
	if err != nil {
		return fmt.Errorf("listening for the health of %s: %w", s.cfg.Name, err)
	}
	return nil
}

// URL is where the server answers, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.listen.Addr().String() }

// Name is the portal's name.
func (s *Server) Name() string { return s.cfg.Name }

// Serve answers until ctx ends, then lets running requests finish within the grace. It returns nil after a stop, and an
// error when the listener failed or requests had to be cut off.
func (s *Server) Serve(ctx context.Context) error {
	s.cfg.Logger.Info("listening", "portal", s.cfg.Name, "url", s.URL())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return ended(s.http.Serve(s.listen)) })
	health := newHTTP(Config{Name: s.cfg.Name, Handler: http.NotFoundHandler(), Health: s.cfg.Health, Logger: s.cfg.Logger})
	if s.health != nil {
		g.Go(func() error { return ended(health.Serve(s.health)) })
	}
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
		defer cancel()
		return errors.Join(s.fresh.stop(stop, s.http), health.Shutdown(stop))
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("serving %s: %w", s.cfg.Name, err)
	}
	return nil
}

// Close gives the addresses back without having served.
func (s *Server) Close() error {
	if s.health == nil {
		return s.listen.Close()
	}
	return errors.Join(s.listen.Close(), s.health.Close())
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Run serves all servers until ctx ends or one of them fails, which stops the others.
func Run(ctx context.Context, servers ...*Server) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		g.Go(func() error { return s.Serve(ctx) })
	}
	return g.Wait()
}

// withHealth answers /healthz before the portal sees it: no session, no log line, no metric.
func withHealth(cfg Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if cfg.Health != nil {
			if err := cfg.Health(r.Context()); err != nil {
				cfg.Logger.Warn("not healthy", "portal", cfg.Name, "error", err)
				http.Error(w, "not healthy", http.StatusServiceUnavailable)
				return
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
	})
}
