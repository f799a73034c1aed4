package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// tellImports says what each source brought.
func (e *explainer) tellImports() error {
	for _, p := range e.parties {
		l := p.link
		values := []any{
			"source", p.source.Name, "kind", string(p.source.Kind), "externalId", l.ExternalID, "anchor", l.Anchor, "since", l.CreatedAt, "changedAt", l.ModifiedAt,
		}
		if e.attr != nil {
			values = append(values, "value", raw(p.doc.At(e.attr)))
		}
		code, sentence, way := "asserted", fmt.Sprintf("The source %s asserts this %s.", p.source.Name, e.t.Name), ""
		if l.State == store.LinkEnded {
			code, sentence = "ended", fmt.Sprintf("The source %s asserted this %s until %s, and deleted it then.", p.source.Name, e.t.Name, l.ModifiedAt.Format(time.RFC3339))
			way = "The source can send it again."
		}
		e.add(StepImport, code, sentence, way, values...)
		e.tellMode(p.source)
		if l.State == store.LinkEnded {
			if err := e.tellScope(p.source); err != nil {
				return err
			}
		}
	}
	return nil
}

// raw is a value as JSON, nil for none.
func raw(v document.Value) any {
	if v == nil {
		return nil
	}
	return json.RawMessage(document.AppendValue(nil, v))
}

// tellProblems says what is wrong with the object where it comes from.
func (e *explainer) tellProblems() error {
	for _, p := range e.parties {
		if err := e.tellProblemsOf(p.source, p.link.Anchor, p.link.ExternalID); err != nil {
			return err
		}
	}
	return nil
}

func (e *explainer) tellProblemsOf(s store.Source, names ...string) error {
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	slices.Sort(names)
	if len(names) == 0 {
		return nil
	}
	problems, err := e.r.ProblemsOf(s.ID, slices.Compact(names))
	for _, x := range problems[:min(len(problems), explainProblems)] {
		sentence := fmt.Sprintf("The runs of %s report %s", s.Name, x.Code)
		if x.Detail != "" {
			sentence += ": " + x.Detail
		} else {
			sentence += "."
		}
		ways := map[string]string{"retrying": "It is tried again.", "waiting": "It is tried again when the object changes.", "givenUp": "It isn't tried again by itself; mend the object, or resync the source."}
		e.add(StepImport, x.Code, sentence, ways[x.Retry], "source", s.Name, "anchor", x.Anchor, "run", x.Run, "since", x.FirstAt, "last", x.LastAt, "count", x.Count)
	}
	return err
}

// joins are how events tell that a source's assertion was found to be about a
// resource, with a sentence for each.
var joins = map[string]string{
	"created":        "was new, so the resource was made for it",
	"held":           "has a userName that an account made by hand has, so it was held aside",
	"joinedByAnchor": "has the anchor by which another source knows the resource",
	"joinedByName":   "has the same userName on a verified domain, which the source's policy matchUserName declares to be the same person",
	"revived":        "has the anchor or externalId of one that the source had deleted",
	"adopted":        "was linked by an administrator, who decided a conflict",
}

// tellMatches says how what each source brought came to this resource.
func (e *explainer) tellMatches() error {
	for _, p := range e.parties {
		found, err := e.joinOf(p)
		if err != nil {
			return err
		}
		if found == nil {
			e.add(StepMatch, "unknown", fmt.Sprintf("How the assertion of %s came here isn't among the events that were looked at.", p.source.Name), "", "source", p.source.Name, "since", p.link.CreatedAt)
			continue
		}
		code := joinCode(*found)
		e.add(StepMatch, code, fmt.Sprintf("What %s brought %s.", p.source.Name, joins[code]), "",
			"source", p.source.Name, "at", found.Time, "event", found.Seq, "run", found.Run, "txn", found.Txn, "actor", found.Actor)
	}
	return nil
}

// joinCode is how an event tells of a match, "" if it tells of something else.
func joinCode(x store.Event) string {
	if x.Outcome != OutcomeApplied {
		return ""
	}
	switch x.Type {
	case "user.created", "group.created":
		return "created"
	case "user.held":
		return "held"
	case "user.revived", "group.revived":
		return "revived"
	case "user.linked", "group.linked":
		return x.Reason
	}
	return ""
}

// joinOf finds the last event that tells how a source was linked. Where many
// came since, it is looked for at the time of the link.
func (e *explainer) joinOf(p *party) (*store.Event, error) {
	tells := func(x store.Event) bool { return x.Source == p.source.ID && joins[joinCode(x)] != "" }
	if i := slices.IndexFunc(e.events, tells); i >= 0 {
		return &e.events[i], nil
	}
	var then []store.Event
	_, err := e.r.FindEvents(store.EventQuery{
		Tenant: e.tenant, Subject: e.res.ID, Source: p.source.ID, Since: p.link.CreatedAt, Until: p.link.CreatedAt.Add(time.Microsecond), Limit: explainEvents,
	}, keep(&then))
	if i := slices.IndexFunc(then, tells); i >= 0 {
		return &then[i], err
	}
	return nil, err
}

// tellConflicts says who else asked for what the subject holds.
func (e *explainer) tellConflicts() error {
	found, err := e.r.Conflicts(store.ConflictQuery{Tenant: e.tenant, RID: e.res.RID, Limit: explainConflicts})
	if err != nil {
		return err
	}
	return e.tellConflictsOf(found)
}

func (e *explainer) tellConflictsOf(found []store.Conflict) error {
	rids := make([]int64, len(found))
	for i, c := range found {
		rids[i] = c.RID
	}
	ids, err := e.r.IDs(e.tenant, rids)
	for _, c := range found {
		name := e.sources[c.Source].Name
		code, sentence, way := "conflict", fmt.Sprintf("The source %s asks for a userName that the account %s has.", name, ids[c.RID]), "Decide the conflict: adopt, if the two are one person, or keepApart."
		switch c.Decision {
		case store.KeepApart:
			code, way = "keptApart", "Another userName in the source; or adopt after all."
			sentence += " An administrator decided to keep the two apart."
		case store.Adopt:
			code, way = "adopted", ""
			sentence = fmt.Sprintf("The source %s asked for the userName of the account %s, and an administrator decided that the two are one.", name, ids[c.RID])
		}
		e.add(StepMatch, code, sentence, way, "source", name, "conflict", c.ID, "externalId", c.ExternalID, "reason", c.Reason, "subject", ids[c.RID],
			"count", c.Count, "last", c.LastAt, "decidedBy", c.DecidedBy)
	}
	return err
}

// tellLinks says whether what each source asserts counts.
func (e *explainer) tellLinks() error {
	for _, p := range e.parties {
		name := p.source.Name
		switch p.link.State {
		case store.Linked:
			e.add(StepLink, "linked", fmt.Sprintf("What %s asserts counts.", name), "", "source", name)
		case store.LinkParked:
			e.add(StepLink, "held", fmt.Sprintf("What %s asserts is held aside: only that source sees it.", name), "Decide the conflict, or rename one of the two.", "source", name)
		default:
			e.add(StepLink, "ended", fmt.Sprintf("What %s asserted doesn't count any more.", name), "", "source", name)
		}
	}
	return nil
}
