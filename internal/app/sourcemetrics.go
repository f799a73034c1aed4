package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// sourceTimeout bounds what /metrics waits for the database.
const sourceTimeout = 2 * time.Second

// sourceMetrics collects how the sources are doing that connectors bring, and which
// of the others have pushed what is held, from the
// database at each scrape, so that all nodes tell the same. There are as many
// series of each as sources; tenant and source are named by administrators.
type sourceMetrics struct {
	directory *directory.Directory
	log       *slog.Logger

	known, success, next, held, problems, agents *prometheus.Desc
}

func newSourceMetrics(d *directory.Directory, log *slog.Logger) *sourceMetrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("workspace_source_"+name, help, []string{"tenant", "source"}, nil)
	}
	return &sourceMetrics{
		directory: d, log: log,
		known:    prometheus.NewDesc("workspace_sources_known", "1 if the database told about the sources, else 0 and no series of a source.", nil, nil),
		success:  desc("last_success_timestamp_seconds", "When the last run that succeeded ended; 0 for never."),
		next:     desc("next_run_timestamp_seconds", "When the run after it is due; no series where nobody said."),
		held:     desc("runs_held", "Runs that wait for a person to approve or reject their plan."),
		problems: desc("problems", "Problems of objects that are open, at most 10,000."),
		agents:   desc("agents_alive", "Agents heard of in the last 45 s."),
	}
}

// Describe implements prometheus.Collector.
func (m *sourceMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.known, m.success, m.next, m.held, m.problems, m.agents} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *sourceMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), sourceTimeout)
	defer cancel()
	all, err := m.directory.SourceHealth(ctx)
	if err != nil {
		m.log.Warn("the metrics lack the sources", "error", store.LogText(err))
		ch <- prometheus.MustNewConstMetric(m.known, prometheus.GaugeValue, 0)
		return
	}
	ch <- prometheus.MustNewConstMetric(m.known, prometheus.GaugeValue, 1)
	for _, h := range all {
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, h.Tenant, h.Source)
		}
		gauge(m.held, float64(h.Held))
		if h.PushOnly {
			continue
		}
		gauge(m.success, seconds(h.SucceededAt))
		if !h.NextAt.IsZero() {
			gauge(m.next, seconds(h.NextAt))
		}
		gauge(m.problems, float64(h.Problems))
		gauge(m.agents, float64(h.Agents))
	}
}

// seconds is a time as Prometheus has it, 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
