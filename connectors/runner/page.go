package runner

import (
	"time"

	"github.com/workspace-scim/workspace/connectors"
)

// The bounds of what is settled at once; fewer changes where the server is slow.
const (
	pageChanges = 500
	pageBytes   = 2 << 20
)

// waitingBytes bounds the groups of a full pull that wait for their members. A
// member that isn't there yet is parked by the server and joined when it
// arrives, which costs several times what it costs to add one that is there.
const waitingBytes = 8 << 20

// page is what was told and isn't settled, in the order told. The zero value is
// empty.
type page struct {
	items []*item
	at    map[string]int // by anchor
	size  int            // about how many bytes
}

// join joins an item to what was told of the same object; false if nothing was.
func (p *page) join(it *item) bool {
	i, ok := p.at[it.Anchor]
	if ok {
		p.items[i] = join(p.items[i], it)
		p.size += weight(it.Change)
	}
	return ok
}

// add takes an object of which nothing was told.
func (p *page) add(it *item) {
	if p.at == nil {
		p.at = map[string]int{}
	}
	p.at[it.Anchor] = len(p.items)
	p.items = append(p.items, it)
	p.size += weight(it.Change)
}

func (p *page) full() bool { return len(p.items) >= pageChanges || p.size >= pageBytes }

// The time that a page takes. A server holds what it writes of it in one
// transaction, for which others wait, the renewal of the lease among them.
const (
	slowPage  = 3 * time.Second
	quickPage = time.Second
	leastPage = 20 // changes
)

// paced gives how many changes to settle at once, after most of them took a time.
func paced(most int, took time.Duration) int {
	switch {
	case took > slowPage:
		return max(most/2, leastPage)
	case took < quickPage:
		return min(most*2, pageChanges)
	}
	return most
}

// within is how many of the first items are settled at once, of at most most,
// and at least one.
func within(items []*item, most int) int {
	n, size := 0, 0
	for n < min(len(items), most) && (n == 0 || size < pageBytes) {
		size += weight(items[n].Change)
		n++
	}
	return n
}

// join is merge for items.
func join(a, b *item) *item {
	back := a.Presence != connectors.Present && b.Presence == connectors.Present && !b.Whole
	return &item{
		Change: merge(a.Change, b.Change), reason: b.reason, reread: a.reread && !b.Whole || back,
		former:  a.former && b.former,
		deleted: a.deleted || b.deleted || a.Presence == connectors.Deleted,
	}
}
