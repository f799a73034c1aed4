package feed

import (
	"context"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

const (
	// askEvery is how often the database is asked whether a tenant has news, for
	// all who wait for that together; for tenants for which nobody waits it isn't.
	askEvery = 500 * time.Millisecond
	// maxWaiting bounds those who wait in one process, and maxOfStream those of one
	// stream; more are answered at once.
	maxWaiting, maxOfStream = 1000, 10
)

// news tells those who wait that the log of their tenant has grown. One goroutine
// asks for all of them, and only while there are any.
type news struct {
	dir *directory.Directory

	mu      sync.Mutex
	tenants map[int64]*watched
	streams map[int64]int // by id: how many wait for it
	waiting int
	asking  bool
	over    chan struct{}
	stopped bool
}

// watched is a tenant for which somebody waits.
type watched struct {
	last    int64         // the number of its last event, as far as is known
	changed chan struct{} // closed when last has changed
	waiting int
}

func newNews(d *directory.Directory) *news {
	return &news{dir: d, tenants: map[int64]*watched{}, streams: map[int64]int{}, over: make(chan struct{})}
}

func (n *news) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.stopped {
		n.stopped = true
		close(n.over)
	}
}

// waiter is one who waits for a stream.
type waiter struct {
	n       *news
	x       store.Stream
	watched *watched
}

// enter begins to wait; nil if too many do.
func (n *news) enter(x store.Stream) *waiter {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting >= maxWaiting || n.streams[x.ID] >= maxOfStream || n.stopped {
		return nil
	}
	n.waiting++
	n.streams[x.ID]++
	w := n.tenants[x.Tenant]
	if w == nil {
		w = &watched{changed: make(chan struct{})}
		n.tenants[x.Tenant] = w
	}
	w.waiting++
	if !n.asking {
		n.asking = true
		go n.ask()
	}
	return &waiter{n, x, w}
}

// leave ends the waiting.
func (w *waiter) leave() {
	n := w.n
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting--
	if n.streams[w.x.ID]--; n.streams[w.x.ID] == 0 {
		delete(n.streams, w.x.ID)
	}
	if w.watched.waiting--; w.watched.waiting == 0 {
		delete(n.tenants, w.x.Tenant)
	}
}

// wait waits until the tenant has events behind seen, or until the given time. It
// says whether there is more to wait for: not after the end of ctx or that of all
// waiting.
func (w *waiter) wait(ctx context.Context, seen int64, until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		w.n.mu.Lock()
		last, changed := w.watched.last, w.watched.changed
		w.n.mu.Unlock()
		if last > seen {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		case <-w.n.over:
			return false
		}
	}
}

// ask asks until nobody waits any more.
func (n *news) ask() {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		tenants := n.asked()
		if tenants == nil {
			return
		}
		for _, t := range tenants {
			n.askOne(t)
		}
		select {
		case <-tick.C:
		case <-n.over:
		}
	}
}

// asked gives the tenants to ask about, nil when nobody waits.
func (n *news) asked() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.tenants) == 0 || n.stopped {
		n.asking = false
		return nil
	}
	tenants := make([]int64, 0, len(n.tenants))
	for t := range n.tenants {
		tenants = append(tenants, t)
	}
	return tenants
}

func (n *news) askOne(tenant int64) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*askEvery)
	defer cancel()
	last, err := n.dir.LastEvent(ctx, tenant)
	if err != nil {
		return // who waits goes on waiting, and hears of it when it reads
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.tenants[tenant]; w != nil && last > w.last {
		w.last = last
		close(w.changed)
		w.changed = make(chan struct{})
	}
}
