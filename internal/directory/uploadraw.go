package directory

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"strings"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// newMapped reads what a record says.
func (b *batch) newMapped(u store.UploadRecord) *mapped {
	x := &mapped{b: b, again: b.again[u.Run]}
	if x.whole, x.unread = rawObject(u.Data); x.unread != nil {
		return x
	}
	x.in.Environment = expression.Environment{Now: b.d.now(), Random: rand.Reader}
	if x.in.Record, x.unread = recordOf(x.whole); x.unread == nil {
		x.matches = b.rules.Recognize(x.in)
	}
	return x
}

// rawObject reads a JSON object with its numbers as they are written.
func rawObject(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil || o == nil {
		return nil, &Violation{Rule: RuleInvalid, Detail: "The record is no JSON object."}
	}
	maps.DeleteFunc(o, func(name string, _ any) bool { return isPassword(name) }) // which is kept nowhere
	return o, nil
}

func recordOf(o map[string]any) (expression.Record, error) {
	r, err := expression.NewRecord(o)
	if err != nil {
		return r, &Violation{Rule: RuleInvalid, Detail: sentence(err.Error()), Way: "Correct the record."}
	}
	return r, nil
}

// overlay gives what is known when now is said after before: what now leaves out
// stays, and names compare without case, as those of records do.
func overlay(now, before map[string]any) map[string]any {
	out, spelled := make(map[string]any, len(now)+len(before)), map[string]string{}
	for name, v := range before {
		out[name], spelled[folded(name)] = v, name
	}
	for name, v := range now {
		old, had := spelled[folded(name)]
		inner, is := v.(map[string]any)
		if was, object := out[old].(map[string]any); had && is && object {
			v = overlay(inner, was)
		}
		if had {
			delete(out, old)
		}
		out[name] = v
	}
	return out
}

func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// recognize finds whom a record is about by the match rules, in their order, and
// then by what was kept of people who have no user or have left (rows E063, E092).
func (x *mapped) recognize(u *store.UploadRecord) error {
	if len(x.matches) == 0 {
		return &Violation{
			Rule: RuleMatchMissing, Detail: "The record has no value by which the source's rules recognize anybody.", Way: "Send it, or change the match rules.",
		}
	}
	var keys []string
	for _, m := range x.matches {
		by := matchAttribute(x.b.t, m.Target)
		keys = append(keys, keyOf(by, m.Value))
		if x.id != "" {
			continue
		}
		var err error
		if x.id, x.rid, err = x.b.findOne(x.w, by, m.Value); err != nil {
			return err
		}
	}
	u.ExternalID = loggable(x.called())
	if err := x.recall(keys); err != nil {
		return err
	}
	name, _ := x.whole["displayName"].(string)
	u.Display = loggable(firstNonempty(name, u.ExternalID))
	x.key = keys[0]
	return x.complete()
}

// keyOf is what a value of a match rule stands for among what is kept.
func keyOf(by *schema.Attribute, value string) string {
	sum := sha256.Sum256([]byte(by.Path + "\x00" + by.Key(value)))
	return hex.EncodeToString(sum[:])
}

// recall gets what was kept of the person, and the user.
func (x *mapped) recall(keys []string) error {
	tx, source := x.w.tx, x.b.actor.Source.ID
	if x.id != "" {
		var err error
		if x.kept, err = tx.RawOf(source, x.rid); !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	all, err := tx.RawsByKey(source, keys, 1)
	if err != nil || len(all) == 0 {
		return err
	}
	if x.id != "" && all[0].RID != 0 {
		return nil // somebody else, who is called so no more
	}
	if x.kept = all[0]; x.kept.RID == 0 {
		return nil
	}
	x.rid = x.kept.RID
	res, err := tx.Resource(x.kept.Tenant, x.rid)
	if err != nil {
		return err
	}
	s, err := x.w.load(x.b.t, res)
	if err != nil {
		return err
	}
	switch own := s.of(source); {
	case own == nil:
		x.rid = 0
	case own.link.State.Live():
		x.id = res.ID
	default:
		x.last = own.doc
	}
	return nil
}

// complete adds to the input of the rules what was known before. By other rules
// than those that were applied last everything is worked out anew.
func (x *mapped) complete() (err error) {
	if x.again && x.kept.ID != 0 {
		if x.whole, err = rawObject(x.kept.Data); err != nil {
			return err
		}
		if x.in.Record, err = recordOf(x.whole); err != nil {
			return err
		}
	}
	if x.kept.ID != 0 && !x.b.rules.ClearsOmitted() {
		before, err := rawObject(x.kept.Data)
		if err != nil {
			return err
		}
		if x.in.Before, err = recordOf(before); err != nil {
			return err
		}
		x.whole = overlay(x.whole, before)
	}
	x.in.New, x.in.Returning = x.id == "" && x.last == nil, x.id == "" && x.last != nil
	if x.id == "" || x.kept.Rules != x.b.rules.number {
		x.in.Before = expression.Record{}
		if x.in.Record, err = recordOf(x.whole); err != nil {
			return err
		}
	}
	x.in.Taken = x.isTaken
	if x.b.rules.AsksGroups() && x.rid != 0 {
		groups, err := x.w.tx.Groups(store.View{Tenant: x.b.actor.Tenant.ID}, []int64{x.rid})
		if err != nil {
			return err
		}
		for _, g := range groups[x.rid] {
			x.in.Groups = append(x.in.Groups, g.ID)
		}
	}
	return nil
}

// isTaken says whether another user has a value at a target. What keeps it from
// being found out is told by write.
func (x *mapped) isTaken(target, value string) bool {
	by, tenant := matchAttribute(x.b.t, target), x.b.actor.Tenant.ID
	if by == x.b.t.UserName {
		res, err := x.w.tx.FindUnique(tenant, x.b.t.Kind, by.Key(value))
		x.taken = errors.Join(x.taken, ignoreNotFound(err))
		return err == nil && res.RID != x.rid
	}
	rids, err := x.w.tx.Referrers(tenant, by.Index, by.Key(value))
	x.taken = errors.Join(x.taken, err)
	for _, rid := range rids {
		if rid != x.rid {
			return true
		}
	}
	return false
}

// keep keeps what is known of the person, whatever became of the record: it is
// what changed rules are worked out from.
func (x *mapped) keep(res Result, done bool) error {
	raw := x.kept
	data, err := json.Marshal(x.whole)
	if err != nil {
		return err
	}
	raw.Tenant, raw.Source, raw.Key, raw.Data = x.b.actor.Tenant.ID, x.b.actor.Source.ID, x.key, data
	raw.RID, raw.InScope, raw.Rules = x.rid, x.out.InScope, 0
	if !done && x.id == "" && x.rid != 0 {
		raw.InScope = false // who failed to come back isn't one whom the source deleted since
	}
	if done {
		raw.Rules = x.b.rules.number
	}
	if done && res.Record.RID != 0 {
		raw.RID = res.Record.RID
	}
	if raw.RID != 0 && raw.RID != x.kept.RID {
		// The user was known by another key.
		other, err := x.w.tx.RawOf(raw.Source, raw.RID)
		if err == nil {
			err = x.w.tx.DeleteRaw(other.ID)
		}
		if err := ignoreNotFound(err); err != nil {
			return err
		}
	}
	k := x.kept
	if raw.ID != 0 && raw.RID == k.RID && raw.Key == k.Key && raw.Rules == k.Rules && raw.InScope == k.InScope && bytes.Equal(raw.Data, k.Data) {
		return nil
	}
	raw.At = x.w.now
	return x.w.tx.PutRaw(raw)
}
