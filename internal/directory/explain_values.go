package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// tellAuthority says whose values win.
func (e *explainer) tellAuthority() error {
	var order []string
	for _, p := range e.parties {
		if p.link.State == store.Linked {
			order = append(order, p.source.Name)
		}
	}
	switch {
	case len(order) == 0:
		e.add(StepAuthority, "nobody", "No source asserts it any more.", "A source can send it again.")
	case len(order) == 1:
		e.add(StepAuthority, "only", fmt.Sprintf("%s is the only source that asserts it, so its values are the resource's.", order[0]), "", "authority", order[0])
	default:
		e.add(StepAuthority, "precedence", fmt.Sprintf("%s is the authority: what it asserts wins, what it doesn't is filled in by the others.", order[0]), "",
			"authority", order[0], "order", order)
	}
	return nil
}

// ruleSentences tell how a value comes about, with %s for whose it is.
var ruleSentences = map[string]string{
	reconcile.TraceAuthority:     "%s is the authority and asserts a value.",
	reconcile.TraceFilled:        "The authority asserts no value; %s is the next that does.",
	reconcile.TraceAuthorityOnly: "The authority asserts no value, and for this attribute no other source's is taken.",
	reconcile.TraceAnyDisables:   "%s says that the user isn't active, and by its policy anyDisables that counts.",
	reconcile.TraceDerived:       "The policy names of %s makes the missing part of displayName.",
	reconcile.TraceUnresolved:    "What is referred to isn't here, so there is no value.",
	reconcile.TraceUnasserted:    "No source asserts a value.",
	reconcile.TraceNull:          "%s says that there is no value, and no source behind it counts.",
}

// tellValues says what each source asserts, and whose counts.
func (e *explainer) tellValues() error {
	trace := reconcile.TraceOf(e.t, e.attr, e.assertions())
	unit := e.attr.Top()
	for _, p := range e.parties {
		v := p.doc.At(unit)
		if p.link.State != store.Linked || v == nil {
			continue
		}
		name := p.source.Name
		if p.source.ID == trace.Source || document.Equal(v, trace.Value) {
			e.add(StepResolve, "counts", fmt.Sprintf("%s asserts a value, and it counts.", name), "", "source", name, "value", raw(v))
			continue
		}
		e.add(StepResolve, OutcomeNotAuthoritative, fmt.Sprintf("%s asserts another value, which doesn't count.", name), e.wayToWin(trace), "source", name, "value", raw(v))
	}
	sentence := ruleSentences[trace.Rule]
	if strings.Contains(sentence, "%s") {
		sentence = fmt.Sprintf(sentence, e.sources[trace.Source].Name)
	}
	e.add(StepRule, trace.Rule, sentence, e.wayOfRule(trace), "source", e.sources[trace.Source].Name, "value", raw(trace.Value))
	if stored := e.resolved.At(unit); unit != e.t.Manager && e.res.State == store.Live && !document.Equal(stored, trace.Value) {
		e.add(StepRule, "changedSince", "Policies have changed since the resource was written; the rule counts from its next change on.", "Have a source send it again.",
			"value", raw(stored), "next", raw(trace.Value))
	}
	return nil
}

// wayToWin says what would have to change for another source's value to count.
func (e *explainer) wayToWin(trace reconcile.Trace) string {
	if trace.Source == 0 {
		return ""
	}
	return fmt.Sprintf("Change it in %s, or end what %s asserts.", e.sources[trace.Source].Name, e.sources[trace.Source].Name)
}

func (e *explainer) wayOfRule(trace reconcile.Trace) string {
	switch trace.Rule {
	case reconcile.TraceUnasserted, reconcile.TraceAuthorityOnly:
		return "Set it in the source that is the authority."
	case reconcile.TraceAnyDisables:
		return "Enable the user there, or lift the policy anyDisables."
	case reconcile.TraceNull:
		return fmt.Sprintf("Set it in %s, or change the null of its flow (workspace mapping).", e.sources[trace.Source].Name)
	case reconcile.TraceUnresolved:
		return "It is filled in when what is referred to arrives."
	}
	return ""
}

// tellReference says what a manager reference waits for.
func (e *explainer) tellReference() error {
	if e.t.Manager == nil || e.attr.Top() != e.t.Manager {
		return nil
	}
	for _, p := range e.parties {
		ref := managerRef(e.t, p.doc)
		if p.link.State != store.Linked || ref == "" {
			continue
		}
		waiting, err := e.r.Parked(p.source.ID, ref)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(waiting, func(w store.Parked) bool { return w.RID == e.res.RID && w.Kind == store.ParkedManager }) {
			e.add(StepResolve, "parked", fmt.Sprintf("%s refers to %s, which it hasn't brought.", p.source.Name, quoteID(ref)),
				fmt.Sprintf("It is filled in when %s brings that user.", p.source.Name), "source", p.source.Name, "reference", ref)
		}
	}
	return nil
}

// tellLastChange says when the attribute changed last, as far as that is among
// the events that were read.
func (e *explainer) tellLastChange() error {
	path := e.attr.Top().Path
	for _, x := range e.events {
		before, after := changed(x, path)
		if before == nil && after == nil {
			continue
		}
		who := e.sources[x.Source].Name
		e.add(StepRule, "lastChange", fmt.Sprintf("%s last changed what it asserts at %s.", who, x.Time.Format(time.RFC3339)), "",
			"source", who, "at", x.Time, "event", x.Seq, "run", x.Run, "txn", x.Txn, "actor", x.Actor, "outcome", x.Outcome, "before", orNone(before), "after", orNone(after))
		return nil
	}
	return nil
}

func orNone(v json.RawMessage) any {
	if v == nil {
		return nil
	}
	return v
}

// changed gives what an event says of an attribute.
func changed(x store.Event, path string) (before, after json.RawMessage) {
	read := func(doc []byte) json.RawMessage {
		var all map[string]json.RawMessage
		if doc == nil || json.Unmarshal(doc, &all) != nil {
			return nil
		}
		return all[path]
	}
	return read(x.Before), read(x.After)
}

// tellValue says what the attribute is.
func (e *explainer) tellValue() error {
	v := e.resolved.At(e.attr)
	if v == nil {
		e.add(StepOutcome, "noValue", fmt.Sprintf("%s has no value.", e.attr.Path), "")
		return nil
	}
	e.add(StepOutcome, "value", fmt.Sprintf("%s is %s.", e.attr.Path, document.Truncate(string(document.AppendValue(nil, v)), 200)), "", "value", raw(v))
	return nil
}

// tellAttributes says of the whole resource whose each attribute is, and which
// assertions don't count.
func (e *explainer) tellAttributes() error {
	assertions := e.assertions()
	if len(assertions) == 0 {
		return nil
	}
	owned := map[string][]string{} // attributes by whose value counts
	for _, unit := range units(e.t) {
		trace := reconcile.TraceOf(e.t, unit, assertions)
		if trace.Value != nil {
			name := e.sources[trace.Source].Name
			owned[name] = append(owned[name], unit.Path)
		}
		for _, a := range assertions {
			if v := a.Doc.At(unit); v != nil && a.Source.ID != trace.Source && !document.Equal(v, trace.Value) {
				e.add(StepResolve, OutcomeNotAuthoritative, fmt.Sprintf("%s asserts another %s, which doesn't count.", a.Source.Name, unit.Path), e.wayToWin(trace),
					"attribute", unit.Path, "source", a.Source.Name, "value", raw(v), "counts", raw(trace.Value))
			}
		}
	}
	for _, p := range e.parties {
		if names := owned[p.source.Name]; len(names) > 0 {
			e.add(StepResolve, "counts", fmt.Sprintf("%d attributes are as %s asserts them.", len(names), p.source.Name), "", "source", p.source.Name, "attributes", names)
		}
	}
	return nil
}

// units are the attributes that a source wins or loses, one by one.
func units(t *schema.ResourceType) []*schema.Attribute {
	var out []*schema.Attribute
	for _, a := range t.Root.Subs {
		switch {
		case a.Extension && a.Backing == schema.InDocument:
			out = append(out, a.Subs...)
		case a.Backing == schema.InDocument && a.Returned != schema.ReturnedNever:
			out = append(out, a)
		}
	}
	return out
}

// tellState says what the resource is.
func (e *explainer) tellState() error {
	at := e.res.StateAt
	switch e.res.State {
	case store.Live:
		code, sentence := "live", fmt.Sprintf("The %s is live, of the class %s.", e.t.Name, e.res.Class)
		if e.t.Active != nil && e.resolved.Get(e.t.Active) == false {
			code, sentence = "inactive", fmt.Sprintf("The User is there, of the class %s, and isn't active.", e.res.Class)
		}
		e.add(StepOutcome, code, sentence, "", "class", e.res.Class, "authority", e.sources[e.res.Authority].Name, "version", e.res.Version, "modifiedAt", e.res.ModifiedAt)
	case store.Orphaned:
		until := at.Add(e.d.grace)
		e.add(StepOutcome, "orphaned", fmt.Sprintf("The last source that asserted it ended that; it is disabled, and deleted on %s.", until.Format(time.DateOnly)), "A source that sends it again enables it.", "since", at, "until", until)
	case store.Held:
		e.add(StepOutcome, "held", "It is held aside, because its userName is taken by an account made by hand.", "Decide the conflict, or rename one of the two.", "since", at)
	case store.Deleted:
		until := at.Add(e.d.retention)
		e.add(StepOutcome, "deleted", fmt.Sprintf("It is deleted; until %s it can come back with the same id.", until.Format(time.DateOnly)), "A source that sends it again, with the same anchor or externalId, revives it.", "since", at, "until", until)
	default:
		e.add(StepOutcome, "purged", "It is deleted for good; only the id is left.", "", "since", at)
	}
	return nil
}
