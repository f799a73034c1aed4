package directory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The events of RFC 9967 §7.4 that are given. The log knows what changed and not
// by which method, so changed attributes are a patch in the form of a notice, and
// a put where the whole resource is given.
const (
	uriFeedAdd      = "urn:ietf:params:scim:event:feed:add"           // §2.3.1
	uriFeedRemove   = "urn:ietf:params:scim:event:feed:remove"        // §2.3.2
	uriCreateNotice = "urn:ietf:params:scim:event:prov:create:notice" // §2.4.1
	uriCreateFull   = "urn:ietf:params:scim:event:prov:create:full"
	uriPatchNotice  = "urn:ietf:params:scim:event:prov:patch:notice" // §2.4.2
	uriPatchFull    = "urn:ietf:params:scim:event:prov:patch:full"
	uriPutFull      = "urn:ietf:params:scim:event:prov:put:full"   // §2.4.3
	uriDelete       = "urn:ietf:params:scim:event:prov:delete"     // §2.4.4
	uriActivate     = "urn:ietf:params:scim:event:prov:activate"   // §2.4.5
	uriDeactivate   = "urn:ietf:params:scim:event:prov:deactivate" // §2.4.6
)

// AsyncResponseURI is the event that tells what became of a request that was
// carried out later (RFC 9967 §2.5.1.3).
const AsyncResponseURI = "urn:ietf:params:scim:event:misc:asyncresp"

// EventURIs gives the URIs of the security events that administrators, or
// sources, can have. A source gets no values: what it may read it reads.
func EventURIs(admin bool) []string {
	all := []string{uriFeedAdd, uriCreateNotice, uriPatchNotice, uriDelete, uriActivate, uriDeactivate, AsyncResponseURI}
	if admin {
		all = append(all, uriFeedRemove, uriCreateFull, uriPatchFull, uriPutFull)
	}
	slices.Sort(all)
	return all
}

// meaning is what an event of the log is to a stream.
type meaning struct {
	create, patch, members, remove bool
	activate, deactivate           bool
	added, removed                 bool // to and from the stream's resources
	// gone says that what became of the resource by the loss of a link has to be
	// seen from the resource.
	gone bool
}

func (f meaning) nothing() bool { return f == meaning{} }

// kindNamed gives the kind that types of events call so.
func kindNamed(name string) (schema.Kind, bool) {
	for kind, n := range kindNames {
		if n == name {
			return kind, true
		}
	}
	return 0, false
}

// meaningOf says what an event means to a stream. link is that of the source whose
// resources the stream is limited to, nil if it has none.
func meaningOf(x store.Stream, e store.Event, link *store.Link) meaning {
	name, what, _ := strings.Cut(e.Type, ".")
	kind, known := kindNamed(name)
	if !known || e.Subject == "" || e.SubjectRID == 0 {
		return meaning{}
	}
	if x.Source != 0 {
		return sourceMeaning(what, e, x.Source, link)
	}
	limited := x.Subjects != 0
	own := limited && e.Source == x.Subjects
	if e.Outcome != OutcomeApplied || limited && (link == nil || !link.State.Live() && !own) {
		return meaning{}
	}
	f := resolvedMeaning(what, kind)
	f.added, f.removed = own && what == "linked", own && what == "deleted"
	return f
}

// resolvedMeaning is what an event means in the resolved view.
func resolvedMeaning(what string, kind schema.Kind) meaning {
	user := kind == schema.User
	switch what {
	case "created":
		return meaning{create: true}
	case "revived":
		return meaning{create: true, activate: user}
	case "updated", "linked":
		return meaning{patch: true}
	case "enabled":
		return meaning{patch: true, activate: true}
	case "disabled":
		return meaning{patch: true, deactivate: true}
	case "membersChanged":
		return meaning{members: true}
	case "deleted":
		return meaning{gone: true}
	case "softDeleted":
		return meaning{remove: true}
	case "assigned", "revoked", "purged":
		return meaning{} // of a user who has an item; of nobody any more
	}
	// What else befalls a resource of our own, such as the line of an order.
	return meaning{patch: kind != schema.User && kind != schema.Group}
}

// sourceMeaning is what an event means to a source, which sees what it asserted
// itself, and that others changed something about the same resource.
func sourceMeaning(what string, e store.Event, source int64, link *store.Link) meaning {
	own := e.Source == source
	switch {
	case link == nil:
		return meaning{}
	case !own && (!link.State.Live() || e.Outcome != OutcomeApplied):
		return meaning{}
	case own && e.Outcome != OutcomeApplied && e.Outcome != OutcomeNotAuthoritative:
		return meaning{}
	}
	switch what {
	case "created", "held", "revived":
		return meaning{create: own}
	case "linked":
		return meaning{create: own, added: own}
	case "updated", "enabled", "disabled":
		f := meaning{patch: true}
		if own {
			f.activate, f.deactivate = saysActive(e)
		}
		return f
	case "membersChanged":
		// By another authority no members change that the source itself asserts.
		return meaning{members: !own || e.Reason != reasonAuthority}
	case "deleted":
		return meaning{remove: own}
	}
	return meaning{}
}

// saysActive says whether an event sets active, and to what.
func saysActive(e store.Event) (activate, deactivate bool) {
	var before, after struct{ Active *bool }
	if json.Unmarshal(orEmpty(e.Before), &before) != nil || json.Unmarshal(orEmpty(e.After), &after) != nil {
		return false, false
	}
	was := before.Active == nil || *before.Active
	is := after.Active == nil || *after.Active
	return is && !was, was && !is
}

func orEmpty(doc []byte) []byte {
	if doc == nil {
		return []byte("{}")
	}
	return doc
}

// attributesOf are the paths of the attributes that an event changed, sorted.
func attributesOf(e store.Event) []string {
	paths := map[string]bool{}
	for _, doc := range [][]byte{e.Before, e.After} {
		var o map[string]json.RawMessage
		if json.Unmarshal(orEmpty(doc), &o) == nil {
			for path := range o {
				paths[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}
