package runner

import "testing"

// TestPartsTogetherStayWithinTheLimitsOfTheSource: what would be held of a source
// is held of at least one of its parts, however evenly it is spread.
func TestPartsTogetherStayWithinTheLimitsOfTheSource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts int
		part  toll // of each part
	}{
		"19 of 20 objects in each of 16":     {16, toll{deletes: 19, objects: 20, users: 20}},
		"19 of 20 users in each of 16":       {16, toll{disables: 19, objects: 20, users: 20}},
		"all of 2 objects in each of 2":      {2, toll{deletes: 2, objects: 2, users: 2}},
		"all of 1 user in each of 16":        {16, toll{disables: 1, objects: 1, users: 1}},
		"251 of 100000 objects in each of 2": {2, toll{deletes: 251, objects: 100_000, users: 90_000}},
	} {
		l := DefaultLimits()
		all := c.part
		for _, n := range []*int{&all.deletes, &all.disables, &all.objects, &all.users} {
			*n *= c.parts
		}
		if l.exceeded(all, Part{}) == "" {
			t.Errorf("%s: the source isn't held", name)
		}
		if l.exceeded(c.part, Part{Of: c.parts}) == "" {
			t.Errorf("%s: no part is held", name)
		}
	}
}

// TestAPartIsNotHeldForASmallGroup: one member of a group with two or one is no
// loss that a person has to look at, in however many parts the source is.
func TestAPartIsNotHeldForASmallGroup(t *testing.T) {
	t.Parallel()
	few := toll{removals: 2, members: 3, objects: 1000, users: 900}
	if why := DefaultLimits().exceeded(few, Part{Of: 16}); why != "" {
		t.Error(why)
	}
}
