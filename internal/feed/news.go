package feed

import (
	"context"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

const (
	// askEvery is how often the database is asked whether a tenant has news, for
	// all who wait for that together; for tenants for which nobody waits it isn't.
	askEvery = 500 * time.Millisecond
	// maxWaiting bounds those who wait in one process; more are answered at once.
	maxWaiting = 1000
)

// news tells those who wait that the log of their tenant has grown. One goroutine
// asks for all of them, and only while there are any.
type news struct {
	dir *directory.Directory

	mu      sync.Mutex
	tenants map[int64]*watched
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
	return &news{dir: d, tenants: map[int64]*watched{}, over: make(chan struct{})}
}

func (n *news) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.stopped {
		n.stopped = true
		close(n.over)
	}
}

// wait waits until the tenant has events behind seen, and says whether it has; or
// until the deadline, the end of ctx or that of all waiting.
func (n *news) wait(ctx context.Context, tenant, seen int64, deadline time.Time) bool {
	w := n.enter(tenant)
	if w == nil {
		return false
	}
	defer n.leave(tenant)
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		n.mu.Lock()
		last, changed := w.last, w.changed
		n.mu.Unlock()
		if last > seen {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		case <-n.over:
			return false
		}
	}
}

// enter begins to wait; nil if too many do.
func (n *news) enter(tenant int64) *watched {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting >= maxWaiting || n.stopped {
		return nil
	}
	n.waiting++
	w := n.tenants[tenant]
	if w == nil {
		w = &watched{changed: make(chan struct{})}
		n.tenants[tenant] = w
	}
	w.waiting++
	if !n.asking {
		n.asking = true
		go n.ask()
	}
	return w
}

func (n *news) leave(tenant int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting--
	if w := n.tenants[tenant]; w.waiting > 1 {
		w.waiting--
	} else {
		delete(n.tenants, tenant)
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
