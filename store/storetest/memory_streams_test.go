package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// streams of the model.
type streams struct {
	feeds []store.Stream
	keys  []store.SigningKey
	asked []store.Request
}

func (s streams) clone() streams {
	return streams{slices.Clone(s.feeds), slices.Clone(s.keys), slices.Clone(s.asked)}
}

func byStreamID(a, b store.Stream) int { return cmp.Compare(a.ID, b.ID) }

func (x *memTx) Stream(tenant int64, id string) (store.Stream, error) {
	return find(x.feeds, func(s store.Stream) bool { return s.Tenant == tenant && s.PublicID == id })
}

func (x *memTx) Streams(tenant, source, after int64, limit int) ([]store.Stream, error) {
	return top(x.feeds, limit, byStreamID, func(s store.Stream) bool {
		return s.Tenant == tenant && s.ID > after && (source == 0 || s.Source == source)
	}), nil
}

func (x *memTx) PushStreams() ([]store.Stream, error) {
	return top(x.feeds, len(x.feeds), byStreamID, func(s store.Stream) bool {
		source, _ := find(x.sources, func(o store.Source) bool { return o.ID == s.Source })
		tenant, _ := find(x.tenants, func(t store.Tenant) bool { return t.ID == s.Tenant })
		return s.Delivery == store.DeliveryPush && !s.Paused && (s.Source == 0 || source.Mode != store.ModeDisabled && tenant.SyncEnabled)
	}), nil
}

func (x *memTx) LastEvent(tenant int64) (last int64, err error) {
	for _, e := range x.events {
		if e.Tenant == tenant {
			last = e.Seq
		}
	}
	return last, nil
}

func (x *memTx) LinksTo(source int64, rids []int64) ([]store.Link, error) {
	var all []store.Link
	for _, rid := range slices.Compact(slices.Sorted(slices.Values(rids))) {
		for _, l := range x.links[rid] {
			if l.Source == source {
				l.Own, l.Doc, l.Keys = false, nil, nil
				all = append(all, l)
			}
		}
	}
	return all, nil
}

func (x *memTx) SigningKeys() ([]store.SigningKey, error) {
	return top(x.keys, len(x.keys), func(a, b store.SigningKey) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	},
		func(store.SigningKey) bool { return true }), nil
}

func (x *memTx) InsertStream(s *store.Stream) error {
	s.ID = x.next()
	x.feeds = append(x.feeds, *s)
	return nil
}

func (x *memTx) UpdateStream(s store.Stream) error {
	return put(x.feeds, func(o store.Stream) bool { return o.ID == s.ID }, func(o *store.Stream) {
		s.Tenant, s.Source, s.PublicID, s.Delivery, s.CreatedBy, s.CreatedAt = o.Tenant, o.Source, o.PublicID, o.Delivery, o.CreatedBy, o.CreatedAt
		*o = s
	})
}

func (x *memTx) DeleteStream(id int64) error {
	x.feeds = filtered(x.feeds, func(s store.Stream) bool { return s.ID != id })
	return nil
}

func (x *memTx) LockSigningKeys() error { return nil }

func (x *memTx) PutSigningKey(k store.SigningKey) error {
	if old, err := find(x.keys, func(o store.SigningKey) bool { return o.ID == k.ID }); err == nil {
		k.Public, k.CreatedAt = old.Public, old.CreatedAt
	}
	x.keys = upsert(x.keys, k, func(o store.SigningKey) bool { return o.ID == k.ID })
	return nil
}

func (x *memTx) DeleteSigningKey(id string) error {
	x.keys = filtered(x.keys, func(k store.SigningKey) bool { return k.ID != id })
	return nil
}

func (x *memTx) Request(tenant int64, txn string) (store.Request, error) {
	return find(x.asked, func(r store.Request) bool { return r.Tenant == tenant && r.Txn == txn })
}

func (x *memTx) WaitingRequests() ([]int64, error) {
	var all []int64
	for _, r := range filtered(x.asked, store.Request.Waits) {
		all = append(all, r.Source)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (x *memTx) ClaimRequests(source int64) (string, error) {
	next, _ := find(x.asked, func(r store.Request) bool { return r.Source == source && r.Waits() })
	return next.Txn, nil
}

func (x *memTx) CountRequests(source int64, limit int) (int, error) {
	return min(limit, len(filtered(x.asked, func(r store.Request) bool { return r.Source == source && r.Waits() }))), nil
}

func (x *memTx) InsertRequest(r *store.Request) error {
	if slices.ContainsFunc(x.asked, func(o store.Request) bool { return o.Txn == r.Txn }) {
		return store.ErrExists
	}
	r.ID = x.next()
	x.asked = append(x.asked, *r)
	return nil
}

func (x *memTx) SettleRequest(r store.Request) error {
	return put(x.asked, func(o store.Request) bool { return o.ID == r.ID }, func(o *store.Request) {
		o.SettledAt, o.Result, o.Body = r.SettledAt, r.Result, nil
	})
}

func (x *memTx) DeleteRequests(before time.Time, limit int) (n int, err error) {
	x.asked = slices.DeleteFunc(x.asked, func(r store.Request) bool {
		gone := n < limit && !r.Waits() && r.SettledAt.Before(before)
		if gone {
			n++
		}
		return gone
	})
	return n, nil
}
