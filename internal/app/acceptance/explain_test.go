package acceptance_test

import (
	"slices"
	"strings"
	"testing"
)

// told is an explanation: its steps as "step code", and what each says.
type told struct {
	t     *testing.T
	codes []string
	steps []object
}

// why asks why a user has a group, an item, a product or an order, or hasn't. It
// changes nothing.
func (n *tenant) why(user, target string) told {
	n.t.Helper()
	x := told{t: n.t}
	n.unchanged(n.t, func() {
		all, _ := n.api("GET", "/explain?subject="+user+"&target="+target, nil).status(200).at("steps").(list)
		for _, e := range all {
			o := e.(object)
			x.codes = append(x.codes, o["step"].(string)+" "+o["code"].(string))
			x.steps = append(x.steps, o)
		}
	})
	return x
}

// chain sees to it that these steps are told, in this order, and gives the last.
func (x told) chain(want ...string) (last object) {
	x.t.Helper()
	at := 0
	for _, w := range want {
		i := slices.Index(x.codes[at:], w)
		if i < 0 {
			x.t.Fatalf("%q isn't told after %d steps of %q", w, at, x.codes)
		}
		at += i + 1
	}
	return x.steps[at-1]
}

// says sees to it that a text of a step holds a part.
func (x told) says(step object, name, part string) {
	x.t.Helper()
	if text, _ := step[name].(string); !strings.Contains(text, part) {
		x.t.Errorf("%v: %s lacks %q", step, name, part)
	}
}

func (x told) value(step object, name string, want any) {
	x.t.Helper()
	same(x.t, name, plain(x.t, step["values"].(object)[name]), plain(x.t, want))
}

// Row E074: the whole way of an order, from its refusal to its end.
func TestE074AProductIsExplained(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		fits := s.product("Fits", s.cloud)
		p := s.admin.create("/CatalogProducts", object{"displayName": "Visio", "groups": refs(s.local, s.synced), "alternatives": refs(fits)})

		// Never ordered: what would be.
		x := s.why(s.hybrid, p)
		x.value(x.chain("import asserted", "match created", "link linked", "authority presence", "rule compatible", "rule compatible", "outcome notOrdered"), "wouldBe", "complete")
		x.value(x.chain("authority presence"), "presence", list{"ad", "entra"})

		// Blocked: which rule, whose group, what would have to change.
		s.order(p, s.inCloud).refused(409, "incompatibleGroups")
		x = s.why(s.inCloud, p)
		refused := x.chain("resolve refused")
		x.value(refused, "reason", "incompatibleGroups")
		rule := x.chain("authority presence", "resolve refused", "rule cloudUserOnPremGroup")
		x.value(rule, "authority", "ad")
		x.value(rule, "target", s.local)
		x.says(rule, "way", "Give the user an account in ad")
		outcome := x.chain("rule cloudUserDirectorySyncedGroup", "outcome notOrdered")
		x.value(outcome, "wouldBe", "blocked")
		x.value(outcome, "alternatives", list{object{"id": fits, "display": "Fits"}})
		x.says(outcome, "way", "Fits")
		if other := s.why(s.inCloud, fits); slices.Contains(other.codes, "resolve refused") {
			t.Errorf("the refusal of another product: %q", other.codes)
		}

		// Ordered, and waiting for the directory.
		id := s.order(p, s.onPrem).status(201).text("id")
		x = s.why(s.onPrem, p)
		line := x.chain("resolve order", "resolve pendingExport", "resolve pendingExport", "rule compatible", "outcome complete")
		x.value(line, "pendingExport", 2)
		x.value(x.chain("resolve order"), "order", id)
		x.says(x.chain("resolve pendingExport"), "way", "Add-ADGroupMember -Identity '"+guid(2)+"'")

		// The directory did one, and the order is cancelled.
		s.ad.patch("/Groups/"+s.local, op("add", "members", refs(s.onPrem))).status(204)
		s.why(s.onPrem, p).chain("resolve order", "resolve granted", "resolve pendingExport", "outcome complete")
		s.admin.patch("/Orders/"+id, op("replace", "state", "cancelled")).status(200)
		s.why(s.onPrem, p).chain("resolve order", "rule compatible", "outcome notOrdered")
		x = s.why(s.onPrem, id)
		x.says(x.chain("resolve order", "resolve cancelled", "resolve cancelled", "outcome cancelled"), "sentence", "gives nothing any more")
		s.admin.delete("/Orders/" + id).status(204)
		s.why(s.onPrem, id).chain("resolve order", "outcome deleted")
		s.admin.delete("/CatalogProducts/" + p).status(204)
		s.why(s.onPrem, p).chain("outcome productGone")
	})
}

// Rows E074 and H037: what an order left out, by its own verdict, and what the
// rules say now.
func TestE074AnOrderIsExplainedLineByLine(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		item := s.admin.create("/WorkspaceItems", object{"displayName": "Mail"})
		p := s.admin.create("/CatalogProducts", object{"displayName": "Visio", "groups": refs(s.local, s.own), "items": refs(item)})
		id := s.order(p, s.inCloud).status(201).is("state", "partial").text("id")
		x := s.why(s.inCloud, id)
		skipped := x.chain("resolve order", "resolve skipped", "resolve granted", "resolve granted", "rule cloudUserOnPremGroup", "rule compatible", "rule compatible", "outcome partial")
		x.value(skipped, "skipped", 1)
		skipped = x.chain("resolve skipped")
		x.value(skipped, "reason", "cloudUserOnPremGroup")
		x.says(skipped, "way", "account in ad")

		// Carla gets an account on-premises: the rule says so before the line does.
		s.entra.patch("/Users/"+s.inCloud, op("add", workspaceURN+":originAnchor", guid(9))).status(200)
		s.ad.create("/Users", user("cloud@contoso.com", workspaceURN, object{"originAnchor": guid(9)}))
		x = s.why(s.inCloud, id)
		x.says(x.chain("match joinedByAnchor", "resolve skipped", "rule compatible", "outcome partial"), "way", "left out")
		x.says(x.chain("rule compatible"), "way", "Add-ADGroupMember")
		s.ad.patch("/Groups/"+s.local, op("add", "members", refs(s.inCloud))).status(204)
		x = s.why(s.inCloud, id)
		x.value(x.chain("resolve granted", "resolve granted", "resolve granted", "outcome complete"), "granted", 3)

		s.api("GET", "/explain?subject="+s.inCloud+"&target="+s.manual, nil).status(400)
		s.api("GET", "/explain?subject="+s.manual+"&target="+id, nil).status(400).is("detail", "The order isn't for this user.")
		s.api("GET", "/explain?subject="+s.local+"&target="+p, nil).status(400).is("detail", "Only users are given products.")
	})
}

// Row E074: why somebody is in a group, or isn't, where orders have a part in it.
func TestE074AGroupOfAnOrderIsExplained(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.local, s.own)
		id := s.order(p, s.onPrem).status(201).text("id")

		// The workspace's group: the order is the reason.
		x := s.why(s.onPrem, s.own)
		reason := x.chain("import added", "authority groupAuthority", "resolve reason", "resolve order", "resolve granted", "rule compatible", "outcome member")
		x.value(reason, "authority", "workspace")
		x.value(x.chain("resolve reason"), "reason", "order")
		x.value(x.chain("resolve reason"), "cause", id)
		x.value(x.chain("import added"), "reason", "ordered")
		if slices.Contains(x.codes, "resolve pendingExport") {
			t.Errorf("another line of the order is told: %q", x.codes)
		}

		// The directory's: ordered, and not yet a member.
		x = s.why(s.onPrem, s.local)
		x.says(x.chain("authority groupAuthority", "resolve order", "resolve pendingExport", "rule compatible", "outcome notMember"), "way", "Add-ADGroupMember")

		// No order, and no chance of one.
		x = s.why(s.inCloud, s.local)
		rule := x.chain("rule cloudUserOnPremGroup", "outcome notMember")
		x.says(rule, "way", "doesn't know the User")
		x.says(x.chain("rule cloudUserOnPremGroup"), "way", "Give the user an account in ad")
		if slices.Contains(x.codes, "resolve order") {
			t.Errorf("another user's order is told: %q", x.codes)
		}

		s.admin.patch("/Orders/"+id, op("replace", "state", "cancelled")).status(200)
		x = s.why(s.onPrem, s.own)
		x.value(x.chain("import removed", "resolve order", "resolve cancelled", "outcome notMember"), "authority", "workspace")
		x.value(x.chain("import removed"), "reason", "orderEnded")
		x = s.why(s.onPrem, s.local)
		x.says(x.chain("resolve cancelled", "outcome notMember"), "way", "Add the member in ad")
	})
}
