package directory

import (
	"errors"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// match is what a new assertion turned out to be about.
type match struct {
	// res is the resource that exists already, nil for a new one.
	res *store.Resource
	// how is "revived", "joinedByAnchor", "joinedByName" or matchedHeld; "" for a
	// new one.
	how string
	// hold says that the resource must be kept aside (policy park).
	hold bool
}

// matchedHeld says that the source has asked to delete the resource, and that
// this waits.
const matchedHeld = "deleteHeld"

// Foresee announces documents that the actor's source is about to create, so
// that the database is asked about all of them at once.
func (w *Writer) Foresee(t *schema.ResourceType, docs ...*document.Object) error {
	ids := make([]store.Identity, 0, len(docs))
	for _, doc := range docs {
		ids = append(ids, w.identity(t, doc))
	}
	return w.tx.Foresee(ids)
}

func (w *Writer) identity(t *schema.ResourceType, doc *document.Object) store.Identity {
	id := store.Identity{Tenant: w.actor.Tenant.ID, Source: w.actor.Source.ID, Kind: t.Kind, ExternalID: doc.Text(t.ExternalID)}
	if w.actor.Source.Kind != store.SourceWorkspace {
		id.Anchor = doc.Text(t.Anchor)
	}
	if t.UserName != nil {
		id.UniqueKey = t.UserName.Key(doc.Text(t.UserName))
	}
	return id
}

// match finds the resource that a new assertion of the actor's source is about:
// by anchor, then by externalId within the source, then by a declared rule
// (law 8). A name alone never joins anything, and nothing is joined to an
// account made by hand (law 3): what asks for a name that another holds is
// refused, with a conflict for a person to decide.
func (w *Writer) match(t *schema.ResourceType, doc *document.Object) (match, error) {
	m, err := w.matchExternalID(t, doc)
	if err != nil {
		return match{}, err
	}
	byAnchor, err := w.matchAnchor(t, doc)
	if err != nil {
		return match{}, err
	}
	if byAnchor.res != nil {
		m = byAnchor
	}
	if t.UserName == nil {
		return m, nil
	}
	return w.matchName(t, doc, m)
}

func (w *Writer) matchExternalID(t *schema.ResourceType, doc *document.Object) (match, error) {
	id := doc.Text(t.ExternalID)
	if id == "" {
		return match{}, nil
	}
	l, err := w.tx.FindExternalID(w.actor.Source.ID, t.Kind, id)
	if errors.Is(err, store.ErrNotFound) {
		return match{}, nil
	}
	if err != nil {
		return match{}, err
	}
	if l.State != store.LinkEnded {
		// Of Entra's externalId, which is a name, see below.
		if held, err := w.heldDelete(l); err != nil || held != nil && w.actor.Source.Kind != store.SourceEntra {
			return match{res: held, how: matchedHeld}, err
		}
		res, err := w.tx.Resource(l.Tenant, l.RID)
		if err != nil {
			return match{}, err
		}
		if m, err := w.matchAnchor(t, doc); err != nil || m.how == matchedHeld {
			return m, err
		}
		return match{}, w.refuse(&Violation{
			Rule: RuleUniqueness, Attribute: t.ExternalID.Path,
			Detail: "Another " + t.Name + " of this source has the same externalId.",
			Way:    "Update that one, or send another externalId.",
		}, eventType(t, "refused"), &res, nil)
	}
	if w.actor.Source.Kind == store.SourceEntra {
		// Entra's externalId is the mailNickname by default: a name, which the
		// next person may get. Only the anchor revives there.
		return match{}, w.releaseExternalID(l)
	}
	return w.revival(l)
}

// releaseExternalID takes the externalId from an ended link, so that another can
// have it.
func (w *Writer) releaseExternalID(l store.Link) error {
	free := l
	free.ExternalID = ""
	return w.tx.PutLink(&l, &free)
}

func (w *Writer) revival(l store.Link) (match, error) {
	res, err := w.tx.Resource(l.Tenant, l.RID)
	if err != nil || res.State == store.Purged {
		return match{}, err
	}
	return match{res: &res, how: "revived"}, nil
}

func (w *Writer) matchAnchor(t *schema.ResourceType, doc *document.Object) (match, error) {
	anchor := doc.Text(t.Anchor)
	if anchor == "" || w.actor.Source.Kind == store.SourceWorkspace {
		return match{}, nil
	}
	links, err := w.tx.FindAnchor(w.actor.Tenant.ID, t.Kind, anchor)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return match{}, err
	}
	for _, l := range links {
		if l.Source != w.actor.Source.ID {
			continue
		}
		if l.State == store.LinkEnded {
			return w.revival(l)
		}
		if held, err := w.heldDelete(l); err != nil || held != nil {
			return match{res: held, how: matchedHeld}, err
		}
		res, err := w.tx.Resource(l.Tenant, l.RID)
		if err != nil {
			return match{}, err
		}
		return match{}, w.refuse(&Violation{
			Rule: RuleUniqueness, Attribute: t.Anchor.Path,
			Detail: "Another " + t.Name + " of this source has the same anchor.",
			Way:    "Update that one, or send another anchor.",
		}, eventType(t, "refused"), &res, nil)
	}
	return w.matchOthersAnchor(links)
}

// matchOthersAnchor finds what another source has, or had, by the anchor: what is
// there goes before what was deleted, which comes back. Two objects of one source
// are never one.
func (w *Writer) matchOthersAnchor(links []store.Link) (match, error) {
	gone := match{}
	for _, l := range links {
		source, err := w.source(l.Source)
		if err != nil {
			return match{}, err
		}
		if source.Kind == store.SourceWorkspace || l.State == store.LinkParked {
			continue
		}
		asserted, err := w.asserts(l.RID)
		if err != nil {
			return match{}, err
		}
		if asserted {
			continue
		}
		if l.State == store.LinkEnded {
			if gone.res == nil {
				gone, err = w.revival(l)
			}
			if err != nil {
				return match{}, err
			}
			continue
		}
		res, err := w.tx.Resource(l.Tenant, l.RID)
		if err != nil {
			return match{}, err
		}
		return match{res: &res, how: "joinedByAnchor"}, nil
	}
	return gone, nil
}

// asserts says whether the actor's source asserts something of a resource.
func (w *Writer) asserts(rid int64) (bool, error) {
	links, err := w.tx.Links(rid)
	return slices.ContainsFunc(links, func(l store.Link) bool { return l.Source == w.actor.Source.ID && l.State.Live() }), err
}

// matchName settles who may have the userName.
func (w *Writer) matchName(t *schema.ResourceType, doc *document.Object, m match) (match, error) {
	holder, err := w.nameHolder(t, doc, m.res)
	if err != nil || holder == nil {
		return m, err
	}
	if m.res != nil && m.res.RID == holder.RID {
		return m, nil
	}
	if m.res == nil {
		joins, err := w.joinsByName(t, doc, holder)
		if err != nil {
			return match{}, err
		}
		if joins {
			return match{res: holder, how: "joinedByName"}, nil
		}
	}
	hold, err := w.refuseName(t, doc, holder)
	if hold {
		return match{hold: true}, nil
	}
	return match{}, err
}

// nameHolder gives the resource that holds the document's userName, after one
// that only waits to be deleted has given it up; but not to itself: one that the
// document revives keeps its name and its place in the index.
func (w *Writer) nameHolder(t *schema.ResourceType, doc *document.Object, revived *store.Resource) (*store.Resource, error) {
	holder, err := w.tx.FindUnique(w.actor.Tenant.ID, t.Kind, t.UserName.Key(doc.Text(t.UserName)))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if holder.State != store.Orphaned || revived != nil && revived.RID == holder.RID {
		return &holder, nil
	}
	s, err := w.load(t, holder)
	if err != nil {
		return nil, err
	}
	// A user that no source asserts any more doesn't block its name
	// (RFC 7644 §3.6); what can revive it is its anchor.
	w.softDelete(s)
	s.res.Version++
	s.res.ModifiedAt = w.now
	if err := w.tx.UpdateResource(s.before, &s.res); err != nil {
		return nil, err
	}
	w.event(eventType(t, "softDeleted"), &s.res).Reason = "nameReassigned"
	return nil, nil
}

// joinsByName applies the declared match rule: the same userName on a verified
// domain, for a user of another source that this source has never had a link
// to and whose anchor, if both have one, is not another.
func (w *Writer) joinsByName(t *schema.ResourceType, doc *document.Object, holder *store.Resource) (bool, error) {
	if !w.actor.Source.Policies.MatchUserName || w.actor.Source.Kind == store.SourceWorkspace || !w.verified(doc.Text(t.UserName)) {
		return false, nil
	}
	links, err := w.tx.Links(holder.RID)
	if err != nil {
		return false, err
	}
	anchor := doc.Text(t.Anchor)
	for _, l := range links {
		source, err := w.source(l.Source)
		if err != nil {
			return false, err
		}
		if l.Source == w.actor.Source.ID || source.Kind == store.SourceWorkspace || (anchor != "" && l.Anchor != "" && l.Anchor != anchor) {
			return false, nil
		}
	}
	return true, nil
}

// refuseName refuses a userName that another resource holds, or says that the
// asker is to be held aside by its source's policy.
func (w *Writer) refuseName(t *schema.ResourceType, doc *document.Object, holder *store.Resource) (hold bool, err error) {
	v := &Violation{Rule: RuleUniqueness, Attribute: t.UserName.Path, Detail: "Another user has this userName.", Way: "Choose another userName, or update that user."}
	conflict := &store.Conflict{
		Tenant: w.actor.Tenant.ID, Source: w.actor.Source.ID, Kind: t.Kind, RID: holder.RID,
		ExternalID: doc.Text(t.ExternalID), Reason: "nameTaken", Doc: document.Encode(t, doc), FirstAt: w.now, LastAt: w.now,
	}
	links, err := w.tx.Links(holder.RID)
	if err != nil {
		return false, err
	}
	manual := true
	for _, l := range links {
		if !l.State.Live() {
			continue
		}
		if l.Source == w.actor.Source.ID {
			return false, w.refuse(v, eventType(t, "refused"), holder, nil)
		}
		source, err := w.source(l.Source)
		if err != nil {
			return false, err
		}
		manual = manual && source.Kind == store.SourceWorkspace
	}
	if manual {
		// Law 3: manual is sacred.
		if w.actor.Source.Policies.Park {
			return true, w.tx.PutConflict(conflict)
		}
		conflict.Reason = RuleManualAccount
		v.Rule = RuleManualAccount
		v.Detail = "An account made by hand has this userName."
		v.Way = "An administrator decides in the list of conflicts whether the two are one person."
		apart, err := w.keptApart(conflict)
		if err != nil {
			return false, err
		}
		if apart {
			v.Way = "An administrator decided that the two are kept apart; choose another userName."
		}
	}
	return false, w.refuse(v, eventType(t, "refused"), holder, conflict)
}

// verified says whether a userName ends in a verified domain of the tenant.
func (w *Writer) verified(userName string) bool {
	_, domain, ok := strings.Cut(schema.Fold(userName), "@")
	if !ok {
		return false
	}
	for _, d := range w.actor.Tenant.Domains {
		if domain == d {
			return true
		}
	}
	return false
}
