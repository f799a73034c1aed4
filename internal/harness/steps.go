package main

import (
	"net/http"
	"slices"
)

// The steps of a writer. Each is one request, and what its record in the ledger
// says of it.

func (r *record) path() string { return "/" + r.kind + "/" + r.id }

func (w *writer) createUser() {
	if len(w.users) >= keptUsers {
		w.deleteUser()
		return
	}
	txn := w.next()
	r := w.ledger.add("Users", txn, w.n)
	w.send(&write{txn: txn, what: "POST user", changes: []change{becomes(r, 1)}, events: []event{{"user.created", r}}},
		http.MethodPost, "/Users", r.body(1, nil))
	if !r.lost && r.state.last() != 0 {
		w.users = append(w.users, r)
	}
}

func (w *writer) patchUser() {
	if r := w.some(w.users); r != nil {
		w.changeUser(r, http.MethodPatch, r.patch(r.state.last()+1))
	}
}

func (w *writer) putUser() {
	if r := w.some(w.users); r != nil {
		w.changeUser(r, http.MethodPut, r.body(r.state.last()+1, nil))
	}
}

func (w *writer) changeUser(r *record, method string, body object) {
	w.send(&write{
		txn: w.next(), what: method + " user", changes: []change{becomes(r, r.state.last()+1)}, events: []event{{"user.updated", r}},
	}, method, r.path(), body)
}

func (w *writer) deleteUser() {
	r := w.some(w.users)
	if r == nil {
		return
	}
	wr := deletion(w.next(), r)
	w.send(wr, http.MethodDelete, r.path(), nil)
	w.forget()
}

// deletion ends a user, and with it its memberships.
func deletion(txn string, r *record) *write {
	wr := &write{txn: txn, what: "DELETE user", changes: []change{becomes(r, 0)}, events: []event{{"user.deleted", r}}}
	for group := range r.members {
		if r.in(group) {
			wr.changes = append(wr.changes, leaves(r, group))
			wr.events = append(wr.events, event{"group.membersChanged", group})
		}
	}
	return wr
}

// changeShared adds some users to a group that all writers change, or removes
// them.
func (w *writer) changeShared() {
	group, users := w.some(w.shared), w.sample(w.users, 4)
	if group == nil || len(users) == 0 {
		return
	}
	remove := users[0].in(group)
	users = slices.DeleteFunc(users, func(r *record) bool { return r.in(group) != remove })
	wr := &write{txn: w.next(), what: "PATCH members", events: []event{{"group.membersChanged", group}}}
	op := object{"op": "add", "path": "members", "value": refs(users)}
	for _, r := range users {
		if remove {
			wr.changes = append(wr.changes, leaves(r, group))
		} else {
			wr.changes = append(wr.changes, joins(r, group))
		}
	}
	if remove {
		op["op"] = "remove"
	}
	w.send(wr, http.MethodPatch, group.path(), object{"schemas": []string{patchURN}, "Operations": []object{op}})
}

func refs(users []*record) []object {
	out := make([]object, len(users))
	for i, r := range users {
		out[i] = object{"value": r.id}
	}
	return out
}

// createGroup makes a group with members.
func (w *writer) createGroup() {
	users := w.sample(w.users, 8)
	if len(users) == 0 || len(w.groups) >= keptGroups {
		return
	}
	txn := w.next()
	g := w.ledger.add("Groups", txn, w.n)
	wr := founding(txn, g, users)
	w.send(wr, http.MethodPost, "/Groups", g.body(1, refs(users)))
	if !g.lost && g.state.last() != 0 {
		w.groups = append(w.groups, g)
	}
}

// founding makes a group with members.
func founding(txn string, g *record, users []*record) *write {
	wr := &write{txn: txn, what: "POST group", changes: []change{becomes(g, 1)}, events: []event{{"group.created", g}, {"group.membersChanged", g}}}
	for _, r := range users {
		wr.changes = append(wr.changes, joins(r, g))
	}
	return wr
}

// putGroup renames a group and replaces its members in one request.
func (w *writer) putGroup() {
	g, users := w.some(w.groups), w.sample(w.users, 8)
	if g == nil || len(users) == 0 {
		return
	}
	n := g.state.last() + 1
	wr := &write{txn: w.next(), what: "PUT group", changes: []change{becomes(g, n)}, events: []event{{"group.updated", g}}}
	for _, r := range w.users {
		switch in, wanted := r.in(g), slices.Contains(users, r); {
		case in && !wanted:
			wr.changes = append(wr.changes, leaves(r, g))
		case !in && wanted:
			wr.changes = append(wr.changes, joins(r, g))
		}
	}
	if len(wr.changes) > 1 {
		wr.events = append(wr.events, event{"group.membersChanged", g})
	}
	w.send(wr, http.MethodPut, g.path(), g.body(n, refs(users)))
}

func (w *writer) deleteGroup() {
	g := w.some(w.groups)
	if g == nil {
		return
	}
	wr := &write{txn: w.next(), what: "DELETE group", changes: []change{becomes(g, 0)}, events: []event{{"group.deleted", g}}}
	for _, r := range w.users {
		if r.in(g) {
			wr.changes = append(wr.changes, leaves(r, g))
		}
	}
	if len(wr.changes) > 1 { // its members are told, so that an undo can bring them back
		wr.events = append(wr.events, event{"group.membersChanged", g})
	}
	w.send(wr, http.MethodDelete, g.path(), nil)
	w.forget()
}
