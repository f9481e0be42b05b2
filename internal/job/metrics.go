package job

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"akashi/internal/clock"
)

// Metrics counts and times jobs for Prometheus. A nil *Metrics keeps none.
type Metrics struct {
	tries *prometheus.CounterVec
	run   *prometheus.HistogramVec
	wait  *prometheus.HistogramVec
}

// NewMetrics registers the metrics of jobs.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	m := &Metrics{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "akashi_job_tries_total",
			Help: "Tries of jobs by kind and outcome (done, failed, snoozed, given_up)."}, []string{"kind", "outcome"}),
		run: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "akashi_job_run_seconds",
			Help: "How long a try of a job ran.", Buckets: buckets}, []string{"kind"}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "akashi_job_wait_seconds",
			Help: "How long a job waited after the time it was to run.", Buckets: buckets}, []string{"kind"}),
	}
	for _, c := range []prometheus.Collector{m.tries, m.run, m.wait} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) hooks() []rivertype.Hook {
	if m == nil {
		return nil
	}
	return []rivertype.Hook{&metricsHook{m: m}}
}

type metricsHook struct {
	river.HookDefaults
	m *Metrics
}

// WorkEnd is called after each try with its result, which it passes through.
func (h *metricsHook) WorkEnd(_ context.Context, job *rivertype.JobRow, err error) error {
	h.m.tries.WithLabelValues(job.Kind, outcome(err)).Inc()
	if job.AttemptedAt != nil {
		h.m.run.WithLabelValues(job.Kind).Observe(seconds(clock.System{}.Now().Sub(*job.AttemptedAt)))
		h.m.wait.WithLabelValues(job.Kind).Observe(seconds(job.AttemptedAt.Sub(job.ScheduledAt)))
	}
	return err
}

func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }

func outcome(err error) string {
	var snooze *rivertype.JobSnoozeError
	var cancel *rivertype.JobCancelError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &snooze):
		return "snoozed"
	case errors.As(err, &cancel):
		return "given_up"
	}
	return "failed"
}
