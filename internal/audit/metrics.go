package audit

import (
	"github.com/prometheus/client_golang/prometheus"

	"akashi/internal/clock"
	"akashi/internal/fault"
)

// Metrics shows the sequencer's work to Prometheus. A nil *Metrics keeps none.
type Metrics struct {
	numbered, failed prometheus.Counter
	size, lag, last  prometheus.Gauge
}

// NewMetrics registers the metrics of the sequencer.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		numbered: prometheus.NewCounter(prometheus.CounterOpts{Name: "akashi_audit_numbered_total",
			Help: "Audit events that got their number in the Merkle log from this process."}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "akashi_audit_failed_steps_total",
			Help: "Steps of the sequencer that failed."}),
		size: prometheus.NewGauge(prometheus.GaugeOpts{Name: "akashi_audit_log_size", Help: "Events in the Merkle log."}),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{Name: "akashi_audit_lag_seconds",
			Help: "Age of the oldest event that the last step numbered."}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{Name: "akashi_audit_last_step_timestamp_seconds",
			Help: "When the last step succeeded, by the machine's clock."}),
	}
	for _, c := range []prometheus.Collector{m.numbered, m.failed, m.size, m.lag, m.last} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) observe(step Step, err error) {
	switch {
	case m == nil || fault.KindOf(err) == fault.Conflict:
	case err != nil:
		m.failed.Inc()
	case !step.Busy:
		m.numbered.Add(float64(step.Numbered))
		m.size.Set(float64(step.Size))
		m.lag.Set(step.Lag.Seconds())
		m.last.Set(float64(clock.System{}.Now().Unix()))
	}
}
