package directory

import (
	"context"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// GroupAuthority says whose a group is.
type GroupAuthority struct {
	ID, Display string
	Authority   store.Source
	// Chosen says that an administrator declared it and not precedence.
	Chosen bool
	Class  string
}

// ChooseAuthority declares which source is a group's authority (docs/rules.md: source
// of authority), by the source's public id or name; "" leaves it to precedence
// again. The source must have the group. The members that are shown are then
// those that it asserts. Should it let go of the group later, precedence decides
// until it is back. With dryRun nothing is kept.
func (d *Directory) ChooseAuthority(ctx context.Context, a Actor, group, source string, dryRun bool) (GroupAuthority, error) {
	if err := onlyAdmins(a); err != nil {
		return GroupAuthority{}, err
	}
	var out GroupAuthority
	_, err := d.Write(ctx, a, dryRun, func(w *Writer) error {
		s, err := w.open(d.own.Group, group, nil)
		if err != nil {
			return err
		}
		if err := w.chooseAuthority(s, source); err != nil {
			return err
		}
		authority, err := w.source(s.res.Authority)
		out = GroupAuthority{ID: s.res.ID, Display: s.res.Display, Authority: authority, Chosen: s.res.Authority == s.res.Chosen, Class: s.res.Class}
		return err
	})
	return out, err
}

// eventAuthorityChosen tells that an administrator declared a group's authority,
// or left it to precedence again.
const eventAuthorityChosen = "group.authorityChosen"

func (w *Writer) chooseAuthority(s *subject, source string) error {
	chosen := int64(0)
	if source != "" {
		i := slices.IndexFunc(s.live(), func(p *party) bool { return p.source.PublicID == source || p.source.Name == source })
		if i < 0 {
			return invalid("source", "No source "+quoteID(source)+" has this group.", "Name a source that has it, by its id or name.")
		}
		chosen = s.live()[i].source.ID
	}
	if s.res.Chosen == chosen {
		return nil
	}
	was, err := w.source(s.res.Authority)
	if err != nil {
		return err
	}
	s.res.Chosen = chosen
	if _, err := w.save(s); err != nil {
		return err
	}
	is, err := w.source(s.res.Authority)
	if err != nil {
		return err
	}
	e := w.event(eventAuthorityChosen, &s.res)
	e.Before, e.After = textOf("authority", was.Name), textOf("authority", is.Name)
	if chosen == 0 {
		e.Detail = "Precedence decides again."
	}
	return nil
}

func textOf(key, text string) []byte {
	var o jsonObject
	o.add(key, text)
	return o.end()
}

// followAuthority notes what members came and went because a group's authority
// is another one now: it is the new one's members that count. The cost follows
// the two lists.
func (w *Writer) followAuthority(s *subject) error {
	if s.t.Kind != schema.Group || s.before == nil || s.before.Authority == s.res.Authority ||
		!s.before.State.Visible() || !s.res.State.Visible() {
		return nil
	}
	was, err := w.asserted(s, s.before.Authority)
	if err != nil {
		return err
	}
	is, err := w.asserted(s, s.res.Authority)
	if err != nil {
		return err
	}
	if m := (move{group: s.res, added: without(is, was), removed: without(was, is), untold: true}); len(m.added)+len(m.removed) > 0 {
		w.moves = append(w.moves, m)
	}
	return nil
}

// reasonAuthority is why members came and went about whom no source said anything
// else: the group has another authority.
const reasonAuthority = "authorityChanged"

// tellAuthority logs the members that came and went in the whole transaction
// because groups have another authority, but for what else in it tells. What it
// tells no source asserted; it holds what several did, so only administrators are
// told whom.
func (w *Writer) tellAuthority() error {
	for _, m := range untold(w.moves) {
		ids := map[int64]string{}
		if err := w.nameMembers(slices.Concat(m.added, m.removed), ids); err != nil {
			return err
		}
		w.listMembers(&m.group, reasonAuthority, OutcomeApplied, m.added, m.removed, ids)
	}
	return nil
}

// asserted gives the members of a group that a source asserts, ascending.
func (w *Writer) asserted(s *subject, source int64) ([]int64, error) {
	var rids []int64
	err := w.tx.Members(store.View{Tenant: w.actor.Tenant.ID, Source: source}, s.res.RID, func(m store.Member) error {
		rids = append(rids, m.RID)
		return nil
	})
	return rids, err
}

// without gives what of a list isn't in another one, which ascends.
func without(list, other []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(list), func(rid int64) bool {
		_, found := slices.BinarySearch(other, rid)
		return found
	})
}
