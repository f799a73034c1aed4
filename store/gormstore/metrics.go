package gormstore

import (
	"os"

	"github.com/workspace-scim/workspace/store"
)

var _ store.Measured = (*Store)(nil)

// Metrics implements store.Measured.
func (s *Store) Metrics() []store.Metric { return s.engine.metrics() }

func (e *sqliteEngine) metrics() []store.Metric {
	return []store.Metric{
		{Name: "sqlite_database_bytes", Help: "Size of the database file.", Value: fileSize(e.path)},
		{Name: "sqlite_wal_bytes", Help: "Size of the write-ahead log; it is moved to the database file from 40 MB on.", Value: fileSize(e.path + "-wal")},
		{Name: "sqlite_writer_queue", Help: "Transactions that wait for the writer.", Value: float64(len(e.writer.jobs))},
		{Name: "sqlite_updates_total", Help: "Transactions that wrote.", Counter: true, Value: float64(e.writer.updates.Load())},
		{Name: "sqlite_commits_total", Help: "Commits, each of one or more transactions.", Counter: true, Value: float64(e.writer.commits.Load())},
	}
}

// fileSize is 0 for a file that isn't there.
func fileSize(path string) float64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return float64(info.Size())
}

func (e *postgresEngine) metrics() []store.Metric {
	s := e.db.Stats()
	return []store.Metric{
		{Name: "postgres_connections_max", Help: "Connections that this server may have.", Value: float64(s.MaxOpenConnections)},
		{Name: "postgres_connections_in_use", Help: "Connections in use.", Value: float64(s.InUse)},
		{Name: "postgres_connections_idle", Help: "Open connections that wait for work.", Value: float64(s.Idle)},
		{Name: "postgres_connection_waits_total", Help: "Transactions that waited for a connection.", Counter: true, Value: float64(s.WaitCount)},
		{Name: "postgres_looks_total", Help: "Look-ups that were asked together with what was asked at the same time.", Counter: true, Value: float64(e.looks.asked.Load())},
		{Name: "postgres_look_round_trips_total", Help: "Round trips that they took.", Counter: true, Value: float64(e.looks.sent.Load())},
		{Name: "postgres_connection_wait_seconds_total", Help: "Time that transactions waited for a connection.", Counter: true, Value: s.WaitDuration.Seconds()},
	}
}
