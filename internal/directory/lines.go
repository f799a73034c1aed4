package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The states of a line of an order.
const (
	LineGranted   = "granted"
	LinePending   = "pendingExport"
	LineSkipped   = "skipped"
	LineCancelled = "cancelled"
)

// Codes of lines about items.
const (
	ItemMissing   = "itemMissing"   // the product names an item that is gone
	itemInStep    = "sourceManaged" // the item's users are the members of its group
	inStep        = "on"            // of keepInSync
	compatible    = "compatible"
	notCompatible = "incompatible"
)

// Line is what a product brings to a user in one place: a group or an item.
type Line struct {
	ID, Type, Display      string // Type is the resource type's name
	Compatible             bool
	Reason, Detail, WayOut string // the code, and sentences; "" for none
	Command                string // the directory command, "" for none
	State                  string // one of the Line constants

	res store.Resource // zero for what is gone for ever
}

// Lines are those of one product for one user.
type Lines []Line

// Blocked says whether the product has groups and the user fits none.
func (l Lines) Blocked() bool {
	fits, groups := l.groups()
	return groups > 0 && fits == 0
}

// Warned says whether the user fits some of the groups and not all.
func (l Lines) Warned() bool {
	fits, groups := l.groups()
	return fits > 0 && fits < groups
}

func (l Lines) groups() (fits, all int) {
	for _, x := range l {
		if x.Type == "Group" {
			all++
			if x.Compatible {
				fits++
			}
		}
	}
	return fits, all
}

// Whole says whether nothing is left out for being incompatible.
func (l Lines) Whole() bool {
	return !slices.ContainsFunc(l, func(x Line) bool { return !x.Compatible && x.State == LineSkipped })
}

// Fingerprint is what the verdicts come to, 32 hex digits: another verdict, or
// another line, is another fingerprint.
func (l Lines) Fingerprint() string {
	h := sha256.New()
	for _, x := range l {
		fmt.Fprintf(h, "%s %t %s\n", x.ID, x.Compatible, x.Reason)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// lines judges what a product brings to a person. targets are its groups and
// items by their ids.
func (a *assessor) lines(product sketch, p person, targets map[string]store.Resource) (Lines, error) {
	var out Lines
	for _, ref := range product.Groups {
		x, err := a.groupLine(ref, p, targets[ref.Value])
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	for _, ref := range product.Items {
		x, err := itemLine(ref, targets[ref.Value])
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func (a *assessor) groupLine(ref pointedAt, p person, res store.Resource) (Line, error) {
	x := Line{ID: ref.Value, Type: "Group", Display: ref.Display, State: LineSkipped, res: res}
	g, err := a.group(res)
	if err != nil {
		return x, err
	}
	v := reconcile.Compatible(p.is, g)
	x.Compatible, x.Reason, x.Detail, x.WayOut = v.Compatible(), v.Code, v.Detail, v.WayOut
	if g.Exists {
		x.Display = res.Display
	}
	switch {
	case p.in[res.RID], x.Compatible && g.Authority.Kind == store.SourceWorkspace:
		x.State = LineGranted
	case x.Compatible:
		x.State = LinePending
		x.Command, err = a.command(p, res, g)
		x.WayOut = "Add the user to the group in " + sourceName(g.Authority) + "; the line closes when its synchronisation brings the membership."
		if x.Command == "" {
			x.WayOut += " There is no command for it: not all is known here by what the directory calls the two, or it takes another tool."
		}
	}
	return x, err
}

func sourceName(s store.Source) string { return firstNonempty(s.DisplayName, s.Name) }

func itemLine(ref pointedAt, res store.Resource) (Line, error) {
	x := Line{ID: ref.Value, Type: "WorkspaceItem", Display: ref.Display, State: LineSkipped, res: res}
	if !res.State.Visible() {
		x.Reason, x.Detail, x.WayOut = ItemMissing, "The item isn't there any more.", "Put another item in its place."
		return x, nil
	}
	item, err := sketchOf(res.Doc)
	if err != nil {
		return x, err
	}
	x.Display, x.Compatible = res.Display, true
	if item.KeepInSync == inStep {
		x.Reason, x.Detail = itemInStep, "The item is kept in step with its group, so it comes with the membership."
		x.WayOut = "Add the user to the group " + firstNonempty(item.Group.Display, item.Group.Value) + "."
		return x, nil
	}
	x.State = LineGranted
	return x, nil
}

// write fills the lines, and what follows from them, into an order.
func (l Lines) write(t *schema.ResourceType, doc *document.Object) {
	lines, warnings := t.Root.Sub("lines"), t.Root.Sub("warnings")
	var list document.List
	for _, x := range l {
		list = append(list, x.object(lines))
	}
	doc.Set(lines, list)
	doc.Set(t.Root.Sub("fingerprint"), l.Fingerprint())
	if !l.Warned() {
		return
	}
	w := &document.Object{}
	w.Set(warnings.Sub("code"), RuleIncompatible)
	w.Set(warnings.Sub("title"), "Incompatible group membership")
	w.Set(warnings.Sub("detail"), "The user may not be added to some of the groups of this product: "+l.misfits()+". The order can still be placed; these groups are left out.")
	doc.Set(warnings, document.List{w})
}

// misfits names the first groups that the user doesn't fit.
func (l Lines) misfits() string {
	const most = 5
	var names []string
	for _, x := range l {
		if x.Type == "Group" && !x.Compatible {
			names = append(names, document.Truncate(firstNonempty(x.Display, x.ID), 100))
		}
	}
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}

func (x Line) object(a *schema.Attribute) *document.Object {
	o := &document.Object{}
	verdict := compatible
	if !x.Compatible {
		verdict = notCompatible
	}
	for name, v := range map[string]string{
		"value": x.ID, "type": x.Type, "display": x.Display, "verdict": verdict, "reason": x.Reason,
		"detail": x.Detail, "wayOut": x.WayOut, "command": x.Command, "state": x.State,
	} {
		if v != "" {
			o.Set(a.Sub(name), v)
		}
	}
	return o
}
