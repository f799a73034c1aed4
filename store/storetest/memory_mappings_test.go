package storetest

import (
	"cmp"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

func latestFirst(a, b store.Mapping) int { return cmp.Compare(b.Number, a.Number) }

func (x *memTx) Mapping(source, number int64) (store.Mapping, error) {
	all, _ := x.Mappings(source, 0, len(x.mappings))
	return find(all, func(m store.Mapping) bool { return number == 0 || m.Number == number })
}

func (x *memTx) Mappings(source, before int64, limit int) ([]store.Mapping, error) {
	return top(x.mappings, limit, latestFirst, func(m store.Mapping) bool {
		return m.Source == source && (before == 0 || m.Number < before)
	}), nil
}

func (x *memTx) InsertMapping(m store.Mapping) error {
	if _, err := x.Mapping(m.Source, m.Number); err == nil {
		return store.ErrExists
	}
	x.mappings = append(x.mappings, m)
	return nil
}

func ascending(a, b store.Raw) int { return cmp.Compare(a.ID, b.ID) }

func (x *memTx) RawOf(source, rid int64) (store.Raw, error) {
	return find(x.raws, func(r store.Raw) bool { return r.Source == source && r.RID == rid && rid != 0 })
}

func (x *memTx) RawsByKey(source int64, keys []string, limit int) ([]store.Raw, error) {
	return top(x.raws, limit, ascending, func(r store.Raw) bool { return r.Source == source && slices.Contains(keys, r.Key) }), nil
}

func (x *memTx) Raws(source, after int64, limit int) ([]store.Raw, error) {
	return top(x.raws, limit, ascending, func(r store.Raw) bool { return r.Source == source && r.ID > after }), nil
}

func (x *memTx) PutRaw(r store.Raw) error {
	if r.ID == 0 {
		r.ID = x.next()
		x.raws = append(x.raws, r)
		return nil
	}
	for i, old := range x.raws {
		if old.ID == r.ID {
			r.Tenant, r.Source = old.Tenant, old.Source
			x.raws[i] = r
		}
	}
	return nil
}

func (x *memTx) DeleteRaw(id int64) error {
	x.raws = filtered(x.raws, func(r store.Raw) bool { return r.ID != id })
	return nil
}

func (x *memTx) ForgetRaws(tenant, rid int64) error {
	x.raws = filtered(x.raws, func(r store.Raw) bool { return r.Tenant != tenant || r.RID != rid || rid == 0 })
	return nil
}

func (x *memTx) ForgetSaid(source int64) error {
	x.raws = filtered(x.raws, func(r store.Raw) bool { return r.Source != source })
	return nil
}
