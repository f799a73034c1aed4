package dirsync

import (
	"fmt"
	"testing"
)

// A030: a change of one member of a group of 50,000 is read as one entry with one
// link, in one search. Who doesn't ask for incremental values gets all members
// from this controller, as from a real one (MS-ADTS 3.1.1.3.4.1.3).
func TestA030OneChangeInALargeGroupIsOneEntry(t *testing.T) {
	const size = 50_000
	crew, id := guidOf(1)
	named := []string{"objectGUID", id, "objectClass", "group"}
	link := func(i int) string { return fmt.Sprintf("<GUID=00000000-0000-0000-0000-%012d>;CN=u%d", i+1, i) }
	var searches, entries int
	f := newFake(t, func(f *fakeDC) {
		f.search = func(q fakeQuery) [][]byte {
			values := named
			switch {
			case q.cookie != "" && q.incremental:
				values = append(values, "member;range=1-1", link(size))
			default:
				for i := range size {
					values = append(values, "member;range=1-1", link(i))
				}
			}
			searches++
			answer := [][]byte{fakeEntry("CN=crew,"+fakeRoot, values...), fakeClose(false, "one")}
			entries += len(answer) - 1
			return answer
		}
	})
	s := f.session()
	_, objects, unreadable, checkpoints, err := readAll(t, s, nil)
	if err != nil || unreadable != 0 || len(objects) != 1 || len(objects[0].Links) != size {
		t.Fatalf("initial: %d objects, %d unreadable, %v", len(objects), unreadable, err)
	}
	searches, entries = 0, 0
	full, objects, _, _, err := readAll(t, s, checkpoints[0])
	if err != nil || full != Incremental || len(objects) != 1 || objects[0].GUID != crew || len(objects[0].Links) != 1 {
		t.Fatalf("increment: full %q, %+v, %v", full, objects, err)
	}
	if searches != 1 || entries != 1 {
		t.Errorf("%d entries in %d searches, want one in one", entries, searches)
	}
}
