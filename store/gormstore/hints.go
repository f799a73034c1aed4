package gormstore

import (
	"container/list"
	"sync"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// hint is where a page by index begins, and how many moves the view had seen.
type hint struct {
	store.Position
	moves int
}

// place is a page by index of an unfiltered list in the order of creation.
type place struct {
	scope int64
	kind  schema.Kind
	index int
}

// hints remembers, for clients that page by index, where the next page begins,
// so that it needn't be counted from the start. It only saves time: a hint
// counts only as long as nothing came or went in the view but at its end, which
// the database tells, and other servers need not know of it.
type hints struct {
	mu    sync.Mutex
	order list.List // of *hintEntry, the latest in front
	byKey map[place]*list.Element
}

type hintEntry struct {
	key place
	hint
}

// maxHints bounds the memory: about 200 bytes each.
const maxHints = 4096

func newHints() *hints { return &hints{byKey: map[place]*list.Element{}} }

func (h *hints) put(key place, v hint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.byKey[key]; ok {
		e.Value.(*hintEntry).hint = v
		h.order.MoveToFront(e)
		return
	}
	h.byKey[key] = h.order.PushFront(&hintEntry{key, v})
	if h.order.Len() > maxHints {
		oldest := h.order.Remove(h.order.Back()).(*hintEntry)
		delete(h.byKey, oldest.key)
	}
}

func (h *hints) get(key place) (hint, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.byKey[key]
	if !ok {
		return hint{}, false
	}
	h.order.MoveToFront(e)
	return e.Value.(*hintEntry).hint, true
}

// hinted gives the position before the page, nil if it isn't remembered.
func (l *lister) hinted() (*store.Position, error) {
	h, ok := l.store.hints.get(l.pageAt(l.q.Offset))
	if !ok || l.q.Filter != nil {
		return nil, nil
	}
	moves, err := l.moves(l.q.View, l.q.Type.Kind)
	if err != nil || moves != h.moves {
		return nil, err
	}
	return &h.Position, nil
}

// remember keeps where the next page begins.
func (l *lister) remember() error {
	next := l.page.Next
	if next == nil || l.q.Filter != nil || l.q.After != nil || l.write {
		return nil
	}
	moves, err := l.moves(l.q.View, l.q.Type.Kind)
	if err == nil {
		l.store.hints.put(l.pageAt(next.Index), hint{*next, moves})
	}
	return err
}

func (l *lister) pageAt(index int) place {
	return place{scopeOf(l.q.View), l.q.Type.Kind, index}
}
