package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// A source may have rules of its own, by which uploaded records become users
// (docs/mapping.md). Each version of them stays, and each change is an event. They
// take effect with the next record that is worked on.

// RuleMapping refuses rules that can't be carried out.
const RuleMapping = "invalidMapping"

// MappingRefused is a Violation of RuleMapping with all that is wrong.
type MappingRefused struct {
	Violation
	Faults mapping.Faults
}

// Unwrap gives the Violation.
func (e *MappingRefused) Unwrap() error { return &e.Violation }

// Error gives a line for each fault.
func (e *MappingRefused) Error() string { return e.Violation.Error() + "\n" + e.Faults.Error() }

func mappingRefused(faults mapping.Faults) error {
	return &MappingRefused{Violation{
		Rule: RuleMapping, Detail: "The rules can't be used.", Way: "Correct what the faults name; docs/mapping.md tells what rules are.",
	}, faults}
}

// rules are those of a source, ready for its records.
type rules struct {
	*mapping.Mapping
	number int64
}

// rulesOf gives the rules of a source that hold now, nil if it has none.
func rulesOf(r store.Reader, t *schema.ResourceType, source int64) (*rules, error) {
	m, err := r.Mapping(source, 0)
	if errors.Is(err, store.ErrNotFound) || err == nil && m.Document == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ready, err := compileRules(t, m.Document)
	if err != nil {
		return nil, fmt.Errorf("rules %d of source %d: %w", m.Number, source, err)
	}
	return &rules{ready, m.Number}, nil
}

// compileRules checks rules as far as they can be carried out here.
func compileRules(t *schema.ResourceType, document []byte) (*mapping.Mapping, error) {
	parsed, err := mapping.Parse(document)
	if err == nil {
		var m *mapping.Mapping
		if m, err = mapping.Compile(t, parsed); err == nil {
			faults := unsupported(t, m)
			if faults == nil {
				return m, nil
			}
			err = faults
		}
	}
	var faults mapping.Faults
	if errors.As(err, &faults) {
		return nil, mappingRefused(faults)
	}
	return nil, err
}

// unsupported tells what of right rules uploads can't carry out.
func unsupported(t *schema.ResourceType, m *mapping.Mapping) (faults mapping.Faults) {
	matched := false
	for _, u := range m.Uses() {
		add := func(at string, code mapping.Code, message string) {
			faults = append(faults, mapping.Fault{At: at, Code: code, Message: message})
		}
		matched = matched || u.Match >= 0
		if u.Match >= 0 && matchAttribute(t, u.Target) == nil {
			add(fmt.Sprintf("match[%d]", u.Match), mapping.CodeUnsupported,
				"nobody can be found by "+u.Target+"; use externalId, userName, displayName, employeeNumber, sAMAccountName, originAnchor, originSid or one of extensionAttribute1 to 15")
		}
		if u.Unique && matchAttribute(t, u.Target) == nil {
			add(u.At+".expression", mapping.CodeUnsupported, "who has a value of "+u.Target+" can't be found out, so SelectUniqueValue can't choose one; use it for userName")
		}
		if u.Redacted {
			add(u.At+".expression", mapping.CodeUnsupported, "what changes is kept in the log, so that it can be undone, and Redact would leave it out; leave the flow or Redact out")
		}
	}
	if !matched {
		faults = append(faults, mapping.Fault{At: "match", Code: mapping.CodeRequired, Message: `nothing says by what people are recognized; fill externalId, and add "match": ["externalId"]`})
	}
	return faults
}

// MappingTag stands for the rules of a source, in ETags: their version, and
// "none" where there are none.
func MappingTag(m store.Mapping) string { return firstNonempty(m.Version, "none") }

// Mapping gives a version of the rules of a source that the actor sees, the last
// one for 0; the zero value if it never had rules.
func (d *Directory) Mapping(ctx context.Context, a Actor, source string, number int64) (m store.Mapping, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		m, err = r.Mapping(s.ID, number)
		if number != 0 {
			return err
		}
		return ignoreNotFound(err)
	})
	return m, err
}

// Mappings gives versions of the rules of a source less than before, 0 for all,
// the newest first.
func (d *Directory) Mappings(ctx context.Context, a Actor, source string, before int64, limit int) (all []store.Mapping, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		all, err = r.Mappings(s.ID, before, limit)
		return err
	})
	return all, err
}

// Said is what a source with rules said of one person, with the id of the user,
// "" for none.
type Said struct {
	store.Raw
	User string
}

// Said gives what a source that the actor sees said of people, as it said it, in
// the order in which they came: those behind an id, or of one user. A user of whom
// it said nothing is no error.
func (d *Directory) Said(ctx context.Context, a Actor, source, user string, after int64, limit int) (all []Said, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		all = nil
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		raws, err := saidOf(r, a, s.ID, user, after, limit)
		if err != nil {
			return err
		}
		var rids []int64
		for _, raw := range raws {
			if raw.RID != 0 {
				rids = append(rids, raw.RID)
			}
		}
		ids, err := r.IDs(a.Tenant.ID, rids)
		for _, raw := range raws {
			all = append(all, Said{raw, ids[raw.RID]})
		}
		return err
	})
	return all, err
}

func saidOf(r store.Reader, a Actor, source int64, user string, after int64, limit int) ([]store.Raw, error) {
	if user == "" {
		return r.Raws(source, after, limit)
	}
	refs, err := r.Refs(a.View(), []string{user})
	if err != nil || len(refs) == 0 || after > 0 {
		return nil, err
	}
	raw, err := r.RawOf(source, refs[0].RID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []store.Raw{raw}, err
}

// SetMapping gives a source rules for an administrator. cond judges the MappingTag
// of what they replace; nil asks for nothing. Rules that can't be carried out are
// MappingRefused; the same rules again change nothing.
func (d *Directory) SetMapping(ctx context.Context, a Actor, source string, cond func(tag string) bool, document []byte) (store.Mapping, error) {
	ready, err := d.checkMapping(ctx, a, document)
	if err != nil {
		return store.Mapping{}, err
	}
	return d.putMapping(ctx, a, source, cond, func(store.Tx) (store.Mapping, error) {
		return store.Mapping{Document: ready.Canonical(), Version: ready.Version()}, nil
	})
}

// checkMapping checks rules that an administrator gives.
func (d *Directory) checkMapping(ctx context.Context, a Actor, document []byte) (*mapping.Mapping, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return nil, err
	}
	return compileRules(set.User, document)
}

// CloneMapping gives a source the rules that another one of the tenant has, named
// by its id or its name (row E058). From then on each has its own.
func (d *Directory) CloneMapping(ctx context.Context, a Actor, source string, cond func(tag string) bool, from string) (store.Mapping, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Mapping{}, err
	}
	return d.putMapping(ctx, a, source, cond, func(tx store.Tx) (store.Mapping, error) {
		sources, err := tx.Sources(a.Tenant.ID)
		if err != nil {
			return store.Mapping{}, err
		}
		for _, s := range sources {
			if s.PublicID != from && s.Name != from {
				continue
			}
			m, err := tx.Mapping(s.ID, 0)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return m, err
			}
			if m.Document == nil {
				return m, invalid("from", fmt.Sprintf("The source %q has no rules.", s.Name), "Name one that has.")
			}
			return m, nil
		}
		return store.Mapping{}, invalid("from", fmt.Sprintf("The tenant has no source %.100q.", from), "Name a source by its id or its name.")
	})
}

// RemoveMapping takes the rules of a source away: its records are users from then
// on. Versions stay, and so does what the rules made. What the source said is
// forgotten: rules that come later would take it for what it says still.
func (d *Directory) RemoveMapping(ctx context.Context, a Actor, source string, cond func(tag string) bool) error {
	if err := onlyAdmins(a); err != nil {
		return err
	}
	_, err := d.putMapping(ctx, a, source, cond, func(store.Tx) (store.Mapping, error) { return store.Mapping{}, nil })
	return err
}

// putMapping adds a version of a source's rules, with the document that next
// gives.
func (d *Directory) putMapping(ctx context.Context, a Actor, source string, cond func(tag string) bool, next func(store.Tx) (store.Mapping, error)) (m store.Mapping, err error) {
	err = d.update(ctx, a, func(tx store.Tx) error {
		s, err := seenSource(tx, a, source)
		if err != nil {
			return err
		}
		if s.Kind == store.SourceWorkspace {
			return invalid("", "The workspace source uploads nothing, and has no rules.", "Give them to another source.")
		}
		if err := tx.LockSource(s.ID); err != nil {
			return err
		}
		last, err := tx.Mapping(s.ID, 0)
		if err := ignoreNotFound(err); err != nil {
			return err
		}
		if cond != nil && !cond(MappingTag(last)) {
			return &Violation{Rule: RuleVersionMismatch, Detail: "The rules have changed since you read them.", Way: "Read them again and repeat the change."}
		}
		if m, err = next(tx); err != nil {
			return err
		}
		if m.Version == last.Version {
			m = last
			return nil
		}
		m = store.Mapping{Tenant: s.Tenant, Source: s.ID, Number: last.Number + 1, Document: m.Document, Version: m.Version, By: a.Token, CreatedAt: d.now()}
		if err := tx.InsertMapping(m); err != nil {
			return err
		}
		typ := "source.mappingChanged"
		if m.Document == nil {
			typ = "source.mappingRemoved"
			if err := forgetSaid(tx, s); err != nil {
				return err
			}
		}
		return d.tell(tx, controlEvent{
			tenant: s.Tenant, source: s.ID, by: a.Token, txn: a.Txn, typ: typ, subject: s.PublicID, before: toldMapping(last), after: toldMapping(m),
		})
	})
	return m, err
}

// forgetSaid forgets what a source said, when nobody works on its records.
func forgetSaid(tx store.Tx, s store.Source) error {
	if _, err := tx.LockUploads(s.Tenant, s.ID); err != nil {
		return err
	}
	return tx.ForgetSaid(s.ID)
}

// toldMapping is what an event says of rules; their text is in the versions.
func toldMapping(m store.Mapping) any {
	if m.Number == 0 {
		return nil
	}
	return map[string]any{"number": m.Number, "version": m.Version}
}
