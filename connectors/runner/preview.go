package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// Preview reads everything from a source and says, object by object, what a
// full pull would do: by the decisions of a cycle and the server's dry runs,
// without a lease, a run or a write. Lines come as they are known; show may
// return an error to end it. Of config.Part only Of counts: all parts are read,
// and each is held against its share of the limits. Of the result, State is held if a limit would hold
// the run, and Detail says which. Memory is that of one page, and 48 bytes for
// each object of the source.
//
// Each request of a dry run is by itself, so what depends on another page isn't
// seen: a user name that a delete of the same run frees counts as taken. With
// unseen the server's objects can't be read, because the source is disabled:
// everything is told as created, and no limit is judged.
func Preview(ctx context.Context, config Config, src connectors.Source, unseen bool, show func(Line) error) (Result, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	parts := max(config.Part.Of, 1)
	config.Part = Part{}
	p := &preview{
		cycle: &cycle{Config: config, ctx: ctx, scim: config.Client, state: state{Kept: map[string]*kept{}}, counts: scimclient.Counts{Skipped: map[string]int64{}}},
		show:  show, unseen: unseen, tolls: make([]toll, parts),
	}
	p.run.Kind, p.outcome = "full", "succeeded"
	err := src.Pull(ctx, nil, p)
	if err == nil {
		err = p.end()
	}
	return p.result(), err
}

// preview is a sink that only shows. It takes a cycle's decisions, and none of
// the methods that write.
type preview struct {
	*cycle
	show   func(Line) error
	unseen bool
	tolls  []toll // by part
}

// part is the part that has an object.
func (p *preview) part(anchor string) Part {
	part := Part{Of: len(p.tolls)}
	for !part.owns(anchor) {
		part.Index++
	}
	return part
}

func (p *preview) tollOf(anchor string) *toll { return &p.tolls[p.part(anchor).Index] }

var _ connectors.Sink = (*preview)(nil)

// Begin reads what the server has.
func (p *preview) Begin(b connectors.Pull) (err error) {
	if !b.Full {
		return errors.New("the source told changes, and everything was asked for")
	}
	p.begun, p.pull, p.total = true, b, int64(b.Total)
	for _, n := range b.Notes {
		p.Log.Warn(n.Sentence, "code", n.Code)
	}
	if p.unseen {
		p.index = &index{entries: map[indexKey]indexEntry{}}
		return nil
	}
	p.index, err = readIndex(p.ctx, p.scim, func(kind connectors.Kind, anchor string) bool {
		t := p.tollOf(anchor)
		if t.objects++; kind == connectors.User {
			t.users++
		}
		return true
	})
	return err
}

// Change takes an object into the page.
func (p *preview) Change(ch connectors.Change) error {
	if err := p.ready(); err != nil {
		return err
	}
	p.index.told(ch.Kind, ch.Anchor)
	it := &item{Change: ch, reason: string(ch.Presence)}
	if p.page.join(it) {
		return nil
	}
	if p.page.add(it); p.page.full() {
		return p.flush()
	}
	return nil
}

// Skip shows a problem that names an object, and counts what isn't brought.
func (p *preview) Skip(problem connectors.Problem) error {
	if err := p.ready(); err != nil {
		return err
	}
	verb := "noticed"
	if problem.Dropped {
		verb = "skipped"
		p.index.told(problem.Kind, problem.Anchor)
		p.counts.Skipped[problem.Code] += int64(max(1, problem.Count))
	}
	if problem.Anchor == "" {
		return nil
	}
	return p.show(Line{Verb: verb, Kind: problem.Kind, Anchor: problem.Anchor, Name: problem.Name, Why: problem.Code + ": " + problem.Sentence})
}

// Checkpoint keeps nothing.
func (p *preview) Checkpoint([]byte) error {
	if err := p.ready(); err != nil {
		return err
	}
	return p.flush()
}

// flush shows the page.
func (p *preview) flush() error {
	items := p.page.items
	p.page = page{}
	err := p.decide(items)
	p.done += int64(len(items))
	if p.Progress != nil {
		p.Progress(Progress{"reading", p.done, p.total})
	}
	return err
}

func (p *preview) decide(items []*item) error {
	refs, err := p.refs(items, false)
	if err != nil {
		return err
	}
	var ask []write
	for _, it := range items {
		was, known := refs[it.Anchor]
		w, verdict, err := p.operation(it, was, known)
		switch {
		case p.ctx.Err() != nil:
			return context.Cause(p.ctx)
		case err != nil:
			err = p.refuse(it, err)
		case verdict == nothing:
			p.counts.Unchanged++
		case verdict == destroys:
			p.tollOf(it.Anchor).deletes++
			err = p.shows(w, "deleted", it.reason)
		case p.unseen:
			err = p.shows(w, "created", "")
		default:
			ask = append(ask, w)
		}
		if err != nil {
			return err
		}
	}
	return p.ask(ask)
}

// ask has the server say what it would do.
func (p *preview) ask(all []write) error {
	for try := 1; len(all) > 0; try++ {
		outcomes, events, err := p.scim.DryRun(p.ctx, operations(all))
		if err != nil {
			return err
		}
		var later []write
		for i, w := range all {
			o := outcomes[i]
			if scimclient.Temporary(o.Err) {
				if try == tries {
					return o.Err
				}
				later = append(later, w)
				continue
			}
			if err := p.answered(w, o, events[o.ID]); err != nil {
				return err
			}
		}
		if all = later; len(all) > 0 {
			if err := scimclient.Sleep(p.ctx, time.Duration(try)*50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// answered shows what the server would do with one object.
func (p *preview) answered(w write, o scimclient.Outcome, events []scimclient.Event) error {
	e := effectOf(events)
	switch {
	case o.Err != nil:
		return p.refuse(w.item, o.Err)
	case !w.known:
		verb := "created"
		if len(events) > 0 {
			verb = word(events[0])
		}
		return p.shows(w, verb, "")
	}
	l := Line{Verb: "updated", Kind: w.Kind, Anchor: w.Anchor, Name: w.Name, Fields: fields(events), Leaving: len(e.removed), Joining: joining(events)}
	if len(l.Fields)+l.Leaving+l.Joining == 0 {
		// Nothing, or a member that hasn't arrived is waited for still.
		p.counts.Unchanged++
		return nil
	}
	if err := p.emptied(p.tollOf(w.Anchor), w, len(e.removed)); err != nil {
		return err
	}
	if e.disables {
		p.tollOf(w.Anchor).disables++
		p.counts.Disabled++
		l.Verb = "disabled"
		return p.show(l)
	}
	p.counts.Updated++
	if slices.ContainsFunc(events, func(ev scimclient.Event) bool { return word(ev) == "enabled" }) {
		l.Verb = "enabled"
	}
	return p.show(l)
}

func (p *preview) shows(w write, verb, why string) error {
	l := Line{Verb: verb, Kind: w.Kind, Anchor: w.Anchor, Name: w.Name, Why: why}
	if verb == "deleted" {
		p.counts.Deleted++
		l.Kind = w.was.kind
	} else {
		p.counts.Created++
		l.Joining = len(w.Members) + len(w.Added)
	}
	return p.show(l)
}

func (p *preview) refuse(it *item, err error) error {
	p.counts.Failed++
	return p.show(Line{Verb: "refused", Kind: it.Kind, Anchor: it.Anchor, Name: it.Name, Why: err.Error()})
}

// end shows what is absent, and judges the limits.
func (p *preview) end() error {
	if !p.begun {
		return errors.New("the source told nothing, not even how it begins")
	}
	p.pulled = true
	if err := p.flush(); err != nil || p.unseen {
		return err
	}
	if p.pull.Absence {
		if err := p.gone(); err != nil {
			return err
		}
	}
	if len(p.tolls) == 1 {
		if err := p.size(&p.tolls[0]); err != nil {
			return err
		}
	}
	for i, t := range p.tolls {
		why := p.Limits.exceeded(t, Part{i, len(p.tolls)})
		if why == "" {
			continue
		}
		p.outcome, p.detail = "held", fmt.Sprintf("%s It would wait for a person; everything else would be done.", why)
		break
	}
	return nil
}

// gone shows what the server has and the source didn't tell.
func (p *preview) gone() error {
	for kind, ids := range p.index.absent() {
		for part := range slices.Chunk(ids, pageChanges) {
			refs, err := p.scim.FindID(p.ctx, endpointOf(kind), part)
			if err != nil {
				return err
			}
			for _, r := range refs {
				if r.ExternalID == "" {
					continue // not of a connector's making
				}
				p.tollOf(r.ExternalID).deletes++
				w := write{item: &item{Change: connectors.Change{Kind: kind, Anchor: r.ExternalID, Name: r.Name}}, was: ref{kind: kind}}
				if err := p.shows(w, "deleted", "absent"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
