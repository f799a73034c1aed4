package directory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/store"
)

// A group that a transaction changes several times moves by what is left of it.
func TestMovesAreNet(t *testing.T) {
	sales, mail := store.Resource{RID: 2}, store.Resource{RID: 1}
	got := net([]move{
		{group: sales, added: []int64{7, 8}},
		{group: mail, added: []int64{7}},
		{group: sales, added: []int64{5}, removed: []int64{8, 9}},
		{group: mail, removed: []int64{7}},
		{group: sales, added: []int64{9}, removed: []int64{6}},
	})
	want := []move{{group: sales, added: []int64{5, 7}, removed: []int64{6}}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(move{})); d != "" {
		t.Error(d)
	}
}

// What follows from another authority of a group is told where what its sources
// said doesn't lead there.
func TestWhatAnotherAuthorityBringsIsToldBehindWhatSourcesSay(t *testing.T) {
	sales, mail := store.Resource{RID: 2}, store.Resource{RID: 1}
	said := []move{
		{group: mail, added: []int64{1}},
		{group: sales, removed: []int64{1, 2, 3}, added: []int64{4}, untold: true},
		{group: sales, added: []int64{2, 5}},
		{group: sales, removed: []int64{6}},
		{group: sales, added: []int64{6}, untold: true},
	}
	want := []move{{group: sales, added: []int64{4, 6}, removed: []int64{1, 3}}}
	if d := cmp.Diff(want, untold(said), cmp.AllowUnexported(move{})); d != "" {
		t.Error(d)
	}
	if got := untold(said[:1]); got != nil {
		t.Errorf("without another authority: %+v", got)
	}
}
