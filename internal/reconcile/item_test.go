package reconcile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Of the rules that an item breaks the first one is named, in the order in which
// an administrator would mend them.
func TestTheFirstRuleThatIsBrokenIsNamed(t *testing.T) {
	fit := reconcile.Item{Audience: "customer", Mode: "private", CreateGroup: true, Provider: "ad", Group: "g"}
	for _, c := range []struct {
		change    func(*reconcile.Item)
		authority store.SourceKind
		want      string
	}{
		{func(*reconcile.Item) {}, store.SourceAD, ""},
		{func(i *reconcile.Item) { i.Mode = "shared" }, store.SourceAD, ""},
		{func(i *reconcile.Item) { *i = reconcile.Item{Mode: "groupless", Audience: "customerOnly"} }, "", reconcile.RuleGroupless},
		{func(i *reconcile.Item) { i.Audience, i.CreateGroup = "customerOnly", false }, store.SourceAD, reconcile.RuleCustomerOnly},
		{func(i *reconcile.Item) { i.CreateGroup, i.Group = false, "" }, "", reconcile.RuleCreateGroupDisabled},
		{func(i *reconcile.Item) { i.Group = "" }, "", reconcile.RuleNoGroup},
		{func(i *reconcile.Item) { i.Provider = "entra" }, "", reconcile.RuleSourceGroupNotFound},
		{func(i *reconcile.Item) { i.Provider = "entra" }, store.SourceAD, reconcile.RuleProviderMismatch},
		{func(i *reconcile.Item) { i.Provider = "" }, store.SourceWorkspace, reconcile.RuleProviderMismatch},
		{func(*reconcile.Item) {}, store.SourceEntra, reconcile.RuleProviderMismatch},
		{func(*reconcile.Item) {}, store.SourceWorkspace, reconcile.RuleProviderMismatch},
	} {
		i := fit
		c.change(&i)
		if got := reconcile.Unfit(i, c.authority); got != c.want {
			t.Errorf("%+v of %q: %q, want %q", i, c.authority, got, c.want)
		}
		if (reconcile.UnfitDetail(c.want) == "") != (c.want == "") {
			t.Errorf("the sentence for %q is %q", c.want, reconcile.UnfitDetail(c.want))
		}
	}
}

func TestCompareFindsWhatDiffers(t *testing.T) {
	user := func(rid int64) store.Assignee {
		return store.Assignee{RID: rid, Kind: schema.User, Visible: true, Online: true}
	}
	offline, hidden, nested := user(4), user(5), user(6)
	offline.Online, hidden.Visible, nested.Kind = false, false, schema.Group
	lost := user(9)
	lost.Online = false
	members := []store.Assignee{user(2), user(3), offline, hidden, nested, user(8), lost, user(10)}
	holders := []store.Holder{
		{RID: 1, Reconciled: true}, {RID: 2, Reconciled: true}, {RID: 3, Other: true}, {RID: 7, Manual: true, Other: true},
		{RID: 8, Manual: true}, {RID: 9, Reconciled: true}, {RID: 11, Other: true},
	}
	got := reconcile.Compare(reconcile.Item{Provider: "entra", Entitlement: reconcile.EntitlementOnline}, members, holders)
	want := reconcile.Comparison{
		InBoth: 3, OnlyInGroup: 5, OnlyInItem: 2,
		Add: []store.Assignee{user(3), user(10)}, Remove: []int64{1, 7}, Lost: []store.Assignee{lost}, Settle: []store.Assignee{user(8)},
		Skipped: map[string]int64{reconcile.SkipNotEligible: 2, reconcile.SkipGroup: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	ad := reconcile.Compare(reconcile.Item{Provider: "ad"}, members, nil)
	if d := cmp.Diff(map[string]int64{reconcile.SkipNotFound: 1, reconcile.SkipGroup: 1}, ad.Skipped); d != "" {
		t.Errorf("of Active Directory: %s", d)
	}
}

// The sentences of the log (rows A036 to A039), word for word.
func TestTheLogIsReadable(t *testing.T) {
	const ada, visio, sales = "Ada Lovelace", "Visio", "Sales"
	for want, got := range map[string]string{
		"Ada Lovelace was assigned to Visio because this user is now a member of the group Sales.":                                  reconcile.Assigned(ada, visio, sales, false),
		"Ada Lovelace would have been assigned to Visio because this user is now a member of the group Sales.":                      reconcile.Assigned(ada, visio, sales, true),
		"Ada Lovelace was removed from Visio because this user is no longer a member of the group Sales.":                           reconcile.Removed(ada, visio, sales, false),
		"Ada Lovelace would have been removed from Visio because this user is no longer a member of the group Sales.":               reconcile.Removed(ada, visio, sales, true),
		"Ada Lovelace is no longer a member of the group Sales and keeps Visio for another reason.":                                 reconcile.Kept(ada, visio, sales),
		"Ada Lovelace was removed from Visio because this member of the group Sales no longer has the Microsoft Online service.":    reconcile.NotEntitled(ada, visio, sales, false),
		"Ada Lovelace was not assigned to Visio because this member of the group Sales does not have the Microsoft Online service.": reconcile.Skipped(ada, visio, sales, reconcile.SkipNotEligible),
		"Ada Lovelace was not assigned to Visio because this member of the group Sales is not known.":                               reconcile.Skipped(ada, visio, sales, reconcile.SkipNotFound),
		"Visio was not reconciled because its group Sales (4f) cannot be found. Nobody was removed.":                                reconcile.GroupNotFound(visio, sales, "4f"),
		"Visio is no longer kept in sync: The item is groupless. Nobody was removed.":                                               reconcile.Suspended(visio, reconcile.RuleGroupless),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
