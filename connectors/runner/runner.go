package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// Config says for whom a runner works.
type Config struct {
	Client *scimclient.Client
	// Source is the id of the source, Partition the part of it whose lease is
	// held.
	Source, Partition string
	// Part is which objects the partition has; all if it is zero.
	Part Part
	// Limits are the source's; a part has its share of them.
	Limits Limits
	// Retry is the time before an object that was refused is tried again,
	// doubled each time up to 6 h; 0 for a minute, negative for the next pull.
	Retry time.Duration
	// Log discards if nil.
	Log *slog.Logger
	// Progress is told how far a pull is, after each page; nil for nobody.
	Progress func(Progress)
	// Now is the clock for what is kept; nil for time.Now.
	Now func() time.Time
}

// Progress is how far a pull is.
type Progress struct {
	Phase       string // "reading", "applying"
	Done, Total int64  // objects; Total is 0 where it isn't known
}

// Options are about one cycle.
type Options struct {
	// Resync reads everything, whatever the checkpoint says.
	Resync bool
	// NextAt is when the next cycle is due, for those who look at the run.
	NextAt time.Time
}

// Result is how a cycle went.
type Result struct {
	Run    string // the id of the run
	Kind   string // full, delta, resync
	State  string // succeeded, held
	Detail string // why it is held, or what is worth a sentence
	Counts scimclient.Counts
}

// And is how this cycle and another one, of another part, went together: of the
// runs and kinds the first, and held if one is.
func (r Result) And(o Result) Result {
	if r.Run == "" {
		return o
	}
	if o.State == "held" || r.Detail == "" {
		r.Detail = o.Detail
	}
	if o.State != "succeeded" {
		r.State = o.State
	}
	r.Counts = r.Counts.Plus(o.Counts)
	return r
}

const maxRetry = 6 * time.Hour

// Cycle pulls once from a source, under a lease that is held and kept renewed
// by the caller ([Hold]), and brings what it tells to Workspace. What it returns
// as an error has settled nothing after the last saved checkpoint; the next
// cycle begins there. It ends soon after ctx does.
func Cycle(ctx context.Context, config Config, lease scimclient.Lease, src connectors.Source, o Options) (Result, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Retry == 0 {
		config.Retry = time.Minute
	}
	c := &cycle{
		Config: config, ctx: ctx, lease: lease, options: o, control: config.Client.Under(lease, ""), pace: pageChanges,
		aside: map[string]*item{}, reports: map[string]scimclient.Report{}, skipped: map[string]bool{}, touched: map[string]bool{},
	}
	err := c.cycle(src)
	if err != nil {
		c.failed(err)
	}
	return c.result(), err
}

// cycle is one pull on its way. The methods of a connectors.Sink don't take a
// context, so it carries the cycle's.
type cycle struct {
	Config
	ctx     context.Context
	lease   scimclient.Lease
	options Options
	control *scimclient.Client // under the lease
	scim    *scimclient.Client // under the lease, for the run

	state state
	etag  string // of the checkpoint
	saved []byte // the state as the server has it
	last  []byte // the newest checkpoint of the source, saved or not

	run   scimclient.Run
	pull  connectors.Pull
	begun bool
	// pulled says that the pull has ended, so that nothing can be read any more.
	pulled bool
	anew   bool   // the pull didn't begin at a checkpoint
	index  *index // in a full pull
	// deferred says that checkpoints wait for the end of the pull.
	deferred bool

	page   page
	groups page // of a full pull: they wait for their members
	pace   int  // how many changes are settled at once
	total  int64

	aside    map[string]*item // what would destroy, by anchor
	lastGone string           // the anchor of what was told last, if it was told as deleted
	departed []string         // anchors of what was deleted and the server doesn't have
	reports  map[string]scimclient.Report
	skipped  map[string]bool // anchors of which the source told a problem
	touched  map[string]bool // anchors that were told, of those that are or were kept or set aside
	healthy  *bool           // the source has no problem; nil: not asked
	waiting  scimclient.Run  // whose plan waits; zero without one
	planned  map[string]bool // the anchors in that plan, but those that came back; nil: not read
	wrote    bool            // something since the last try of what is kept
	counts   scimclient.Counts
	done     int64
	outcome  string
	detail   string
}

// item is a change on its way.
type item struct {
	connectors.Change
	reason   string // of a delete
	reread   bool   // it was gone in between: what is partial isn't enough
	disables bool   // it is known that it disables a user
	deleted  bool   // it was told as deleted before what is told last
	former   bool   // it ends what is of another object's earlier life
}

func (c *cycle) result() Result {
	return Result{Run: c.run.ID, Kind: c.run.Kind, State: c.outcome, Detail: c.detail, Counts: c.counts}
}

func (c *cycle) cycle(src connectors.Source) error {
	data, etag, err := c.control.Checkpoint(c.ctx, c.Source, c.Partition)
	if err != nil {
		return err
	}
	c.state, c.saved, c.etag = decodeState(data), data, etag
	if err := c.decided(); err != nil {
		return err
	}
	after := c.state.Source
	if c.options.Resync || c.state.fullDue(c.Now()) {
		after = nil
	}
	c.anew = after == nil
	if err := c.pullFrom(src, after); err != nil {
		return err
	}
	if !c.begun {
		return errors.New("the source told nothing, not even how it begins")
	}
	return c.finish()
}

// pullFrom has the source tell this cycle, which writes while it reads on.
func (c *cycle) pullFrom(src connectors.Source, after []byte) (ended error) {
	a := newAhead(c)
	err := errors.New("the source panicked") // unless Pull returns
	defer func() { ended = a.end(err) }()
	err = src.Pull(c.ctx, after, a)
	return err
}

// Begin starts the run, or goes on with the one that another holder left.
func (c *cycle) Begin(p connectors.Pull) error {
	if c.begun {
		return errors.New("the source began twice")
	}
	c.begun, c.pull, c.total = true, p, int64(c.Part.share(p.Total))
	kind := "delta"
	switch {
	case c.options.Resync:
		kind = "resync"
	case p.Full:
		kind = "full"
	}
	left, err := c.control.RunningRun(c.ctx, c.Source, c.Partition)
	if err != nil {
		return err
	}
	if left != nil && left.Kind == kind {
		phase := "reading"
		if c.run, err = c.control.UpdateRun(c.ctx, left.ID, scimclient.RunChange{Phase: &phase}); err != nil {
			return err
		}
		c.counts, c.done = left.Counts, left.Done
	} else if c.run, err = c.control.StartRun(c.ctx, c.Source, kind); err != nil {
		return err
	}
	if c.counts.Skipped == nil {
		c.counts.Skipped = map[string]int64{}
	}
	c.scim = c.Client.Under(c.lease, c.run.ID)
	for _, n := range p.Notes {
		c.Log.Warn(n.Sentence, "code", n.Code, "run", c.run.ID)
		c.detail = n.Sentence
	}
	if p.Full {
		if c.index, err = readIndex(c.ctx, c.scim, func(_ connectors.Kind, anchor string) bool { return c.Part.owns(anchor) }); err != nil {
			return err
		}
		// Who was told before a checkpoint isn't remembered by who goes on
		// from it, so what is absent would stay for ever.
		c.deferred = p.Absence && len(c.index.entries) > 0
	}
	return c.progress("reading")
}

// Change takes an object into the page.
func (c *cycle) Change(ch connectors.Change) error {
	if err := c.ready(); err != nil {
		return err
	}
	if ch.Anchor == "" {
		return errors.New("the source told an object without an anchor")
	}
	if ch.Presence == connectors.Present && ch.Kind != connectors.User && ch.Kind != connectors.Group {
		return fmt.Errorf("the source told a present object of the kind %q", ch.Kind)
	}
	c.noteLives(ch)
	if !c.Part.owns(ch.Anchor) {
		return nil // who works on its part is told of it too
	}
	if c.index != nil {
		c.index.told(ch.Kind, ch.Anchor)
	}
	if ch.Presence == connectors.Present {
		if err := c.cameBack(ch.Anchor); err != nil {
			return err
		}
	}
	return c.take(&item{Change: ch, reason: string(ch.Presence)})
}

// take joins an item to what was told of the same object and isn't settled, or
// takes it into the page.
func (c *cycle) take(it *item) error {
	if c.page.join(it) || c.groups.join(it) {
		return nil
	}
	anchor := it.Anchor
	if k := c.state.Kept[anchor]; k != nil {
		c.touched[anchor] = true
		it = join(&item{Change: k.Change.load(anchor)}, it)
	}
	if was := c.aside[anchor]; was != nil {
		delete(c.aside, anchor)
		it = join(was, it)
	}
	if c.index != nil && it.Kind == connectors.Group {
		if c.groups.add(it); c.groups.size >= waitingBytes {
			return c.flush()
		}
		return nil
	}
	if c.page.add(it); c.page.full() {
		return c.settlePage(&c.page)
	}
	return nil
}

// Skip notes a problem that the source has with an object.
func (c *cycle) Skip(p connectors.Problem) error {
	if err := c.ready(); err != nil {
		return err
	}
	if !c.Part.owns(p.Anchor) {
		return nil
	}
	if c.index != nil && p.Dropped {
		// It is there, though not told: that isn't absence (law 2).
		c.index.told(p.Kind, p.Anchor)
	}
	if p.Dropped {
		c.counts.Skipped[p.Code] += int64(max(1, p.Count))
	}
	if p.Anchor != "" {
		c.skipped[p.Anchor] = true
		c.reports[p.Anchor] = scimclient.Report{
			Anchor: p.Anchor, Code: p.Code, Kind: reportKind(p.Kind), Display: p.Name, Detail: p.Sentence, Retry: "waiting",
		}
	}
	return c.roomForReports()
}

func reportKind(k connectors.Kind) string {
	switch k {
	case connectors.User:
		return "user"
	case connectors.Group:
		return "group"
	}
	return ""
}

// Checkpoint settles the page and saves, unless something before it waits.
func (c *cycle) Checkpoint(checkpoint []byte) error {
	if err := c.ready(); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.last = append([]byte(nil), checkpoint...)
	if c.deferred || len(c.aside) > 0 || c.state.livesSize() > maxLivesSize {
		return nil
	}
	return c.save()
}

func (c *cycle) ready() error {
	if !c.begun {
		return errors.New("the source told something before it began")
	}
	return context.Cause(c.ctx)
}

// save saves what is settled.
func (c *cycle) save() error {
	if c.last != nil {
		c.state.Source = c.last
	}
	return c.saveState(&c.state)
}

func (c *cycle) saveState(s *state) error {
	data, err := s.encode(c.Now())
	if err != nil {
		return err
	}
	if c.etag, err = c.control.SaveCheckpoint(c.ctx, c.Source, c.Partition, c.etag, data); err == nil {
		c.saved = data
	}
	return err
}

// flush settles all that was told: groups last, so that their members are there.
func (c *cycle) flush() error {
	if err := c.settlePage(&c.page); err != nil {
		return err
	}
	return c.settlePage(&c.groups)
}

// settlePage settles a page and empties it.
func (c *cycle) settlePage(p *page) error {
	items := p.items
	*p = page{}
	return c.pieces(items, func(some []*item) error {
		err := c.settleTold(some)
		clear(some) // what is settled takes no memory while the rest is
		return err
	})
}

// pieces calls fn with some of the items after the other, at the server's pace.
func (c *cycle) pieces(items []*item, fn func([]*item) error) error {
	for len(items) > 0 {
		n := within(items, c.pace)
		begin := time.Now()
		if err := fn(items[:n]); err != nil {
			return err
		}
		c.pace = paced(c.pace, time.Since(begin))
		items = items[n:]
	}
	return nil
}

func (c *cycle) settleTold(items []*item) error {
	if err := c.settle(items, false); err != nil {
		return err
	}
	for _, it := range items {
		if c.state.Kept[it.Anchor] != nil {
			c.touched[it.Anchor] = true
		}
	}
	c.done += int64(len(items))
	if err := c.roomForReports(); err != nil {
		return err
	}
	return c.progress("reading")
}

// progress tells the server and who watches how far it is.
func (c *cycle) progress(phase string) error {
	if c.Progress != nil {
		c.Progress(Progress{phase, c.done, c.total})
	}
	_, err := c.control.UpdateRun(c.ctx, c.run.ID, scimclient.RunChange{Phase: &phase, Done: &c.done, Total: &c.total, Counts: &c.counts})
	return err
}

// toldAll says whether this pull has told everything there is, from the beginning.
func (c *cycle) toldAll() bool { return c.pulled && c.anew && c.pull.Full }

// finish settles what could only be settled at the end of a pull that told
// everything, saves and ends the run.
func (c *cycle) finish() error {
	c.pulled = true
	if err := c.flush(); err != nil {
		return err
	}
	if c.pull.Absence {
		if err := c.absent(); err != nil {
			return err
		}
	}
	if err := c.endFormerLives(); err != nil {
		return err
	}
	if err := c.again(false); err != nil {
		return err
	}
	if c.toldAll() {
		c.state.Full, c.state.FullFrom = "", time.Time{}
	}
	c.outcome = "succeeded"
	if err := c.carryOutAndDestroy(); err != nil {
		return err
	}
	if c.wrote {
		// What was refused for a name may find it free now.
		if err := c.again(true); err != nil {
			return err
		}
	}
	if err := c.report(); err != nil {
		return err
	}
	if err := c.save(); err != nil {
		return err
	}
	return c.end(c.ctx)
}

// end ends the run, if it isn't held.
func (c *cycle) end(ctx context.Context) error {
	change := scimclient.RunChange{Counts: &c.counts, Done: &c.done}
	if c.outcome != "held" {
		change.State, change.Detail = &c.outcome, &c.detail
	}
	if !c.options.NextAt.IsZero() {
		change.NextAt = &c.options.NextAt
	}
	_, err := c.control.UpdateRun(ctx, c.run.ID, change)
	return err
}

// failed ends the run of a cycle that failed, as far as that can be told. When
// the lease is lost, or the program ends, the run is left for who goes on.
func (c *cycle) failed(err error) {
	held := c.outcome == "held" // then it is a person's
	c.outcome, c.detail = "failed", err.Error()
	if held || c.run.ID == "" || c.ctx.Err() != nil || scimclient.Is(err, "fenced") {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	if err := c.end(ctx); err != nil {
		c.Log.Warn("the end of the run could not be told", "run", c.run.ID, "error", err)
	}
}
