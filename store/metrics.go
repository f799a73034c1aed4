package store

// Metric is one figure about a database, for whoever runs it.
type Metric struct {
	Name    string // in the form of Prometheus, without a prefix; a counter ends in _total
	Help    string
	Counter bool // it only grows; else a gauge
	Value   float64
}

// Measured is a Store that tells how its database is doing. Metrics is cheap
// and safe for concurrent use, and always gives the same names.
type Measured interface {
	Metrics() []Metric
}
