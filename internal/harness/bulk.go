package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// bulk makes users and a group of them, changes a user and deletes one, in one
// request. Each operation stands or falls alone, so each is a write.
func (w *writer) bulk() {
	if len(w.users) < 2 || len(w.users) >= keptUsers || len(w.groups) >= keptGroups {
		return
	}
	txn := w.next()
	b := &bulk{txn: txn}
	var made []*record
	var members []object
	for i := range 3 {
		key := txn + "-u" + strconv.Itoa(i)
		r := w.ledger.add("Users", key, w.n)
		made, members = append(made, r), append(members, object{"value": "bulkId:" + key})
		b.add(&write{what: "bulk POST user", changes: []change{becomes(r, 1)}, events: []event{{"user.created", r}}},
			object{"method": http.MethodPost, "path": "/Users", "bulkId": key, "data": r.body(1, nil)})
	}
	g := w.ledger.add("Groups", txn+"-g", w.n)
	b.add(founding("", g, made), object{"method": http.MethodPost, "path": "/Groups", "bulkId": g.key, "data": g.body(1, members)})

	two := w.rng.Perm(len(w.users))
	changed, deleted := w.users[two[0]], w.users[two[1]]
	n := changed.state.last() + 1
	b.add(&write{what: "bulk PATCH user", changes: []change{becomes(changed, n)}, events: []event{{"user.updated", changed}}},
		object{"method": http.MethodPatch, "path": changed.path(), "data": changed.patch(n)})
	b.add(deletion("", deleted), object{"method": http.MethodDelete, "path": deleted.path()})
	w.sendBulk(b)
	w.users, w.groups = append(w.users, made...), append(w.groups, g)
	w.forget()
}

// bulk is a bulk request in the making.
type bulk struct {
	txn    string
	writes []*write
	ops    []object
}

func (b *bulk) add(wr *write, op object) {
	wr.txn = b.txn
	b.writes, b.ops = append(b.writes, wr), append(b.ops, op)
}

// sendBulk sends the request and notes the outcome of each operation.
func (w *writer) sendBulk(b *bulk) {
	for _, wr := range b.writes {
		w.ledger.begin(wr)
	}
	a, alive := w.request(b.txn, http.MethodPost, "/Bulk", object{"schemas": []string{bulkURN}, "Operations": b.ops})
	if !alive || a.status >= 500 {
		for _, wr := range b.writes {
			w.ledger.lose(wr, a.body)
		}
		return
	}
	var response struct {
		Operations []struct {
			Location string
			Status   string
			Response json.RawMessage
		}
	}
	if err := a.decode(&response); err != nil || !a.ok() || len(response.Operations) != len(b.writes) {
		w.t.fault("bulk %s: unexpected answer %d %s (%v)", b.txn, a.status, a.body, err)
		for _, wr := range b.writes {
			w.ledger.lose(wr, a.body)
		}
		return
	}
	for i, op := range response.Operations {
		wr := b.writes[i]
		switch status, _ := strconv.Atoi(op.Status); {
		case status/100 == 2:
			w.ledger.acknowledge(wr, op.Location[strings.LastIndexByte(op.Location, '/')+1:])
		case status >= 500:
			w.ledger.lose(wr, op.Response)
		default:
			w.t.fault("%s %s: unexpected answer %s %s", wr.what, wr.txn, op.Status, op.Response)
			w.ledger.lose(wr, op.Response)
		}
	}
}
