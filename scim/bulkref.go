package scim

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
)

// bulkIDPrefix leads a reference to a resource of the same bulk request
// (RFC 7644 §3.7.2).
const bulkIDPrefix = "bulkId:"

// deferred is a reference that was left out to break a circle.
type deferred struct {
	op     *bulkOp
	ref    string
	member bool    // of members; else the manager
	made   outcome // of op, without the reference
}

// findRefs gives the bulkIds that JSON data refers to.
func findRefs(data jsontext.Value) ([]string, error) {
	if !bytes.Contains(data, []byte(bulkIDPrefix)) {
		return nil, nil
	}
	var refs []string
	_, err := rewriteRefs(data, func(ref string) string {
		refs = append(refs, ref)
		return ""
	})
	return refs, err
}

// rewriteRefs replaces each string "bulkId:x" by what known gives for x; ""
// leaves it.
func rewriteRefs(data jsontext.Value, known func(ref string) string) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	for {
		tok, err := dec.ReadToken()
		if err == io.EOF {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, document.SyntaxError(err)
		}
		if tok.Kind() == '"' {
			if ref, ok := strings.CutPrefix(tok.String(), bulkIDPrefix); ok {
				if id := known(ref); id != "" {
					tok = jsontext.String(id)
				}
			}
		}
		if err := enc.WriteToken(tok); err != nil {
			return nil, document.SyntaxError(err)
		}
	}
}

// substitute puts the ids of the resources that bulkIds became into an
// operation's data. References that are not known are an error, or, in an
// operation that breaks a circle, left out and remembered.
func (b *bulkRun) substitute(op *bulkOp) error {
	if len(op.refs) == 0 || op.method == http.MethodDelete {
		return nil
	}
	for _, ref := range op.refs {
		if b.ids[ref] == "" && !b.comes(op, ref) {
			return errUnresolved(ref)
		}
	}
	data, err := rewriteRefs(op.data, func(ref string) string { return b.ids[ref] })
	if err != nil {
		return err
	}
	r := *b.r
	// What there was to declare was declared when the operation was prepared.
	r.t, r.dialect, r.frozen = op.t, b.r.dialect.Without(dialect.CustomAttribute), true
	if err := op.read(&r, data); err != nil {
		return err
	}
	if op.cut && op.method == http.MethodPost {
		op.leaveOut()
	}
	return nil
}

// comes says whether a reference may be added later: op breaks a circle, and the
// target has not failed.
func (b *bulkRun) comes(op *bulkOp, ref string) bool {
	target := b.msg.byBulkID[ref]
	return op.cut && op.method == http.MethodPost && target != nil && (!target.done || target == op)
}

// leaveOut takes the references that are still bulkIds out of the input.
func (op *bulkOp) leaveOut() {
	in := &op.input
	members := in.Members[:0:0]
	for _, m := range in.Members {
		if ref, ok := strings.CutPrefix(m, bulkIDPrefix); ok {
			op.cutRefs = append(op.cutRefs, deferred{op: op, ref: ref, member: true})
			continue
		}
		members = append(members, m)
	}
	in.Members = members
	if op.t.Manager != nil {
		if m, ok := in.Doc.At(op.t.Manager).(*document.Object); ok {
			v, _ := m.Get(op.t.Manager.Value()).(string)
			if ref, ok := strings.CutPrefix(v, bulkIDPrefix); ok {
				op.cutRefs = append(op.cutRefs, deferred{op: op, ref: ref})
				in.Doc.SetAt(op.t.Manager, nil)
			}
		}
	}
}

// addLater adds the references that were left out. Where a target has failed,
// the operation that referred to it is undone and fails too.
func (b *bulkRun) addLater(w *directory.Writer) {
	for _, d := range b.later {
		d.op.outcome = d.made // a former run of the transaction may have changed it
	}
	for _, d := range b.later {
		if d.op.failure != nil {
			continue
		}
		err := w.Savepoint(func() error { return b.add(w, d) })
		if err == nil {
			continue
		}
		b.failed++
		if undo := w.Savepoint(func() error { return w.Delete(d.op.t, d.op.id, nil) }); undo != nil {
			d.op.leftOpen([]string{quoteRef(d.ref)}, err, undo)
			continue
		}
		d.op.fail(err)
	}
}

// leaveOpen notes that addLater failed as a whole: the operations before it
// stand, and those that lack a reference have to tell it.
func (b *bulkRun) leaveOpen(err error) {
	lacks := map[*bulkOp][]string{}
	for _, d := range b.later {
		d.op.outcome = d.made
		lacks[d.op] = append(lacks[d.op], quoteRef(d.ref))
	}
	for op, refs := range lacks {
		op.leftOpen(refs, err)
	}
}

func (b *bulkRun) add(w *directory.Writer, d deferred) error {
	id := b.ids[d.ref]
	if id == "" {
		return errUnresolved(d.ref)
	}
	change := directory.Change{Members: []directory.MemberOp{{Add: []string{id}}}}
	if !d.member {
		t := d.op.t
		change = directory.Change{Apply: func(doc *document.Object) error {
			m := &document.Object{}
			m.Set(t.Manager.Value(), id)
			doc.SetAt(t.Manager, m)
			return nil
		}}
	}
	res, err := w.Modify(d.op.t, d.op.id, nil, change)
	if err == nil {
		d.op.versionNow = res.Record.Version
	}
	return err
}

// resolveID turns bulkId:x in a path into the id of what it became.
func (b *bulkRun) resolveID(id string) (string, error) {
	ref, ok := strings.CutPrefix(id, bulkIDPrefix)
	if !ok {
		return id, nil
	}
	if known := b.ids[ref]; known != "" {
		return known, nil
	}
	return "", errUnresolved(ref)
}

func errUnresolved(ref string) error {
	// RFC 7644 §3.7.1: what can't be resolved is 409.
	return errScim(http.StatusConflict, scimerrors.ScimTypeInvalidValue,
		"The bulkId %s stands for no resource: there is no such operation, or it failed.", quoteRef(ref))
}

// quoteRef makes a bulkId fit for a message.
func quoteRef(ref string) string { return strconv.Quote(document.Truncate(ref, 64)) }
