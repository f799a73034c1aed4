package directory

import (
	"cmp"
	"crypto/rand"
	"strings"

	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// Of a source with rules an uploaded record is no user: the rules say whether it
// is brought, whose it is and what it means (docs/mapping.md). What they make goes
// the way that every other upload goes.

// mapped is one record on its way through a source's rules.
type mapped struct {
	b *batch
	w *Writer

	kept    store.Raw      // what was kept of the person; ID 0 if nothing was
	key     string         // what the person is recognized by
	whole   map[string]any // what is known now: the record over what was kept
	in      mapping.Input
	out     mapping.Outcome
	rid     int64            // the user, 0 for none
	id      string           // the user's, if the source asserts it now
	display string           // the user's name
	last    *document.Object // what the source asserted of a user of which it doesn't any more
	taken   error            // why it can't be said who has a value
}

// settleMapped carries one record out by the source's rules, or settles why it
// wasn't. What it said is kept in any case. It says whether the person is in
// scope. An error is the transaction's.
func (b *batch) settleMapped(w *Writer, u *store.UploadRecord) (inScope bool, err error) {
	if u.Code != "" {
		u.Status, u.Action = store.UploadFailure, "other"
		return false, nil
	}
	b.sentBy(w, u)
	events := len(w.events)
	x := &mapped{b: b, w: w}
	if err = x.read(u); err == nil {
		err = x.recognize(u)
	}
	if err != nil && failUpload(u, err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var res Result
	err = w.Savepoint(func() (err error) {
		res, err = x.carryOut()
		return err
	})
	done := err == nil
	if !done && !failUpload(u, err) {
		return false, err
	}
	if err := x.keep(res, done); err != nil {
		return false, err
	}
	if done {
		x.describe(u, res, w.events[events:])
	}
	return x.out.InScope, nil
}

// carryOut does what the rules say. A person who leaves the scope is one whom the
// source deletes: nothing is deleted here that isn't disabled before, and the
// limits are asked (laws 2 and 9).
func (x *mapped) carryOut() (res Result, err error) {
	b, w, m := x.b, x.w, x.b.rules
	x.out.InScope = m.InScope(x.in)
	switch {
	case !x.out.InScope && x.id == "":
		return Result{}, nil
	case !x.out.InScope:
		return Result{}, w.Delete(b.t, x.id, nil)
	case x.id != "":
		var waits string
		var after *document.Object
		res, err = w.Modify(b.t, x.id, nil, Change{Apply: func(doc *document.Object) (err error) {
			after = doc
			waits, err = x.write(doc)
			return err
		}})
		if err == nil && waits != "" {
			err = b.awaitManager(w, after, waits, res)
		}
		return res, err
	}
	doc := &document.Object{}
	if x.last != nil {
		doc = x.last.Clone()
	}
	waits, err := x.write(doc)
	if err == nil {
		err = document.Require(b.t, doc)
	}
	if err == nil {
		res, err = w.Create(b.t, Input{Doc: doc})
	}
	if err == nil && waits != "" {
		err = b.awaitManager(w, doc, waits, res)
	}
	return res, err
}

// write changes a document to what the rules make of the record. It returns the
// manager whom nobody is yet, "" otherwise.
func (x *mapped) write(doc *document.Object) (waits string, err error) {
	x.in.Current = doc
	x.out = x.b.rules.Apply(x.in)
	if x.taken != nil {
		return "", x.taken
	}
	for _, p := range x.out.Problems {
		if p.Blocks {
			return "", &Violation{Rule: string(p.Code), Attribute: p.Target, Detail: sentence(p.Sentence), Way: "docs/mapping.md tells what each code means."}
		}
	}
	x.out.Write(doc)
	if x.out.Document.At(x.b.t.Manager) == nil {
		return "", nil
	}
	return x.b.resolveManager(x.w, doc)
}

// sentence makes a sentence of a problem's.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// describe tells in the row of a record what became of it.
func (x *mapped) describe(u *store.UploadRecord, res Result, events []store.Event) {
	if !x.out.InScope {
		x.describeLeft(u, events)
		return
	}
	x.b.describe(u, res, x.id != "", events)
	u.Display = loggable(firstNonempty(res.Record.Display, u.ExternalID))
	if len(x.out.Problems) == 0 || x.b.actor.staging() {
		return
	}
	var all []string
	for _, p := range x.out.Problems {
		all = append(all, p.Target+": "+sentence(p.Sentence))
	}
	u.Status, u.Code, u.Detail = store.UploadWarning, string(x.out.Problems[0].Code), loggable(strings.Join(all, " "))
}

func (x *mapped) describeLeft(u *store.UploadRecord, events []store.Event) {
	u.Status, u.Action, u.Code = store.UploadSkipped, "other", CodeOutOfScope
	u.Detail = "The scope of the source's rules leaves the record out."
	if x.id == "" {
		return
	}
	u.Subject, u.Status, u.Action = x.id, store.UploadSuccess, "disable"
	u.Detail = "The scope of the source's rules leaves the record out, so what the source asserted of the user ended. A user whom nobody else asserts is disabled, and deleted when the grace time has passed."
	for _, e := range events {
		if e.SubjectRID == x.rid && e.Outcome == OutcomeHeld {
			u.Action = "other"
			describeRecord(u, e)
		}
	}
	x.b.describeStaging(u, true)
}

// environment is what expressions may read besides the record.
func (x *mapped) environment() expression.Environment {
	return expression.Environment{Now: x.w.now, Random: rand.Reader}
}

// called is what people call the record in the log.
func (x *mapped) called(keys []mapping.Match) (externalID string) {
	externalID, _ = x.whole["externalId"].(string)
	return cmp.Or(externalID, keys[0].Value)
}
