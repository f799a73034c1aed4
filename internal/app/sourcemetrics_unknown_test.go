package app

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/workspace-scim/workspace/internal/directory"
)

// TestMetricsOutliveTheDatabase: without it everything else is still told, and that
// the sources aren't.
func TestMetricsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	st, err := OpenStore(t.Context(), Database{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db")}, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(newSourceMetrics(directory.New(st, directory.Options{}), slog.New(slog.DiscardHandler)))
	all, err := r.Gather()
	if err != nil || len(all) != 1 || all[0].GetName() != "workspace_sources_known" || all[0].GetMetric()[0].GetGauge().GetValue() != 0 {
		t.Errorf("%v %v", all, err)
	}
}
