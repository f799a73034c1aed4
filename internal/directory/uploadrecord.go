package directory

import (
	"errors"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The codes of records that aren't those of rules.
const (
	// CodeNoChange says that the record says what is so already, CodeOutOfScope that
	// rules don't bring it, CodeScopeUnknown that it doesn't say enough to tell.
	CodeNoChange     = "noChange"
	CodeOutOfScope   = "outOfScope"
	CodeScopeUnknown = "scopeUnknown"

	codeStaging  = "staging"          // the source is in staging: nothing was written
	codeNotOwner = "notAuthoritative" // kept, and another source's values stay
)

// The rules of matching uploads.
const (
	RuleMatchMissing   = "matchMissing"   // the record lacks the attribute by which users are matched
	RuleMatchAmbiguous = "matchAmbiguous" // several users of the source have it
)

// read reads what the records say, and announces it. What can't be read is
// settled as failed.
func (b *batch) read(w *Writer) error {
	b.said = make([]*document.Object, len(b.records))
	var docs []*document.Object
	for i := range b.records {
		u := &b.records[i]
		if u.Code != "" {
			u.Status, u.Action = store.UploadFailure, "other"
			if u.Code == CodeOutOfScope {
				u.Status = store.UploadSkipped
			}
			why := u.Detail
			_, _ = b.decode(u) // it says who that is, as far as it can be read
			u.Detail = why
			continue
		}
		said, err := b.decode(u)
		if err != nil {
			if !failUpload(u, err) {
				return err
			}
			continue
		}
		b.said[i] = said
		docs = append(docs, said)
	}
	return w.Foresee(b.t, docs...)
}

// decode reads a record as SCIM reads a body, without what is empty.
func (b *batch) decode(u *store.UploadRecord) (*document.Object, error) {
	repair := dialect.New(b.d.repaired)
	got, err := document.Decode(b.t, u.Data, repair)
	if err != nil {
		return nil, err
	}
	if err := repair.Schemas(b.t, got.Schemas); err != nil {
		return nil, err
	}
	said := got.Object
	dropEmpty(said)
	u.ExternalID, u.Display = loggable(said.Text(b.t.ExternalID)), loggable(firstNonempty(said.Text(b.t.DisplayName), said.Text(b.t.UserName)))
	if told := ignored(got); told != "" {
		u.Detail = loggable(told)
	}
	return said, nil
}

// ignored tells what of a record has no place in a user, "" for nothing.
func ignored(got *document.Decoded) string {
	var all, undeclared []string
	for _, c := range got.Undeclared {
		undeclared = append(undeclared, c.URN+":"+c.Name)
	}
	if len(undeclared) > 0 {
		all = append(all, "Ignored, because no administrator declared it: "+strings.Join(undeclared, ", ")+".")
	}
	if len(got.Unknown) > 0 {
		all = append(all, "Ignored, because users have no such attribute: "+strings.Join(got.Unknown, ", ")+".")
	}
	return strings.Join(all, " ")
}

// maxLogged bounds the texts of a record's row.
const maxLogged = 1000

// loggable makes a text of a client fit for the row of a record.
func loggable(s string) string {
	return document.Truncate(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD"), maxLogged)
}

// settleOne carries one record out, or settles why it wasn't. An error is the
// transaction's.
func (b *batch) settleOne(w *Writer, u *store.UploadRecord, said *document.Object) error {
	if said == nil {
		return nil // read has settled it
	}
	b.sentBy(w, u)
	events := len(w.events)
	var res Result
	var known bool
	err := w.Savepoint(func() (err error) {
		if err := b.repeated(w, u); err != nil {
			return err
		}
		res, known, err = b.apply(w, said, b.files[u.Run])
		return err
	})
	if err != nil && failUpload(u, err) {
		return nil
	}
	if err != nil {
		return err
	}
	b.carried(u)
	b.describe(u, res, known, w.events[events:])
	return nil
}

// sentBy makes the writer act for who sent a record, by which request (row W016).
func (b *batch) sentBy(w *Writer, u *store.UploadRecord) {
	w.actor.Token, w.actor.Txn, w.actor.Run = u.Actor, u.Txn, u.Run
}

// describe tells in the row of a record what became of it.
func (b *batch) describe(u *store.UploadRecord, res Result, known bool, events []store.Event) {
	u.Subject = res.Record.ID
	u.Status, u.Action = store.UploadSuccess, "update"
	if !known {
		u.Action = "create"
	}
	if !res.Changed {
		u.Status, u.Action, u.Code = store.UploadSkipped, "other", CodeNoChange
		u.Detail = firstNonempty(u.Detail, "The user is as the record says already.")
	}
	for _, e := range events {
		if e.SubjectRID == res.Record.RID {
			describeRecord(u, e)
		}
	}
	if u.Code != CodeNoChange {
		b.describeStaging(u, known)
	}
}

// describeStaging tells in the row of a record that nothing was written.
func (b *batch) describeStaging(u *store.UploadRecord, known bool) {
	if !b.actor.staging() {
		return
	}
	u.Status, u.Code, u.Detail = store.UploadSkipped, codeStaging, "The source is in staging: this is pending, and nothing was changed."
	if !known {
		u.Subject = "" // it was never made
	}
}

// describeRecord tells in the row of a record what an event of its user says.
func describeRecord(u *store.UploadRecord, e store.Event) {
	switch {
	case strings.HasSuffix(e.Type, ".disabled") && e.Outcome != OutcomeHeld:
		u.Action = "disable"
	case strings.HasSuffix(e.Type, ".held"):
		u.Status, u.Code = store.UploadWarning, RuleManualAccount
		u.Detail = "An account made by hand has this userName; the user is kept aside until an administrator decides."
	case e.Outcome == OutcomeHeld:
		u.Status, u.Code = store.UploadWarning, e.Reason
		u.Detail = loggable("What the record destroys waits for an administrator. " + e.Detail)
	case e.Outcome == OutcomeNotAuthoritative:
		u.Status, u.Code = store.UploadWarning, codeNotOwner
		u.Detail = "The record is kept; another source is the user's authority, and its values stay."
	}
}

// failUpload settles a record as refused, if that is what the error says.
func failUpload(u *store.UploadRecord, err error) bool {
	var v *Violation
	var s scimerrors.ScimError
	switch {
	case errors.As(err, &v):
		u.Code, u.Detail = v.Rule, loggable(v.Error())
	case errors.As(err, &s):
		u.Code, u.Detail = firstNonempty(string(s.ScimType), RuleInvalid), loggable(s.Detail)
	default:
		return false
	}
	u.Status, u.Action = store.UploadFailure, "other"
	return true
}

// apply creates the user that a record is about, or changes what differs
// (row E006).
// An empty cell of a row of a file says nothing, whatever the policy is.
func (b *batch) apply(w *Writer, said *document.Object, row bool) (res Result, known bool, err error) {
	waits, err := b.resolveManager(w, said)
	if err != nil {
		return Result{}, false, err
	}
	id, err := b.find(w, said)
	if err != nil {
		return Result{}, false, err
	}
	if known = id != ""; known {
		res, err = w.Modify(b.t, id, nil, Change{Apply: func(doc *document.Object) error {
			if b.actor.Source.Policies.ClearOmitted && !row {
				clearOmitted(b.t, doc, said)
			}
			merge(doc, said)
			return nil
		}})
	} else if err = document.Require(b.t, said); err == nil {
		res, err = w.Create(b.t, Input{Doc: said})
	}
	if err == nil && waits != "" {
		err = b.awaitManager(w, said, waits, res)
	}
	return res, known, err
}

// find gives the id of the user of the source that a record is about, "" for
// none (row E063).
func (b *batch) find(w *Writer, said *document.Object) (string, error) {
	by := b.d.UploadMatch(b.t, b.actor.Source)
	text := said.Text(by)
	if text == "" {
		return "", &Violation{
			Rule: RuleMatchMissing, Attribute: by.Path, Detail: "The record has no " + by.Path + ", by which the users of this source are matched.",
			Way: "Send it, or change the source's policy match.",
		}
	}
	id, _, err := b.findOne(w, by, text)
	return id, err
}

// findOne gives the id and the number of the user of the source in which an
// attribute has the value, "" for none.
func (b *batch) findOne(w *Writer, by *schema.Attribute, text string) (id string, rid int64, err error) {
	if by != b.t.ExternalID {
		return b.findBy(w, by, text)
	}
	l, err := w.tx.FindExternalID(b.actor.Source.ID, b.t.Kind, text)
	if err != nil || !l.State.Live() {
		return "", 0, ignoreNotFound(err) // one that was deleted is revived by Create
	}
	ids, err := w.tx.IDs(b.actor.Tenant.ID, []int64{l.RID})
	return ids[l.RID], l.RID, err
}

// findBy finds the user in whose document, as the source asserts it, an
// attribute has the value.
func (b *batch) findBy(w *Writer, by *schema.Attribute, text string) (id string, found int64, err error) {
	rids, err := w.tx.Referrers(b.actor.Tenant.ID, by.Index, by.Key(text))
	if err != nil {
		return "", 0, err
	}
	for _, rid := range rids {
		res, err := w.tx.Resource(b.actor.Tenant.ID, rid)
		if err != nil {
			return "", 0, err
		}
		s, err := w.load(b.t, res)
		if err != nil {
			return "", 0, err
		}
		p := s.of(b.actor.Source.ID)
		if p == nil || !p.link.State.Live() || by.Key(p.doc.Text(by)) != by.Key(text) {
			continue
		}
		if id != "" {
			return "", 0, &Violation{
				Rule: RuleMatchAmbiguous, Attribute: by.Path, Detail: "Several users of this source have this " + by.Path + ".",
				Way: "Match by another attribute, or make the values differ.",
			}
		}
		id, found = res.ID, rid
	}
	return id, found, nil
}

// UploadMatch gives the attribute by which the uploaded records of a source are
// matched with its users.
func (d *Directory) UploadMatch(t *schema.ResourceType, s store.Source) *schema.Attribute {
	if a := matchAttribute(t, s.Policies.Match); a != nil {
		return a
	}
	return t.ExternalID
}

// matchAttribute gives the attribute of users that a policy names, by its path
// or, in an extension of the standard or ours, by its name alone; nil for one
// that can't be matched: it must be a single text that is indexed.
func matchAttribute(t *schema.ResourceType, name string) *schema.Attribute {
	for _, parent := range append([]*schema.Attribute{t.Root}, t.Extensions...) {
		for _, a := range parent.Subs {
			named := strings.EqualFold(a.Path, name) || strings.EqualFold(a.Name, name) && a.Index < schema.CustomIndex
			if named && a.Index > 0 && a.Type == schema.String && !a.MultiValued {
				return a
			}
		}
	}
	return nil
}
