package storetest

import (
	"cmp"

	"github.com/workspace-scim/workspace/store"
)

func (x *memTx) Seals(tenant, after int64, limit int) ([]store.Seal, error) {
	return top(x.seals, limit, func(a, b store.Seal) int { return cmp.Compare(a.Seq, b.Seq) }, func(s store.Seal) bool {
		return s.Tenant == tenant && s.Seq > after
	}), nil
}

func (x *memTx) LastSeal(tenant int64) (store.Seal, error) {
	all := top(x.seals, 1, func(a, b store.Seal) int { return cmp.Compare(b.Seq, a.Seq) }, func(s store.Seal) bool { return s.Tenant == tenant })
	if len(all) == 0 {
		return store.Seal{}, store.ErrNotFound
	}
	return all[0], nil
}

func (x *memTx) SealedEvents(tenant, after, upTo int64, limit int, row func(store.Event) error) error {
	all := filtered(x.events, func(e store.Event) bool { return e.Tenant == tenant && e.Seq > after && e.Seq <= upTo })
	for _, e := range all[:min(limit, len(all))] {
		if err := row(e); err != nil {
			return err
		}
	}
	return nil
}

func (x *memTx) NewestEvent() (seq int64, err error) {
	for _, e := range x.events {
		seq = max(seq, e.Seq)
	}
	return seq, nil
}

func (x *memTx) InsertSeal(s store.Seal) error {
	for _, other := range x.seals {
		if other.Tenant == s.Tenant && (other.Seq == s.Seq || other.Prev == s.Prev) {
			return store.ErrExists
		}
	}
	x.seals = append(x.seals, s)
	return nil
}
