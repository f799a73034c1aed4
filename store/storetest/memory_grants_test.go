package storetest

import (
	"cmp"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

func byGrant(a, b store.Grant) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Cause, b.Cause))
}

func (x *memTx) Grants(q store.GrantQuery) ([]store.Grant, error) {
	fits := func(want, is int64) bool { return want == 0 || want == is }
	return top(x.grants, q.Limit, byGrant, func(g store.Grant) bool {
		return g.Tenant == q.Tenant && fits(q.Target, g.Target) && fits(q.Subject, g.Subject) && fits(q.Cause, g.Cause) &&
			(len(q.Subjects) == 0 || slices.Contains(q.Subjects, g.Subject)) &&
			(q.Reason == "" || q.Reason == g.Reason) && (q.After == nil || byGrant(*q.After, g) < 0)
	}), nil
}

func (x *memTx) PutGrants(g store.Grant, subjects []int64) (added []int64, err error) {
	if x.resources[g.Target].Tenant != g.Tenant {
		return nil, store.ErrNotFound
	}
	for _, g.Subject = range subjects {
		there := slices.ContainsFunc(x.grants, func(o store.Grant) bool { return o.Tenant == g.Tenant && byGrant(o, g) == 0 })
		if !there && x.resources[g.Subject].Tenant == g.Tenant {
			x.grants, added = append(x.grants, g), append(added, g.Subject)
		}
	}
	slices.Sort(added)
	return added, nil
}

func (x *memTx) ForgetGrants(tenant, rid int64) error {
	x.grants = filtered(x.grants, func(g store.Grant) bool {
		return g.Tenant != tenant || g.Target != rid && g.Subject != rid && g.Cause != rid
	})
	return nil
}

func (x *memTx) EndGrants(g store.Grant, subjects []int64) (ended []int64, err error) {
	if x.resources[g.Target].Tenant != g.Tenant {
		return nil, store.ErrNotFound
	}
	x.grants = slices.DeleteFunc(x.grants, func(o store.Grant) bool {
		g.Subject = o.Subject
		gone := o.Tenant == g.Tenant && byGrant(o, g) == 0 && slices.Contains(subjects, o.Subject)
		if gone {
			ended = append(ended, o.Subject)
		}
		return gone
	})
	slices.Sort(ended)
	return ended, nil
}
