package directory

import (
	"cmp"
	"strings"

	"github.com/workspace-scim/workspace/internal/mapping"
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

	again   bool            // it was said before: what is kept counts
	unread  error           // why it can't be read, nil if it can
	matches []mapping.Match // by what it may be recognized
	kept    store.Raw       // what was kept of the person; ID 0 if nothing was
	key     string          // what the person is recognized by
	whole   map[string]any  // what is known now: the record over what was kept
	in      mapping.Input
	out     mapping.Outcome
	rid     int64            // the user, 0 for none
	id      string           // the user's, if the source asserts it now
	last    *document.Object // what the source asserted of a user of which it doesn't any more
	taken   error            // why it can't be said who has a value
}

// readMapped reads what the records say, and announces whom they may be about.
func (b *batch) readMapped(w *Writer) error {
	b.mapped = make([]*mapped, len(b.records))
	var all []store.Identity
	for i, u := range b.records {
		x := b.newMapped(u)
		b.mapped[i] = x
		for _, m := range x.matches {
			if matchAttribute(b.t, m.Target) == b.t.ExternalID {
				all = append(all, store.Identity{Tenant: u.Tenant, Source: u.Source, Kind: b.t.Kind, ExternalID: m.Value})
			}
		}
	}
	return w.tx.Foresee(all)
}

// settle carries the record out, or settles why it wasn't. What it said is kept in
// any case. An error is the transaction's.
func (x *mapped) settle(w *Writer, u *store.UploadRecord) error {
	if u.Code != "" {
		u.Status, u.Action = store.UploadFailure, "other"
		return nil
	}
	x.w = w
	x.b.sentBy(w, u)
	events := len(w.events)
	err := x.unread
	if err == nil {
		err = x.recognize(u)
	}
	if err == nil && x.again && x.over() {
		u.Status, u.Action, u.Code = store.UploadSkipped, "other", CodeNoChange
		u.Detail = "The source deleted the user since, or what it said is forgotten."
		return nil
	}
	if err == nil {
		err = x.b.repeated(w, u)
	}
	if err != nil && failUpload(u, err) {
		return nil
	}
	if err != nil {
		return err
	}
	var res Result
	err = w.Savepoint(func() (err error) {
		res, err = x.carryOut()
		return err
	})
	done := err == nil
	if !done && !failUpload(u, err) {
		return err
	}
	if x.out.InScope || x.id == "" || !x.unknown() {
		if err := x.keep(res, done); err != nil {
			return err
		}
	}
	if done {
		if x.out.InScope {
			x.b.carried(u)
		}
		x.describe(u, res, w.events[events:])
	}
	return nil
}

// unknown says that too little is known to tell that a user is out of scope: nothing
// was kept, as of one whom the source made before it had rules, and the record
// doesn't name all that the scope reads.
func (x *mapped) unknown() bool { return x.kept.ID == 0 && !x.b.rules.KnowsScope(x.in) }

// over says that nothing is left of what was said before, or that the source has
// deleted the user: nobody but itself brings the user back.
func (x *mapped) over() bool {
	return x.kept.ID == 0 || x.kept.RID != 0 && x.kept.InScope && x.id == ""
}

// carryOut does what the rules say. A person who leaves the scope is one whom the
// source deletes: nothing is deleted here that isn't disabled before, and the
// limits are asked (laws 2 and 9).
func (x *mapped) carryOut() (res Result, err error) {
	b, w, m := x.b, x.w, x.b.rules
	x.out.InScope = m.InScope(x.in)
	switch {
	case !x.out.InScope && (x.id == "" || x.unknown()):
		return Result{}, nil // nobody leaves by what a record doesn't say (law 2)
	case !x.out.InScope:
		return x.leave()
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

// leave ends what the source asserts of a person. The result says who it was.
func (x *mapped) leave() (res Result, err error) {
	if res.Record.Resource, err = x.w.tx.Resource(x.b.actor.Tenant.ID, x.rid); err != nil {
		return res, err
	}
	events := len(x.w.events)
	err = x.w.Delete(x.b.t, x.id, nil)
	for i := events; i < len(x.w.events); i++ {
		if e := &x.w.events[i]; e.SubjectRID == x.rid && e.Detail == "" {
			e.Detail = CodeOutOfScope + ": the scope of the source's rules leaves the record out."
		}
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

// sentence makes a sentence of a problem's or an error's.
func sentence(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s + "."
}

// describe tells in the row of a record what became of it.
func (x *mapped) describe(u *store.UploadRecord, res Result, events []store.Event) {
	if !x.out.InScope {
		x.describeLeft(u, res, events)
		return
	}
	x.b.describe(u, res, x.id != "", events)
	u.Display = loggable(firstNonempty(res.Record.Display, u.ExternalID))
	if len(x.out.Problems) == 0 || x.b.actor.staging() {
		return
	}
	var all []string
	if u.Status == store.UploadWarning { // what is told already comes first
		all = append(all, u.Detail)
	} else {
		u.Status, u.Code = store.UploadWarning, string(x.out.Problems[0].Code)
	}
	for _, p := range x.out.Problems {
		all = append(all, p.Target+": "+p.Sentence+".")
	}
	u.Detail = loggable(strings.Join(all, " "))
}

func (x *mapped) describeLeft(u *store.UploadRecord, res Result, events []store.Event) {
	u.Status, u.Action, u.Code = store.UploadSkipped, "other", CodeOutOfScope
	u.Detail = "The scope of the source's rules leaves the record out."
	if x.id == "" {
		return
	}
	if x.unknown() {
		u.Subject, u.Code = x.id, CodeScopeUnknown
		u.Detail = "The source had the user before these rules, and the record doesn't name all that their scope reads, so it can't be told whether the user has left the scope. Nothing was changed: send a record that names it, with null for what is empty."
		return
	}
	u.Subject, u.Display, u.Status, u.Action = x.id, loggable(firstNonempty(res.Record.Display, u.Display)), store.UploadSuccess, "disable"
	u.Detail = "The scope of the source's rules leaves the record out, so what the source asserted of the user ended. A user whom nobody else asserts is disabled, and deleted when the grace time has passed."
	for _, e := range events {
		if e.SubjectRID == x.rid && e.Outcome == OutcomeHeld {
			u.Action = "other"
			describeRecord(u, e)
		}
	}
	x.b.describeStaging(u, true)
}

// called is what people call the record in the log.
func (x *mapped) called() string {
	externalID, _ := x.whole["externalId"].(string)
	return cmp.Or(externalID, x.matches[0].Value)
}
