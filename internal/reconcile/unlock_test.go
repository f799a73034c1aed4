package reconcile

import "testing"

func TestUnlockIsTheChangeForTheMost(t *testing.T) {
	crowd := func(n int64, u User) Crowd { return Crowd{u, n} }
	dynamic := owned(cloud, ClassCloudOnly)
	dynamic.Type = "dynamic"
	local, inCloud := owned(ad1, ClassOnPrem), owned(cloud, ClassCloudOnly)
	all := []Crowd{crowd(5, in(ad1)), crowd(7, in(cloud)), crowd(3, in(ad1, cloud)), crowd(4, in(ad2)), crowd(90, User{}), crowd(2, in())}
	for _, c := range []struct {
		name   string
		groups []Group
		kind   string
		source string
		people int64
	}{
		{"accounts on-premises", []Group{local}, ChangeAccount, "ad1", 13},
		{"accounts in the cloud", []Group{inCloud}, ChangeAccount, "entra", 11},
		{"those who lack one of two", []Group{local, inCloud}, ChangeAccount, "ad1", 7},
		{"another group", []Group{local, dynamic}, ChangeGroup, "", 8},
		{"nothing is missing", []Group{owned(hand, ClassManual)}, "", "", 0},
		{"no groups", nil, "", "", 0},
		{"no single change", []Group{dynamic, {}}, "", "", 0},
	} {
		x, n := Unlock(all, c.groups)
		if x == nil {
			x = &Change{}
		}
		if x.Kind != c.kind || x.Source.Name != c.source || n != c.people {
			t.Errorf("%s: %s %s for %d people", c.name, x.Kind, x.Source.Name, n)
		}
	}
	if x, n := Unlock([]Crowd{crowd(4, in(ad2, cloud))}, []Group{local, inCloud}); x.Kind != ChangeTrust || x.Other.Name != "ad2" || n != 4 {
		t.Errorf("a trust: %+v for %d", x, n)
	}
}
