package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the program's numbers in Prometheus form. No label carries anything of a person: routes are patterns, and
// everything else is one of our own words.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

// NewMetrics makes an empty set with the process's own numbers.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akashi_http_requests_total", Help: "Requests answered.",
		}, []string{"portal", "route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "akashi_http_request_seconds", Help: "Time from the head of a request to the end of its answer.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"portal", "route"}),
	}
	m.registry.MustRegister(m.requests, m.latency,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the numbers at /metrics. Give it a listener of its own on a loopback address: they are for the operator.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// Registerer takes the numbers of other packages (jobs).
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// request counts an answered request. A nil m counts nothing.
func (m *Metrics) request(portal, route, verb string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(portal, route, method(verb), strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(portal, route).Observe(took.Seconds())
}

// WatchPool publishes the state of a role's connections.
func (m *Metrics) WatchPool(role string, pool *pgxpool.Pool) {
	gauge := func(name, help string, value func(*pgxpool.Stat) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "akashi_db_" + name, Help: help, ConstLabels: prometheus.Labels{"role": role},
		}, func() float64 { return value(pool.Stat()) })
	}
	m.registry.MustRegister(
		gauge("connections", "Open connections.", func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }),
		gauge("connections_max", "Most connections allowed.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		gauge("connections_busy", "Connections in use.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		gauge("wait_seconds_total", "Time spent waiting for a connection.", func(s *pgxpool.Stat) float64 { return s.AcquireDuration().Seconds() }),
		gauge("waits_total", "Times that no connection was free.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }),
	)
}

// WatchJobs publishes how many jobs are in each state; count is asked at every scrape, under the worker's role.
func (m *Metrics) WatchJobs(count func(context.Context) (map[string]int64, error)) {
	m.registry.MustRegister(&jobCounter{count: count, desc: prometheus.NewDesc(
		"akashi_jobs", "Jobs by state.", []string{"state"}, nil)})
}

type jobCounter struct {
	count func(context.Context) (map[string]int64, error)
	desc  *prometheus.Desc
}

func (c *jobCounter) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// scrapeTimeout bounds the question to the database.
const scrapeTimeout = 5 * time.Second

func (c *jobCounter) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	states, err := c.count(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.desc, err)
		return
	}
	for state, n := range states {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), state)
	}
}
