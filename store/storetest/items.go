package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func itemChecks() []check {
	return []check{
		{"members are read behind a rid, with what an assignment asks of them", membersAfter},
		{"resources are read by their rids, as assignees", assigneesRead},
		{"holders of an item are one each, with all their reasons", holdersRead},
		{"what items are compared by never crosses tenants", itemTenancy},
	}
}

func membersAfter(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	staff, zoe := w.group(w.ad, "Staff", ""), w.inState(store.Deleted, "zoe")
	entra := newSource(w.tenant, store.SourceEntra, "cloud")
	w.update(func(tx store.Tx) error { return tx.CreateSource(&entra) })
	w.link(entra.ID, w.ben, func(*store.Link) {})
	w.update(func(tx store.Tx) error {
		if _, _, err := tx.ChangeMembers(w.tenant, staff.RID, entra.ID, rids(w.anna), nil); err != nil {
			return err
		}
		_, _, err := tx.ChangeMembers(w.tenant, staff.RID, w.ad, rids(w.anna, w.ben, w.sales, zoe), nil)
		return err
	})
	after := func(rid int64, limit int) []store.Assignee {
		return read(w.world, func(r store.Reader) ([]store.Assignee, error) {
			return r.MembersAfter(w.tenant, staff.RID, w.ad, rid, limit)
		})
	}
	anna := store.Assignee{RID: w.anna.RID, ID: w.anna.ID, Kind: w.anna.Kind, Display: w.anna.Display, Visible: true}
	ben := store.Assignee{RID: w.ben.RID, ID: w.ben.ID, Kind: w.ben.Kind, Display: w.ben.Display, Visible: true, Online: true}
	sales := store.Assignee{RID: w.sales.RID, ID: w.sales.ID, Kind: w.sales.Kind, Display: w.sales.Display, Visible: true}
	gone := store.Assignee{RID: zoe.RID, ID: zoe.ID, Kind: zoe.Kind, Display: zoe.Display}
	equal(w.world, "all", after(0, 10), []store.Assignee{anna, ben, sales, gone})
	equal(w.world, "a page", after(anna.RID, 1), []store.Assignee{ben})
	equal(w.world, "behind the last", after(zoe.RID, 10), nil)

	w.changeLink(entra.ID, w.ben.RID, func(l *store.Link) { l.State = store.LinkEnded })
	ben.Online = false
	equal(w.world, "whose link ended", after(anna.RID, 1), []store.Assignee{ben})
}

func assigneesRead(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	got := read(w.world, func(r store.Reader) ([]store.Assignee, error) {
		return r.Assignees(w.tenant, []int64{w.ben.RID, w.anna.RID, w.ben.RID, 1 << 40})
	})
	var names []string
	for _, a := range got {
		names = append(names, a.Display)
	}
	equal(w.world, "assignees", names, []string{w.anna.Display, w.ben.Display})
}

func holdersRead(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	w.put(w.grant(w.mail, store.GrantReconciliation, 0), w.anna)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna, w.ben)
	w.put(w.grant(w.mail, store.GrantOrder, w.anna.RID), w.ben)
	w.put(w.grant(w.mail, store.GrantOrder, w.ben.RID), w.ben)
	w.put(w.grant(w.sales, store.GrantManual, 0), w.ben)
	anna, ben := store.Holder{RID: w.anna.RID, Reconciled: true, Manual: true}, store.Holder{RID: w.ben.RID, Manual: true, Other: true}
	after := func(rid int64, limit int) []store.Holder {
		return read(w.world, func(r store.Reader) ([]store.Holder, error) {
			return r.HoldersAfter(w.tenant, w.mail.RID, rid, limit)
		})
	}
	equal(w.world, "all", after(0, 10), []store.Holder{anna, ben})
	equal(w.world, "a page", after(0, 1), []store.Holder{anna})
	equal(w.world, "the next", after(anna.RID, 1), []store.Holder{ben})
	some := read(w.world, func(r store.Reader) ([]store.Holder, error) {
		return r.Holders(w.tenant, w.mail.RID, rids(w.sales, w.ben))
	})
	equal(w.world, "some", some, []store.Holder{ben})
}

func itemTenancy(t *testing.T, s store.Store) {
	w, other := newGrantWorld(t, s), newGrantWorld(t, s)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna)
	w.update(func(tx store.Tx) error {
		_, _, err := tx.ChangeMembers(w.tenant, w.sales.RID, w.manual, rids(w.anna), nil)
		return err
	})
	for name, n := range map[string]int{
		"MembersAfter": len(read(w.world, func(r store.Reader) ([]store.Assignee, error) {
			return r.MembersAfter(other.tenant, w.sales.RID, w.manual, 0, 9)
		})),
		"Assignees":    len(read(w.world, func(r store.Reader) ([]store.Assignee, error) { return r.Assignees(other.tenant, rids(w.anna)) })),
		"HoldersAfter": len(read(w.world, func(r store.Reader) ([]store.Holder, error) { return r.HoldersAfter(other.tenant, w.mail.RID, 0, 9) })),
		"Holders":      len(read(w.world, func(r store.Reader) ([]store.Holder, error) { return r.Holders(other.tenant, w.mail.RID, rids(w.anna)) })),
	} {
		equal(w.world, name, n, 0)
	}
}

func jobChecks() []check {
	return []check{
		{"a job reads back whole, and is written again", jobReadsBack},
		{"jobs are due when they are enabled and their time has come", jobsDue},
		{"runs that wait are those that are queued or running", runsWaiting},
		{"a tenant's features read back, and change who it is known as", featuresReadBack},
	}
}

func jobReadsBack(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	get := func(tenant int64, kind string) (store.Job, error) {
		return tryRead(w, func(r store.Reader) (store.Job, error) { return r.Job(tenant, kind) })
	}
	_, err := get(w.tenant, store.JobReconcile)
	w.is(err, store.ErrNotFound)
	want := store.Job{Tenant: w.tenant, Kind: store.JobReconcile, Enabled: true, Interval: 90 * time.Second, NextAt: at(3), LastRun: "r1"}
	w.update(func(tx store.Tx) error { return tx.PutJob(want) })
	got, err := get(w.tenant, store.JobReconcile)
	w.is(err, nil)
	equal(w, "job", got, want)
	want = store.Job{Tenant: w.tenant, Kind: store.JobReconcile, Interval: time.Hour}
	w.update(func(tx store.Tx) error { return tx.PutJob(want) })
	all := read(w, func(r store.Reader) ([]store.Job, error) { return r.Jobs(w.tenant) })
	equal(w, "jobs", all, []store.Job{want})
	for _, kind := range []string{"", "\x00", "other"} {
		_, err = get(w.tenant, kind)
		w.is(err, store.ErrNotFound)
	}
	_, err = get(other.tenant, store.JobReconcile)
	w.is(err, store.ErrNotFound)
}

func jobsDue(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var want []int64
	for i, enabled := range []bool{true, false, true, true} {
		tenant := newWorld(t, s).tenant
		w.update(func(tx store.Tx) error {
			return tx.PutJob(store.Job{Tenant: tenant, Kind: store.JobReconcile, Enabled: enabled, NextAt: at(4 - i)})
		})
		if enabled && i > 0 {
			want = append([]int64{tenant}, want...)
		}
	}
	due := read(w, func(r store.Reader) ([]store.Job, error) { return r.DueJobs(at(2), 100) })
	var got []int64
	for _, j := range due {
		got = append(got, j.Tenant)
	}
	equal(w, "due", got, want)
	equal(w, "the first", len(read(w, func(r store.Reader) ([]store.Job, error) { return r.DueJobs(at(2), 1) })), 1)
}

func runsWaiting(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	kind := uuid.NewString()
	var want []string
	for _, state := range []store.RunState{store.RunQueued, store.RunSucceeded, store.RunRunning, store.RunHeld} {
		n := w.newRun(w.manual, state)
		n.Kind = kind
		w.update(func(tx store.Tx) error { return tx.InsertRun(&n, 1000) })
		if state == store.RunQueued || state == store.RunRunning {
			want = append(want, n.PublicID)
		}
	}
	ids := func(limit int) []string {
		var out []string
		for _, n := range read(w, func(r store.Reader) ([]store.Run, error) { return r.WaitingRuns(kind, limit) }) {
			out = append(out, n.PublicID)
		}
		return out
	}
	equal(w, "waiting", ids(10), want)
	equal(w, "the first", ids(1), want[:1])
}

func featuresReadBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token, stamp := stamped(w)
	before := stamp()
	on := map[string]bool{"groupReconciliation": true}
	w.update(func(tx store.Tx) error { return tx.SetFeatures(w.tenant, on) })
	w.is(expects(w, before), store.ErrStale)
	p, err := authenticate(w, token.Hash)
	w.is(err, nil)
	equal(w, "features of a principal", p.Tenant.Features, on)
	tenant := func() store.Tenant {
		return read(w, func(r store.Reader) (store.Tenant, error) { return r.TenantByID(w.tenant) })
	}
	equal(w, "features", tenant().Features, on)
	renamed := tenant()
	renamed.Features, renamed.DisplayName = nil, "Other"
	w.update(func(tx store.Tx) error { return tx.UpdateTenant(&renamed) })
	equal(w, "features after another change", tenant().Features, on)
	w.update(func(tx store.Tx) error { return tx.SetFeatures(w.tenant, nil) })
	equal(w, "no features", len(tenant().Features), 0)
	_, err = tryRead(w, func(r store.Reader) (store.Tenant, error) { return r.TenantByID(1 << 40) })
	w.is(err, store.ErrNotFound)
}
