package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crash kills the server while users are created, starts it again, and looks
// for each user whose creation had been answered.
func (b *bench) crash(ctx context.Context, w *world) (err error) {
	if _, w.facts.Peak, err = w.server.memory(); err != nil {
		return err
	}
	made, err := b.killDuringCreates(ctx, w)
	if err != nil {
		return err
	}
	if w.facts.Recovered, err = w.start(ctx); err != nil {
		return err
	}
	var next, missing atomic.Int64
	there := side{w.server, func(c *client) error {
		i := next.Add(1) - 1
		if i >= int64(len(made)) {
			return errEnough
		}
		status, _, answer, err := c.do(http.MethodGet, made[i], nil)
		if status == http.StatusNotFound {
			missing.Add(1)
		} else if err == nil && status != http.StatusOK {
			err = fmt.Errorf("GET %s: answered %d: %.300s", made[i], status, answer)
		}
		return err
	}}
	if _, err := there.measure(ctx, b.clients, startTimeout); err != nil {
		return err
	}
	w.facts.Forgotten = int(missing.Load())
	w.facts.Kept = len(made) - w.facts.Forgotten
	return nil
}

// killDuringCreates gives the paths of the users whose creation was answered.
func (b *bench) killDuringCreates(ctx context.Context, w *world) ([]string, error) {
	made := make([][]string, b.clients)
	errs := make([]error, b.clients)
	var killed atomic.Bool
	var all sync.WaitGroup
	for i := range made {
		c, err := connect(ctx, w.server.address, w.token)
		if err != nil {
			return nil, err
		}
		defer c.close()
		all.Go(func() {
			for {
				r := createOne(w, c)
				status, header, answer, err := c.do(r.method, r.path, r.body)
				if err != nil {
					if !killed.Load() {
						errs[i] = err
					}
					return
				}
				if status != r.status {
					errs[i] = fmt.Errorf("a create was answered %d: %.300s", status, answer)
					return
				}
				location := header.Get("Location")
				made[i] = append(made[i], location[strings.Index(location, scimUsers):])
			}
		})
	}
	select {
	case <-time.After(b.round() + 100*time.Millisecond):
	case <-ctx.Done():
	}
	killed.Store(true)
	err := w.server.kill()
	all.Wait()
	return slices.Concat(made...), errors.Join(append(errs, err)...)
}
