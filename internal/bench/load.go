package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/workspace-scim/workspace/scim"
)

const (
	bulkSize  = 1000 // operations of a bulk request: what the server takes
	loaders   = 4    // bulk requests at the same time
	scimBulk  = scim.Prefix + "/Bulk"
	scimUsers = scim.Prefix + "/Users"
)

// load brings the world to n users and notes how fast that was, the first time.
func (w *world) load(ctx context.Context, n int) error {
	from := len(w.ids)
	ids := make([]string, n)
	copy(ids, w.ids)
	cpu, err := w.server.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := w.loadRange(ctx, ids, from); err != nil {
		return err
	}
	w.ids = ids
	if w.facts.Load > 0 {
		return nil
	}
	took := time.Since(begin)
	after, err := w.server.cpu()
	w.facts.Load = float64(n-from) / took.Seconds()
	w.facts.LoadCPU = (after - cpu) / time.Duration(n-from)
	return err
}

// loadRange creates the users from a number on and fills their ids in.
func (w *world) loadRange(ctx context.Context, ids []string, from int) error {
	var next atomic.Int64
	next.Store(int64(from))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for range loaders {
		all.Go(func() {
			c, err := connect(ctx, w.server.address, w.token)
			if err != nil {
				cancel(err)
				return
			}
			defer c.close()
			var body []byte
			for ctx.Err() == nil {
				first := int(next.Add(bulkSize)) - bulkSize
				if first >= len(ids) {
					return
				}
				batch := ids[first:min(first+bulkSize, len(ids))]
				body = appendBulk(body[:0], len(batch), func(i int) person { return personOf(first + i) })
				if err := bulk(c, body, batch); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// appendBulk appends a bulk request of n creates.
func appendBulk(b []byte, n int, who func(i int) person) []byte {
	b = append(b, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"method":"POST","path":"/Users","bulkId":"`...)
		b = append(strconv.AppendInt(b, int64(i), 10), `","data":`...)
		b = append(who(i).appendBody(b), '}')
	}
	return append(b, `]}`...)
}

// bulk sends a bulk request, each operation of which must create a resource,
// and fills their ids in.
func bulk(c *client, body []byte, ids []string) error {
	answer, err := c.want(http.StatusOK, http.MethodPost, scimBulk, body)
	if err != nil {
		return err
	}
	var r struct {
		Operations []struct {
			Location, Status string
			Response         json.RawMessage
		}
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("the answer to a bulk request: %w", err)
	}
	if len(r.Operations) != len(ids) {
		return fmt.Errorf("%d operations were answered, not %d", len(r.Operations), len(ids))
	}
	for i, op := range r.Operations {
		if op.Status != "201" {
			return fmt.Errorf("a create in a bulk request was answered %s: %s", op.Status, op.Response)
		}
		ids[i] = op.Location[strings.LastIndexByte(op.Location, '/')+1:]
	}
	return nil
}
