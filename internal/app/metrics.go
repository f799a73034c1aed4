package app

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/workspace-scim/workspace/store"
)

// metrics are what /metrics shows, besides those of the store and of the sources. No
// label holds anything that a client can choose: an unknown route is "none", an
// unknown method "other".
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	repairs  *prometheus.CounterVec
	panics   prometheus.Counter
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "workspace_http_request_duration_seconds", Help: "Time from the header of a request to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_dialect_repairs_total", Help: "Requests whose form was repaired before validation, by the id in docs/compatibility.md.",
		}, []string{"id"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "workspace_panics_total", Help: "Requests that ended in a panic; each is a fault of ours.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "workspace_build_info", Help: "Always 1; the labels tell the build.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": goVersion()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.repairs, m.panics, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// storeMetrics collects what the database tells of itself.
type storeMetrics struct{ store.Measured }

// Describe implements prometheus.Collector.
func (s storeMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

// Collect implements prometheus.Collector.
func (s storeMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, m := range s.Metrics() {
		kind := prometheus.GaugeValue
		if m.Counter {
			kind = prometheus.CounterValue
		}
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("workspace_"+m.Name, m.Help, nil, nil), kind, m.Value)
	}
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return "unknown"
}

// maxScrapes is how many are answered at once, and 503 to others: who asks needs
// no token, and each asks the database.
const maxScrapes = 4

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: maxScrapes})
}

// repaired counts a repair of form.
func (m *metrics) repaired(id string) { m.repairs.WithLabelValues(id).Inc() }

// answered counts a request.
func (m *metrics) answered(route, method string, status int, took time.Duration) {
	method = knownMethod(method)
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route, method).Observe(took.Seconds())
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}
