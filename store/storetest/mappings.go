package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func mappingChecks() []check {
	return []check{
		{"versions of rules read back whole, the newest first", mappingsReadBack},
		{"a version of rules is written once", mappingOnce},
		{"what was said is found by its user, its key and in order", rawsFound},
		{"what was said is replaced", rawsReplaced},
		{"what was said of a user, or by a source, is forgotten", rawsForgotten},
	}
}

func newMapping(w *world, number int64) store.Mapping {
	return store.Mapping{
		Tenant: w.tenant, Source: w.hr, Number: number, Document: fmt.Appendf(nil, `{"flows":["é %d"]}`, number),
		Version: fmt.Sprintf("%064d", number), By: "cli:anna", CreatedAt: at(int(number)),
	}
}

func mappingsReadBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	_, err := tryRead(w, func(r store.Reader) (store.Mapping, error) { return r.Mapping(w.hr, 0) })
	w.is(err, store.ErrNotFound)
	none := newMapping(w, 3)
	none.Document, none.Version = nil, ""
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.InsertMapping(newMapping(w, 1)), tx.InsertMapping(newMapping(w, 2)), tx.InsertMapping(none))
	})
	get := func(number int64) store.Mapping {
		return read(w, func(r store.Reader) (store.Mapping, error) { return r.Mapping(w.hr, number) })
	}
	equal(w, "newest", get(0), none)
	equal(w, "first", get(1), newMapping(w, 1))
	list := func(source, before int64, limit int) []store.Mapping {
		return read(w, func(r store.Reader) ([]store.Mapping, error) { return r.Mappings(source, before, limit) })
	}
	equal(w, "page", list(w.hr, 0, 2), []store.Mapping{none, newMapping(w, 2)})
	equal(w, "next page", list(w.hr, 2, 2), []store.Mapping{newMapping(w, 1)})
	equal(w, "another source's", list(w.ad, 0, 9), nil)
}

func mappingOnce(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	other := newMapping(w, 1)
	other.By = "other"
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.InsertMapping(newMapping(w, 1)), expect(tx.InsertMapping(other), store.ErrExists))
	})
	got := read(w, func(r store.Reader) (store.Mapping, error) { return r.Mapping(w.hr, 0) })
	equal(w, "mapping", got, newMapping(w, 1))
}

func newRaw(w *world, source, rid int64, key string) store.Raw {
	return store.Raw{Tenant: w.tenant, Source: source, RID: rid, Key: key, Data: []byte(`{"First name":"Zoë"}`), Rules: 2, InScope: rid != 0, At: at(4)}
}

// putRaws writes them, and gives those that are new their ids.
func (w *world) putRaws(all ...*store.Raw) {
	w.Helper()
	for _, r := range all {
		w.update(func(tx store.Tx) error { return tx.PutRaw(*r) })
		if r.ID == 0 {
			last := rawsOf(w, r.Source, 0, 99)
			r.ID = last[len(last)-1].ID
		}
	}
}

func rawsOf(w *world, source, after int64, limit int) []store.Raw {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Raw, error) { return r.Raws(source, after, limit) })
}

func rawsFound(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	bound, free, twice, elsewhere := newRaw(w, w.hr, 1<<40, "externalId=é1"), newRaw(w, w.hr, 0, "externalId=E1"), newRaw(w, w.hr, 0, "externalId=E1"), newRaw(w, w.ad, 1<<40, "externalId=E1")
	w.putRaws(&bound, &free, &twice, &elsewhere)
	equal(w, "of the user", read(w, func(r store.Reader) (store.Raw, error) { return r.RawOf(w.hr, 1<<40) }), bound)
	_, err := tryRead(w, func(r store.Reader) (store.Raw, error) { return r.RawOf(w.hr, 0) })
	w.is(err, store.ErrNotFound)
	byKey := func(limit int, keys ...string) []store.Raw {
		return read(w, func(r store.Reader) ([]store.Raw, error) { return r.RawsByKey(w.hr, keys, limit) })
	}
	equal(w, "by key", byKey(9, "externalId=E1"), []store.Raw{free, twice})
	equal(w, "by keys", byKey(2, "externalId=E1", "externalId=é1", "none"), []store.Raw{bound, free})
	equal(w, "by none", byKey(9), nil)
	equal(w, "by what can't be stored", byKey(9, "\x00"), nil)
	equal(w, "first page", rawsOf(w, w.hr, 0, 2), []store.Raw{bound, free})
	equal(w, "second page", rawsOf(w, w.hr, free.ID, 2), []store.Raw{twice})
}

func rawsReplaced(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	one, two := newRaw(w, w.hr, 0, "a"), newRaw(w, w.hr, 1<<40, "b")
	w.putRaws(&one, &two)
	changed := one
	changed.RID, changed.Key, changed.Data, changed.Rules, changed.InScope, changed.At = 1<<40+1, "c", []byte(`{}`), 3, true, at(5)
	w.putRaws(&changed)
	equal(w, "changed", rawsOf(w, w.hr, 0, 9), []store.Raw{changed, two})
	w.update(func(tx store.Tx) error { return tx.DeleteRaw(changed.ID) })
	equal(w, "deleted", rawsOf(w, w.hr, 0, 9), []store.Raw{two})
}

func rawsForgotten(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	hr, ad, other, free := newRaw(w, w.hr, 1<<41, "a"), newRaw(w, w.ad, 1<<41, "a"), newRaw(w, w.hr, 1<<42, "a"), newRaw(w, w.hr, 0, "a")
	w.putRaws(&hr, &ad, &other, &free)
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.ForgetRaws(w.tenant+1<<40, other.RID), tx.ForgetRaws(w.tenant, hr.RID), tx.ForgetRaws(w.tenant, 0))
	})
	equal(w, "left", rawsOf(w, w.hr, 0, 9), []store.Raw{other, free})
	equal(w, "left of the other source", rawsOf(w, w.ad, 0, 9), nil)
	again := newRaw(w, w.ad, 1<<41, "a")
	w.putRaws(&again)
	w.update(func(tx store.Tx) error { return tx.ForgetSaid(w.hr) })
	equal(w, "left of a source that is forgotten", rawsOf(w, w.hr, 0, 9), nil)
	equal(w, "of the other source", rawsOf(w, w.ad, 0, 9), []store.Raw{again})
}
