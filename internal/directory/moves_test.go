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
		{sales, []int64{7, 8}, nil},
		{mail, []int64{7}, nil},
		{sales, []int64{5}, []int64{8, 9}},
		{mail, nil, []int64{7}},
		{sales, []int64{9}, []int64{6}},
	})
	want := []move{{sales, []int64{5, 7}, []int64{6}}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(move{})); d != "" {
		t.Error(d)
	}
}
