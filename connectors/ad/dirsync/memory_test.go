package dirsync

import (
	"errors"
	"io"
	"runtime"
	"testing"
)

// many is an answer of n objects as a directory has them.
func many(n int) func(f *fakeDC) {
	_, id := guidOf(1)
	user := fakeEntry("<GUID=10000000-0000-0000-0000-000000000001>;<SID=S-1-5-21-1-2-3-1001>;CN=Ada Lovelace,OU=people,"+fakeRoot,
		"objectGUID", id, "parentGUID", id, "instanceType", "4", "objectClass", "top", "objectClass", "person",
		"objectClass", "organizationalPerson", "objectClass", "user", "name", "Ada Lovelace", "sAMAccountName", "ada",
		"mail", "ada@win.example", "givenName", "Ada", "sn", "Lovelace", "displayName", "Ada Lovelace", "department", "Engines",
		"userPrincipalName", "ada@win.example", "userAccountControl", "512", "primaryGroupID", "513",
		"manager;range=1-1", fakeLink(2, "CN=Charles Babbage,OU=people,"+fakeRoot))
	answer := make([][]byte, n, n+1)
	for i := range answer {
		answer[i] = user
	}
	answer = append(answer, fakeClose(false, "end"))
	return func(f *fakeDC) { f.search = func(fakeQuery) [][]byte { return answer } }
}

// What a read keeps doesn't grow with what was read.
func TestMemoryIsFlat(t *testing.T) {
	const objects = 60000
	s := newFake(t, many(objects)).session()
	r, err := s.Changes(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	for n := 0; ; n++ {
		switch n {
		case 1000:
			early = live()
		case objects - 1000:
			if late := live(); late > early+1<<20 {
				t.Errorf("%d bytes after 1,000 objects, %d after %d", early, late, n)
			}
		}
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			if n != objects+1 {
				t.Errorf("%d objects and a checkpoint", n-1)
			}
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkParseObject is the cost of one object after it came off the wire.
func BenchmarkParseObject(b *testing.B) {
	var f fakeDC
	many(1)(&f)
	content, _, err := cutTag(f.search(fakeQuery{})[0], searchResultEntry)
	if err != nil {
		b.Fatal(err)
	}
	c := Config{}.withDefaults()
	b.ReportAllocs()
	for b.Loop() {
		e, err := parseEntry(content)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.parseObject(e, true); err != nil {
			b.Fatal(err)
		}
	}
}
