package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// together runs fn(0) … fn(n-1) at the same time and gives their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// caught turns a panic of fn into an error.
func caught(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn()
}

// meeting lets two transactions overlap where the backend lets them. A backend
// that runs writers one by one makes the first wait for a second that can't
// come, so the wait ends by itself; what is judged holds in both cases.
type meeting struct {
	once    [2]sync.Once
	arrived [2]chan struct{}
}

func newMeeting() *meeting {
	return &meeting{arrived: [2]chan struct{}{make(chan struct{}), make(chan struct{})}}
}

// patience is how long one side of a meeting waits for the other.
const patience = 100 * time.Millisecond

// arrive says that side 0 or 1 is here, or won't come any more.
func (m *meeting) arrive(side int) { m.once[side].Do(func() { close(m.arrived[side]) }) }

// wait says that a side is here and waits for the other.
func (m *meeting) wait(side int) {
	m.arrive(side)
	select {
	case <-m.arrived[1-side]:
	case <-time.After(patience):
	}
}

// race runs two transactions, 0 and 1. Each calls arrived where it should wait
// for the other one to have come as far; both must succeed in the end.
func (w *world) race(fn func(i int, tx store.Tx, arrived func()) error) {
	w.Helper()
	m := newMeeting()
	errs := together(2, func(i int) error {
		defer m.arrive(i)
		return w.s.Update(w.Context(), func(tx store.Tx) error { return fn(i, tx, func() { m.wait(i) }) })
	})
	w.is(errors.Join(errs...), nil)
}
