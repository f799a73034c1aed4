package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	writers     = 8
	keptUsers   = 60 // a writer deletes more than it makes when it has so many
	keptGroups  = 6
	sharedCount = 4 // groups whose members all writers change
)

// load is writers at work against one server.
type load struct {
	t      *trial
	ledger *ledger
	name   string // part of every key
	stop   context.CancelFunc
	all    sync.WaitGroup
	hasty  atomic.Bool // clients break off some of their requests

	mu       sync.Mutex
	statuses map[int]int           // how often each came; 0 is no answer
	slowest  map[int]time.Duration // by status
}

// startLoad begins to write, until stopped or until the server is gone. The
// writers take turns with the clients: without any, all use the site's.
func (s *site) startLoad(name string, clients ...*client) *load {
	if len(clients) == 0 {
		clients = []*client{s.client}
	}
	ctx, stop := context.WithCancel(s.t.ctx)
	l := &load{
		t: s.t, ledger: s.ledger, name: name, stop: stop,
		statuses: map[int]int{}, slowest: map[int]time.Duration{},
	}
	for n := range writers {
		w := &writer{
			load: l, n: n, client: clients[n%len(clients)],
			rng: rand.New(rand.NewPCG(s.t.rng.Uint64(), 0)), shared: s.shared,
		}
		w.users = s.ledger.of("Users", n)
		w.groups = s.ledger.of("Groups", n)
		l.all.Go(func() { w.run(ctx) })
	}
	return l
}

// of gives what a writer may go on with.
func (l *ledger) of(kind string, writer int) []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.users
	if kind == "Groups" {
		all = l.groups
	}
	var own []*record
	for _, r := range all {
		if r.writer == writer && r.state.last() != 0 && !r.lost {
			own = append(own, r)
		}
	}
	return own
}

// warm lets the load run for a while: until something is there to be lost, and
// then up to a random moment.
func (l *load) warm() error {
	err := l.t.until(30*time.Second, "a load", func() bool { return l.acknowledged() >= 40 })
	l.t.wait(time.Duration(l.t.size(500, 2000)) * time.Millisecond)
	return err
}

// wait waits until all writers have ended.
func (l *load) wait() { l.all.Wait() }

// end lets each writer finish what it is at.
func (l *load) end() {
	l.stop()
	l.all.Wait()
}

// count gives how many answers had one of these statuses.
func (l *load) count(statuses ...int) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for status, c := range l.statuses {
		if slices.Contains(statuses, status) {
			n += c
		}
	}
	return n
}

// acknowledged is how many requests succeeded so far.
func (l *load) acknowledged() int {
	return l.count(http.StatusOK, http.StatusCreated, http.StatusNoContent)
}

func (l *load) note(status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[status]++
	l.slowest[status] = max(l.slowest[status], took)
}

// writer sends one write after the other.
type writer struct {
	*load
	n      int
	client *client
	rng    *rand.Rand
	serial int
	users  []*record // that exist and that only this writer changes
	groups []*record
	shared []*record
	gone   bool // the server doesn't answer any more
}

func (w *writer) run(ctx context.Context) {
	steps := []struct {
		weight int
		do     func()
	}{
		{20, w.createUser}, {25, w.patchUser}, {12, w.putUser}, {8, w.deleteUser}, {20, w.changeShared},
		{3, w.createGroup}, {5, w.putGroup}, {2, w.deleteGroup}, {5, w.bulk},
	}
	for ctx.Err() == nil && !w.gone {
		pick := w.rng.IntN(100)
		for _, s := range steps {
			if pick -= s.weight; pick < 0 {
				s.do()
				break
			}
		}
	}
}

// next is a new request id, which is also a key that nothing else has.
func (w *writer) next() string {
	w.serial++
	return fmt.Sprintf("%s-w%d-%d", w.name, w.n, w.serial)
}

// send sends a write request and notes what became of it.
func (w *writer) send(wr *write, method, path string, body any) {
	w.ledger.begin(wr)
	a, alive := w.request(wr.txn, method, path, body)
	if !alive || a.status >= 500 {
		w.ledger.lose(wr, a.body)
		w.forget()
		return
	}
	w.outcome(wr, a)
}

// request sends any request of the load; alive says that an answer came. The
// end of the load breaks no request off.
func (w *writer) request(txn, method, path string, body any) (a answer, alive bool) {
	ctx := context.Background()
	if w.hasty.Load() && w.rng.IntN(4) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(w.rng.Int64N(int64(10*time.Millisecond))))
		defer cancel()
	}
	a, err := w.client.send(ctx, method, path, body, "X-Request-Id", txn)
	if err != nil {
		w.note(0, 0)
		w.gone = ctx.Err() == nil
		return answer{}, false
	}
	w.note(a.status, a.took)
	if a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
		w.t.fault("%s: 503 without Retry-After", txn)
	}
	return a, true
}

// outcome notes an answer that says whether the write was done.
func (w *writer) outcome(wr *write, a answer) {
	if !a.ok() {
		w.t.fault("%s %s: unexpected answer %d %s", wr.what, wr.txn, a.status, a.body)
		w.ledger.refuse(wr)
		w.forget()
		return
	}
	id := ""
	if a.status == http.StatusCreated {
		var err error
		if id, err = a.id(); err != nil {
			w.t.fault("%s %s: %v", wr.what, wr.txn, err)
		}
	}
	w.ledger.acknowledge(wr, id)
}

// forget drops what is gone, or left alone because of a lost answer.
func (w *writer) forget() {
	drop := func(r *record) bool { return r.lost || r.state.last() == 0 }
	w.users, w.groups = slices.DeleteFunc(w.users, drop), slices.DeleteFunc(w.groups, drop)
}

// some gives a random record, nil if there is none.
func (w *writer) some(from []*record) *record {
	if len(from) == 0 {
		return nil
	}
	return from[w.rng.IntN(len(from))]
}

// sample gives a few different ones, in random order.
func (w *writer) sample(from []*record, most int) []*record {
	out := slices.Clone(from)
	w.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(len(out), 1+w.rng.IntN(most))]
}
