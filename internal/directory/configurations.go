package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// The bounds of a configuration document.
const (
	MaxConfiguration   = 256 << 10 // bytes
	maxConfigurationIn = 32        // levels
)

// canonical gives a JSON object in the one form that is stored and hashed: keys
// in the order of their bytes, no white space, numbers as they were written.
func canonical(document []byte) ([]byte, error) {
	if len(document) > MaxConfiguration {
		return nil, invalid("configuration", fmt.Sprintf("The configuration is larger than %d bytes.", MaxConfiguration), "")
	}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil || v == nil {
		return nil, invalid("configuration", "The configuration is no JSON object.", "")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("configuration", "Something follows the configuration's JSON object.", "")
	}
	if depth(v) > maxConfigurationIn {
		return nil, invalid("configuration", fmt.Sprintf("The configuration is nested deeper than %d levels.", maxConfigurationIn), "")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return deepest + 1
}

// SourceState is a source with what connectors need and people ask about it.
type SourceState struct {
	Source        store.Source
	Configuration *store.Configuration // nil if none was written
	Pending       PendingSummary       // of a source in staging
	LastRun       *store.Run           // nil without any
	// Limits are those by which what the source pushes is judged.
	Limits reconcile.Limits
}

// Tag stands for all that ChangeSource changes: it is another one after each
// change.
func (s SourceState) Tag() string {
	h := sha256.New()
	var version int64
	if s.Configuration != nil {
		version = s.Configuration.Version
	}
	fmt.Fprintf(h, "%d %s %q", version, s.Source.Mode, s.Source.DisplayName)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func stateOf(r store.Reader, s store.Source) (SourceState, error) {
	state := SourceState{Source: s}
	c, err := r.Configuration(s.ID, 0)
	if err == nil {
		state.Configuration = &c
	}
	if err := ignoreNotFound(err); err != nil {
		return state, err
	}
	state.Limits = limitsOf(state.Configuration)
	if s.Mode == store.ModeStaging {
		if state.Pending, err = pendingSummary(r, s.ID); err != nil {
			return state, err
		}
	}
	state.LastRun, err = lastRun(r, s)
	return state, err
}

// lastRun is the last run in which the source brought something, nil for none:
// what undid or verified one says nothing of when the next is due.
func lastRun(r store.Reader, s store.Source) (*store.Run, error) {
	const page = 20
	for before := int64(0); ; {
		runs, err := r.Runs(store.RunQuery{Tenant: s.Tenant, Source: s.ID, Before: before, Limit: page})
		if err != nil {
			return nil, err
		}
		for _, n := range runs {
			if n.Kind != undoKind && n.Kind != verifyKind {
				return &n, nil
			}
			before = n.ID
		}
		if len(runs) < page {
			return nil, nil
		}
	}
}

// SourceState gets a source that the actor sees.
func (d *Directory) SourceState(ctx context.Context, a Actor, id string) (SourceState, error) {
	var state SourceState
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, id)
		if err != nil {
			return err
		}
		state, err = stateOf(r, s)
		return err
	})
	return state, err
}

// SourceStates gives the sources that the actor sees behind an id of the store,
// in the order of their creation, at most limit.
func (d *Directory) SourceStates(ctx context.Context, a Actor, after int64, limit int) ([]SourceState, error) {
	var all []SourceState
	err := d.store.View(ctx, func(r store.Reader) error {
		all = nil
		sources, err := r.Sources(a.Tenant.ID)
		if err != nil {
			return err
		}
		for _, s := range sources {
			if s.ID <= after || !a.Admin && s.ID != a.Source.ID || len(all) == limit {
				continue
			}
			state, err := stateOf(r, s)
			if err != nil {
				return err
			}
			all = append(all, state)
		}
		return nil
	})
	return all, err
}

// Configurations gives versions of a source's configuration less than before, 0
// for all, the newest first.
func (d *Directory) Configurations(ctx context.Context, a Actor, source string, before int64, limit int) ([]store.Configuration, error) {
	var all []store.Configuration
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		all, err = r.Configurations(s.ID, before, limit)
		return err
	})
	return all, err
}

// SourceChange says what to change of a source; nil for what stays.
type SourceChange struct {
	DisplayName *string
	Mode        *store.Mode
	// Configuration is a JSON object of at most MaxConfiguration bytes; the
	// connector judges what is in it.
	Configuration []byte
	// Limits, a JSON object, become the "limits" of the configuration, of which the
	// rest stays; not together with Configuration or Version.
	Limits []byte
	// Version is an older version to write again, 0 for none.
	Version int64
	// Confirm is the hash of what is pending, which activating a source that
	// has something pending takes (row E015).
	Confirm string
}

// ChangeSource changes a source for an administrator. cond judges the source's
// Tag; nil asks for nothing. A new configuration, and any change of the mode,
// ends all leases of the source in the same transaction: who works by what was
// before is fenced. A source that leaves staging begins anew, without
// checkpoints: what it saw was never written.
func (d *Directory) ChangeSource(ctx context.Context, a Actor, id string, cond func(tag string) bool, c SourceChange) (SourceState, error) {
	if err := onlyAdmins(a); err != nil {
		return SourceState{}, err
	}
	if err := c.check(); err != nil {
		return SourceState{}, err
	}
	var state SourceState
	err := d.update(ctx, a, func(tx store.Tx) error {
		s, err := seenSource(tx, a, id)
		if err != nil {
			return err
		}
		if err := tx.LockSource(s.ID); err != nil {
			return err
		}
		if s, err = seenSource(tx, a, id); err != nil { // as it is now
			return err
		}
		if state, err = stateOf(tx, s); err != nil {
			return err
		}
		if cond != nil && !cond(state.Tag()) {
			return &Violation{Rule: RuleVersionMismatch, Detail: "The source has changed since you read it.", Way: "Read it again and repeat the change."}
		}
		x := &sourceChange{d: d, tx: tx, actor: a, before: state, after: s, SourceChange: c}
		if err := x.apply(); err != nil {
			return err
		}
		state, err = stateOf(tx, x.after)
		return err
	})
	return state, err
}

func (c *SourceChange) check() (err error) {
	if c.DisplayName != nil {
		if err := text("displayName", *c.DisplayName, 0, 200); err != nil {
			return err
		}
	}
	if c.Mode != nil {
		switch *c.Mode {
		case store.ModeActive, store.ModeStaging, store.ModeDisabled:
		default:
			return invalid("mode", fmt.Sprintf("%.20q is no mode.", string(*c.Mode)), "Use disabled, staging or active.")
		}
	}
	if c.Version < 0 || c.Version != 0 && c.Configuration != nil {
		return invalid("configurationVersion", "An older version is written again by its number, without a configuration.", "")
	}
	if c.Limits != nil && (c.Configuration != nil || c.Version != 0) {
		return invalid("limits", "Limits are part of the configuration, which is written as a whole here.", "Put them into it.")
	}
	if c.Limits != nil {
		_, err = withLimits(nil, c.Limits)
	}
	if c.Configuration != nil {
		c.Configuration, err = canonical(c.Configuration)
	}
	return err
}

// sourceChange is a change under way.
type sourceChange struct {
	SourceChange
	d      *Directory
	tx     store.Tx
	actor  Actor
	before SourceState
	after  store.Source
}

func (x *sourceChange) apply() error {
	configured, err := x.configure()
	if err != nil {
		return err
	}
	moved, err := x.move()
	if err != nil {
		return err
	}
	named := x.DisplayName != nil && *x.DisplayName != x.after.DisplayName
	if named {
		x.after.DisplayName = *x.DisplayName
	}
	if moved || named {
		if err := x.tx.UpdateSource(&x.after); err != nil {
			return err
		}
	}
	if named {
		if err := x.tell("source.renamed", map[string]any{"displayName": x.before.Source.DisplayName}, map[string]any{"displayName": x.after.DisplayName}); err != nil {
			return err
		}
	}
	if configured || moved {
		return x.tx.EndLeases(x.after.ID, "")
	}
	return nil
}

func (x *sourceChange) configure() (changed bool, err error) {
	s, document := x.after, x.Configuration
	if x.Version != 0 {
		old, err := x.tx.Configuration(s.ID, x.Version)
		if errors.Is(err, store.ErrNotFound) {
			return false, invalid("configurationVersion", fmt.Sprintf("There is no version %d.", x.Version), "")
		}
		if err != nil {
			return false, err
		}
		document = old.Document
	}
	if x.Limits != nil {
		var before []byte
		if x.before.Configuration != nil {
			before = x.before.Configuration.Document
		}
		if document, err = withLimits(before, x.Limits); err != nil {
			return false, err
		}
	}
	if document == nil {
		return false, nil
	}
	if err := checkLimits(document); err != nil && x.Version == 0 {
		return false, err
	}
	c := store.Configuration{Tenant: s.Tenant, Source: s.ID, Version: 1, Document: document, By: x.actor.Token, CreatedAt: x.d.now()}
	sum := sha256.Sum256(document)
	c.Hash = sum[:]
	before := map[string]any(nil)
	if last := x.before.Configuration; last != nil {
		if bytes.Equal(last.Hash, c.Hash) {
			return false, nil
		}
		c.Version = last.Version + 1
		before = map[string]any{"version": last.Version, "hash": hex.EncodeToString(last.Hash)}
	}
	if err := x.tx.InsertConfiguration(c); err != nil {
		return false, err
	}
	return true, x.tell("source.configured", before, map[string]any{"version": c.Version, "hash": hex.EncodeToString(c.Hash)})
}

func (x *sourceChange) move() (changed bool, err error) {
	if x.Mode == nil || *x.Mode == x.after.Mode {
		return false, nil
	}
	from, to := x.after.Mode, *x.Mode
	if x.after.Kind == store.SourceWorkspace {
		return false, invalid("mode", "The workspace source is always active.", "Revoke the admin tokens instead.")
	}
	if from == store.ModeStaging {
		if p := x.before.Pending; to == store.ModeActive && p.Count > 0 && x.Confirm != p.Hash {
			return false, &Violation{
				Rule: RuleConfirmationRequired, Attribute: "confirm",
				Detail: fmt.Sprintf("%d objects have pending changes, with the hash %s.", p.Count, p.Hash),
				Way:    "Look at what is pending and send its hash as confirm.",
			}
		}
		if err := errors.Join(x.tx.DeletePending(x.after.ID, ""), x.tx.DeleteCheckpoints(x.after.ID)); err != nil {
			return false, err
		}
	}
	x.after.Mode = to
	return true, x.tell("source.modeChanged", map[string]any{"mode": from}, map[string]any{"mode": to})
}

func (x *sourceChange) tell(typ string, before, after map[string]any) error {
	e := controlEvent{tenant: x.after.Tenant, source: x.after.ID, by: x.actor.Token, txn: x.actor.Txn, typ: typ, subject: x.after.PublicID, after: after}
	if before != nil {
		e.before = before
	}
	return x.d.tell(x.tx, e)
}
