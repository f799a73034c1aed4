package main

import (
	"fmt"
	"slices"
	"time"
)

// figure is what was measured of one scenario on one server.
type figure struct {
	Name     string
	Database string
	Users    int
	Members  int `json:",omitempty"` // of the group that it is about
	Clients  int
	Rate     float64       // per second: requests, or resources where many come at once
	P50      time.Duration // of a request
	P95      time.Duration
	P99      time.Duration
	CPU      time.Duration // of the server, for each of what Rate counts
	Floor    float64       `json:",omitempty"` // the floor's rate; 0 for none
	Ratio    float64       `json:",omitempty"` // of Rate to Floor
	// Flat is, of a whole list that is read page by page, the time of the pages
	// at its end to that of those at its beginning.
	Flat float64 `json:",omitempty"`
	// Memory is, of a comparison, the most resident bytes that the server was seen
	// with while it worked.
	Memory int64     `json:",omitempty"`
	Rates  []float64 // round by round
}

// where says which server a figure is of.
func (f *figure) where() string {
	if f.Members > 0 {
		return fmt.Sprintf("%s, %s members", f.Database, short(f.Members))
	}
	return fmt.Sprintf("%s %s", f.Database, short(f.Users))
}

// gathering collects the rounds of a figure.
type gathering struct {
	unit      int // what one request counts for
	rates     []float64
	floors    []float64
	latencies []time.Duration
	cpu       time.Duration
}

func (g *gathering) add(s sample) {
	g.rates = append(g.rates, s.rate()*float64(g.unit))
	g.latencies = append(g.latencies, s.latencies...)
	g.cpu += s.cpu
}

func (g *gathering) addFloor(s sample) { g.floors = append(g.floors, s.rate()*float64(g.unit)) }

// figure sums the rounds up.
func (g *gathering) figure(name string, w *world, clients int) figure {
	slices.Sort(g.latencies)
	return figure{
		Name: name, Database: w.database, Users: w.users, Clients: clients,
		Rate: median(g.rates), Rates: g.rates,
		P50: percentile(g.latencies, .5), P95: percentile(g.latencies, .95), P99: percentile(g.latencies, .99),
		CPU:   g.cpu / time.Duration(max(1, len(g.latencies)*g.unit)),
		Floor: median(g.floors), Ratio: ratio(g.rates, g.floors),
	}
}
