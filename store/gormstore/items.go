package gormstore

import (
	"github.com/workspace-scim/workspace/store"
)

// assigneeColumns are what scanAssignee reads of resources r. The links are
// looked up by the resource, whatever the planner believes.
const assigneeColumns = `r.rid, r.id, r.kind, r.display, CASE WHEN r.state <= 2 THEN 1 ELSE 0 END,
	(SELECT COUNT(*) FROM links l CROSS JOIN sources s WHERE l.rid = r.rid AND l.state = 1 AND s.id = l.source AND s.kind = 'entra')`

func (s *session) assignees(sql string, args ...any) ([]store.Assignee, error) {
	var all []store.Assignee
	err := s.eachOf(func(r rows) error {
		var a store.Assignee
		var visible, online int64
		err := r.Scan(&a.RID, &a.ID, &a.Kind, &a.Display, &visible, &online)
		a.Visible, a.Online = visible == 1, online > 0
		all = append(all, a)
		return err
	}, sql, args...)
	return all, err
}

// MembersAfter implements store.ItemReader.
func (r *reader) MembersAfter(tenant, group, source, after int64, limit int) ([]store.Assignee, error) {
	return r.assignees("SELECT "+assigneeColumns+" FROM members m"+r.lookup("resources", "r", "rid", "m.member")+
		" WHERE m.grp = ? AND m.source = ? AND m.member > ? AND r.tenant = ? ORDER BY m.member LIMIT ?", group, source, after, tenant, limit)
}

// Assignees implements store.ItemReader.
func (r *reader) Assignees(tenant int64, rids []int64) ([]store.Assignee, error) {
	list, arg := r.intRows(unique(rids))
	return r.assignees("SELECT "+assigneeColumns+" FROM "+list+r.lookup("resources", "r", "rid", "v")+" WHERE r.tenant = ? ORDER BY r.rid", arg, tenant)
}

func (s *session) holders(where string, args ...any) ([]store.Holder, error) {
	var all []store.Holder
	err := s.eachOf(func(r rows) error {
		var h store.Holder
		var reconciled, manual, other int64
		err := r.Scan(&h.RID, &reconciled, &manual, &other)
		h.Reconciled, h.Manual, h.Other = reconciled == 1, manual == 1, other == 1
		all = append(all, h)
		return err
	}, `SELECT subject, MAX(CASE WHEN reason = 'reconciliation' THEN 1 ELSE 0 END), MAX(CASE WHEN reason = 'manual' THEN 1 ELSE 0 END),
			MAX(CASE WHEN reason IN ('reconciliation', 'manual') THEN 0 ELSE 1 END)
		FROM grants WHERE tenant = ? AND target = ? AND subject `+where, args...)
	return all, err
}

// HoldersAfter implements store.ItemReader.
func (r *reader) HoldersAfter(tenant, item, after int64, limit int) ([]store.Holder, error) {
	return r.holders("> ? GROUP BY subject ORDER BY subject LIMIT ?", tenant, item, after, limit)
}

// Holders implements store.ItemReader.
func (r *reader) Holders(tenant, item int64, subjects []int64) ([]store.Holder, error) {
	in, list := r.idList(unique(subjects))
	return r.holders(in+" GROUP BY subject ORDER BY subject", tenant, item, list)
}
