package gormstore

import (
	"container/list"
	"fmt"
	"sync"

	"github.com/workspace-scim/workspace/store"
)

// hint is where a page by index begins, and the total when that was seen.
type hint struct {
	store.Position
	total int
}

// hints remembers, for clients that page by index, where the next page begins,
// so that it needn't be counted from the start. It only saves time: a hint is
// used while the total is the one it was made with, and other servers need not
// know of it.
type hints struct {
	mu    sync.Mutex
	order list.List // of *hintEntry, the latest in front
	byKey map[string]*list.Element
}

type hintEntry struct {
	key string
	hint
}

// maxHints bounds the memory: some hundred bytes each.
const maxHints = 4096

func newHints() *hints { return &hints{byKey: map[string]*list.Element{}} }

func (h *hints) put(key string, v hint) {
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

func (h *hints) get(key string) (hint, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.byKey[key]
	if !ok {
		return hint{}, false
	}
	h.order.MoveToFront(e)
	return e.Value.(*hintEntry).hint, true
}

// maxHintKey is the longest query text that is worth remembering.
const maxHintKey = 4096

// hintKey names a place in the results of a query: everything that decides
// which resources it gives, and in which order.
func (l *lister) hintKey(offset int) string {
	b := l.builder()
	l.from(b, func() { b.add("*") })
	key := fmt.Sprintf("%d %s %v", offset, b.sql(), b.args)
	if l.q.SortBy != nil {
		key = fmt.Sprintf("%v %s %s", l.q.Descending, l.q.SortBy.Path, key)
	}
	if len(key) > maxHintKey {
		return ""
	}
	return key
}
