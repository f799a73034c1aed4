package dirsync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// guidOf is a GUID of a test's own, and its bytes as an attribute's value.
func guidOf(n byte) (GUID, string) {
	g := GUID{15: n, 0: 0x10}
	return g, string(g.Bytes())
}

func fakeLink(n byte, dn string) string {
	g, _ := guidOf(n)
	return fmt.Sprintf("<GUID=%v>;<SID=S-1-5-21-1-2-3-%d>;%s", g, 1000+int(n), dn)
}

// pages answers reads of changes by their cookies.
func pages(by map[string][][]byte) func(f *fakeDC) {
	return func(f *fakeDC) { f.search = func(q fakeQuery) [][]byte { return by[q.cookie] } }
}

// Windows gives answers in pages (MS-ADTS 3.1.1.3.4.1.3): each has its own
// checkpoint, and a full read goes on after any of them.
func TestPagesAreReadToTheEndAndGoOnAnywhere(t *testing.T) {
	var guids []GUID
	user := func(n byte) []byte {
		g, value := guidOf(n)
		guids = append(guids, g)
		return fakeEntry(fmt.Sprintf("<GUID=%v>;CN=u%d,%s", g, n, fakeRoot), "objectGUID", value, "objectClass", "user")
	}
	f := newFake(t, pages(map[string][][]byte{
		"":    {user(1), user(2), fakeClose(true, "one")},
		"one": {user(3), fakeClose(true, "two")},
		"two": {user(4), fakeClose(false, "end")},
		"end": {fakeClose(false, "end")},
	}))
	s := f.session()
	full, objects, _, checkpoints, err := readAll(t, s, nil)
	if err != nil || full != FullInitial || len(objects) != 4 || len(checkpoints) != 3 {
		t.Fatalf("full %q, %d objects, %d checkpoints, %v", full, len(objects), len(checkpoints), err)
	}
	for i, want := range []struct {
		full  Reason
		rest  []GUID
		whole bool
	}{{FullContinued, guids[2:], true}, {FullContinued, guids[3:], true}, {Incremental, nil, false}} {
		full, objects, _, _, err := readAll(t, s, checkpoints[i])
		var got []GUID
		for _, o := range objects {
			got = append(got, o.GUID)
			if o.Whole != want.whole {
				t.Errorf("after checkpoint %d whole is %t", i, o.Whole)
			}
		}
		if err != nil || full != want.full || !slices.Equal(got, want.rest) {
			t.Errorf("after checkpoint %d: full %q, %v, %v; want %q, %v", i, full, got, err, want.full, want.rest)
		}
	}
}

func TestAnAnswerThatIsNotWholeGivesNoCheckpoint(t *testing.T) {
	_, id := guidOf(1)
	user := fakeEntry("CN=u1,"+fakeRoot, "objectGUID", id)
	for name, test := range map[string]struct {
		answer [][]byte
		want   error
	}{
		"no control":              {[][]byte{user, fakeDone(resultSuccess)}, ErrIncomplete},
		"time limit":              {[][]byte{user, fakeDone(resultTimeLimit)}, ErrIncomplete},
		"size limit":              {[][]byte{user, fakeDone(resultSizeLimit)}, ErrIncomplete},
		"admin limit":             {[][]byte{user, fakeDone(resultAdminLimit)}, ErrIncomplete},
		"busy":                    {[][]byte{user, fakeDone(resultBusy)}, ErrIncomplete},
		"cut":                     {[][]byte{user, nil}, ErrIncomplete},
		"more, and nothing comes": {[][]byte{fakeClose(true, "again")}, ErrIncomplete},
		"an empty cookie":         {[][]byte{user, fakeClose(false, "")}, ErrIncomplete},
		"referral":                {[][]byte{user, fakeDone(resultReferral)}, &ResultError{}},
		"no message of LDAP":      {[][]byte{user, {0x04, 0x00}}, ErrIncomplete},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, pages(map[string][][]byte{"": test.answer, "again": test.answer}))
			_, _, _, checkpoints, err := readAll(t, f.session(), nil)
			if _, isResult := test.want.(*ResultError); isResult {
				if _, ok := errors.AsType[*ResultError](err); !ok {
					t.Errorf("err %v, want a ResultError", err)
				}
			} else if !errors.Is(err, test.want) {
				t.Errorf("err %v, want %v", err, test.want)
			}
			if len(checkpoints) > 1 || len(checkpoints) == 1 && name != "more, and nothing comes" {
				t.Errorf("%d checkpoints", len(checkpoints))
			}
		})
	}
}

// Any of the results by which a server may refuse a cookie leads to a full read,
// and not to one without end where it meant something else.
func TestARefusedCookieLeadsToOneFullRead(t *testing.T) {
	_, id := guidOf(1)
	for _, code := range refusedCookie {
		always := false
		f := newFake(t, func(f *fakeDC) {
			f.search = func(q fakeQuery) [][]byte {
				if q.cookie != "" || always {
					return [][]byte{fakeDone(byte(code))}
				}
				return [][]byte{fakeEntry("CN=u1,"+fakeRoot, "objectGUID", id), fakeClose(false, "one")}
			}
		})
		s := f.session()
		_, _, _, checkpoints, err := readAll(t, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		full, objects, _, _, err := readAll(t, s, checkpoints[0])
		if full != FullCookieRefused || len(objects) != 1 || err != nil {
			t.Errorf("result %d: full %q, %d objects, %v", code, full, len(objects), err)
		}
		always = true
		if _, _, _, _, err := readAll(t, s, checkpoints[0]); !isResult(err, code) {
			t.Errorf("result %d for everything: %v", code, err)
		}
	}
}

// Entries as MS-ADTS 3.1.1.3.4.1.3 and Microsoft's pages describe them, in the
// forms that a Windows server gives and Samba doesn't.
func TestWindowsEntries(t *testing.T) {
	group, groupID := guidOf(1)
	gone, goneID := guidOf(2)
	hidden, hiddenID := guidOf(3)
	legacy, legacyID := guidOf(4)
	_, parentID := guidOf(9)
	f := newFake(t, pages(map[string][][]byte{"": {
		// A large group's links in two entries, the second with links alone.
		fakeEntry("<GUID="+group.String()+">;<SID=S-1-5-21-1-2-3-1001>;CN=crew,"+fakeRoot, "objectGUID", groupID, "parentGUID", parentID, "instanceType", "4",
			"objectClass", "top", "objectClass", "group", "name", "crew",
			"member;range=1-1", fakeLink(20, "CN=a,"+fakeRoot), "member;range=1-1", fakeLink(21, `CN=b\, c,`+fakeRoot)),
		fakeEntry("<GUID="+group.String()+">;CN=crew,"+fakeRoot, "objectGUID", groupID, "instanceType", "4",
			"member;range=1-1", fakeLink(22, "CN=d,"+fakeRoot), "member;range=0-0", fakeLink(23, "CN=e,"+fakeRoot)),
		// Deleted into the recycle bin, then recycled.
		fakeEntry("CN=gone\\0ADEL:"+gone.String()+",CN=Deleted Objects,"+fakeRoot, "objectGUID", goneID, "isDeleted", "TRUE",
			"lastKnownParent", "OU=people,"+fakeRoot, "name", "gone\nDEL:"+gone.String()),
		fakeEntry("CN=gone\\0ADEL:"+gone.String()+",CN=Deleted Objects,"+fakeRoot, "objectGUID", goneID, "isDeleted", "TRUE", "isRecycled", "TRUE",
			"lastKnownParent", "", "mail", ""),
		// A deleted object that the account may not see.
		fakeEntry("", "objectGUID", hiddenID, "isDeleted", "TRUE"),
		// Links from before the functional level 2003 come all at once.
		fakeEntry("CN=legacy,"+fakeRoot, "objectGUID", legacyID, "member", fakeLink(24, "CN=f,"+fakeRoot)),
		// What can't be understood stops itself only.
		fakeEntry("CN=odd,"+fakeRoot, "objectGUID", "short"),
		fakeEntry("CN=odder,"+fakeRoot, "objectGUID", legacyID, "member;range=0-1499", fakeLink(24, "CN=f,"+fakeRoot)),
		fakeEntry("CN=bare link,"+fakeRoot, "objectGUID", legacyID, "member;range=1-1", "CN=f,"+fakeRoot),
		fakeClose(false, "end"),
	}}))
	s := f.session()
	r, err := s.Changes(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Deletions || !r.Absence {
		t.Errorf("a replica of a Windows server sees all: deletions %t, absence %t", r.Deletions, r.Absence)
	}
	_ = r.Close()
	_, objects, unreadable, _, err := readAll(t, s, nil)
	if err != nil || len(objects) != 6 || unreadable != 3 {
		t.Fatalf("%d objects, %d unreadable, %v", len(objects), unreadable, err)
	}
	var told []string
	for _, o := range objects {
		line := fmt.Sprintf("%v %q life=%d all=%v", o.GUID == group || o.GUID == gone || o.GUID == hidden || o.GUID == legacy, o.DN, o.Life, o.AllLinks)
		for _, l := range o.Links {
			line += fmt.Sprintf(" %t:%s", l.Added, l.To.DN)
		}
		told = append(told, line)
	}
	want := []string{
		`true "CN=crew,DC=win,DC=example" life=0 all=[] true:CN=a,DC=win,DC=example true:CN=b\, c,DC=win,DC=example`,
		`true "CN=crew,DC=win,DC=example" life=0 all=[] true:CN=d,DC=win,DC=example false:CN=e,DC=win,DC=example`,
		`true "CN=gone\\0ADEL:` + gone.String() + `,CN=Deleted Objects,DC=win,DC=example" life=1 all=[]`,
		`true "CN=gone\\0ADEL:` + gone.String() + `,CN=Deleted Objects,DC=win,DC=example" life=2 all=[]`,
		`true "" life=1 all=[]`,
		`true "CN=legacy,DC=win,DC=example" life=0 all=[member] true:CN=f,DC=win,DC=example`,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if got := objects[2].LastParent.DN; got != "OU=people,"+fakeRoot {
		t.Errorf("lastKnownParent without GUID: %q", got)
	}
}

// Windows gives at most 1,500 values at once, and an object may change between
// two parts.
func TestLinksInRanges(t *testing.T) {
	id, _ := guidOf(1)
	const members = 3200
	usn := func(first int) string { return "7" }
	f := newFake(t, func(f *fakeDC) {
		f.search = func(q fakeQuery) [][]byte {
			var first, last int
			if _, err := fmt.Sscanf(q.attributes[0], "member;range=%d-%d", &first, &last); err != nil {
				return [][]byte{fakeDone(resultOperationsError)}
			}
			name := fmt.Sprintf("member;range=%d-%d", first, last)
			if last >= members-1 {
				last, name = members-1, fmt.Sprintf("member;range=%d-*", first)
			}
			values := []string{"uSNChanged", usn(first), "member", ""}
			for i := first; i <= last; i++ {
				values = append(values, name, fmt.Sprintf("<GUID=00000000-0000-0000-0000-%012d>;CN=u%d", i+1, i))
			}
			return [][]byte{fakeEntry("CN=crew", values...), fakeDone(resultSuccess)}
		}
	})
	s := f.session()
	n := 0
	for link, err := range s.LinkValues(t.Context(), id, "member") {
		if err != nil {
			t.Fatal(err)
		}
		if link.DN != fmt.Sprintf("CN=u%d", n) {
			t.Fatalf("value %d is %s", n, link.DN)
		}
		n++
	}
	if n != members {
		t.Errorf("%d members, want %d", n, members)
	}
	usn = func(first int) string { return fmt.Sprint(7 + first) }
	var last error
	for _, err := range s.LinkValues(t.Context(), id, "member") {
		last = err
	}
	if !errors.Is(last, ErrChanged) {
		t.Errorf("it changed meanwhile: %v", last)
	}
}

// Lookups of many objects go on to the last page (RFC 2696), and a page without
// its control is an error.
func TestLookupsReadAllPages(t *testing.T) {
	asked, lost := 0, false
	f := newFake(t, func(f *fakeDC) {
		f.searchRoot = func() [][]byte {
			asked++
			next := "more"
			if asked == 3 {
				next = ""
			}
			done := fakeDone(resultSuccess)
			if !lost {
				value := tlv(tagSequence, integer(0), octets(next))
				done = append(done, tlv(0xa0, tlv(tagSequence, octets(oidPaged), tlv(tagOctets, value)))...)
			}
			id, value := guidOf(byte(asked))
			return [][]byte{fakeEntry(fmt.Sprintf("<GUID=%v>;CN=u%d,%s", id, asked, fakeRoot), "objectGUID", value), done}
		}
	})
	s := f.session()
	var got []string
	for o, err := range s.Find(t.Context(), GUID{}, "(objectClass=user)") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.DN)
	}
	if !slices.Equal(got, []string{"CN=u1," + fakeRoot, "CN=u2," + fakeRoot, "CN=u3," + fakeRoot}) {
		t.Errorf("%v", got)
	}
	asked, lost = 0, true
	for _, err := range s.Find(t.Context(), GUID{}, "(objectClass=user)") {
		if !errors.Is(err, ErrIncomplete) {
			t.Errorf("a page without its control: %v", err)
		}
	}
}

// E080: entries that deny grant nothing; those for what is below are told apart.
func TestWhatADescriptorGrants(t *testing.T) {
	sid := []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
	ace := func(kind, flags byte, body ...byte) []byte {
		body = append(body, sid...)
		return append([]byte{kind, flags, byte(4 + len(body)), 0}, body...)
	}
	all := rightGetChangesAll.Bytes()
	entries := [][]byte{
		ace(0, 0, 0, 1, 0, 0), // all extended rights
		ace(0, 8, 0, 0, 8, 0), // for what is below
		ace(1, 0, 0, 0, 8, 0), // denied
		ace(5, 0, append([]byte{0, 1, 0, 0, 1, 0, 0, 0}, all...)...), // one extended right
	}
	body := slices.Concat(entries...)
	descriptor := append(make([]byte, 16), 20, 0, 0, 0, 4, 0, byte(8+len(body)), 0, byte(len(entries)), 0, 0, 0)
	descriptor = append(descriptor, body...)
	grants, err := parseGrants(descriptor)
	if err != nil {
		t.Fatal(err)
	}
	if got := tooWide(grants, []SID{"S-1-5-18"}); !slices.Equal(got, []string{"Replicating Directory Changes All", "all extended rights", "writing below the domain's root"}) {
		t.Errorf("%q of %+v", got, grants)
	}
	if got := tooWide(grants, []SID{"S-1-5-19"}); len(got) != 0 {
		t.Errorf("another account: %q", got)
	}
	for n := range descriptor {
		if n > 0 {
			_, _ = parseGrants(descriptor[:n]) // shortened, it ends no process
		}
	}
}

func TestNoPasswordWithoutTLS(t *testing.T) {
	for name, prepare := range map[string]func(f *fakeDC){
		"StartTLS refused":      func(f *fakeDC) { f.startTLS = resultProtocolError },
		"answer in the clear":   func(f *fakeDC) { f.afterStartTLS = fakeDone(resultSuccess) },
		"unavailable":           func(f *fakeDC) { f.startTLS = resultUnavailable },
		"certificate not known": func(f *fakeDC) { f.caFile = "" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(f *fakeDC) { f.plain = true; prepare(f) })
			_, err := Open(t.Context(), f.config())
			if err == nil || name != "certificate not known" && name != "answer in the clear" && !errors.Is(err, ErrPlain) {
				t.Errorf("err %v, want ErrPlain", err)
			}
			if f.binds != 0 {
				t.Error("it was sent a password")
			}
		})
	}
	c := Config{Servers: []string{"http://dc", "dc", "ldap://user@dc", "ldapi:///x"}, Account: "a", PasswordFile: "p"}
	if err := c.Check(); strings.Count(fmt.Sprint(err), "Servers:") != 4 {
		t.Errorf("Check: %v", err)
	}
}

// A read by update sequence numbers has one checkpoint, after the last page of
// both of its searches, and none if a page isn't whole. Windows cuts the members
// of a group: then they aren't said to be all.
func TestAReadByNumbersIsWholeOrGivesNoCheckpoint(t *testing.T) {
	searches, lost := 0, 0
	f := newFake(t, func(f *fakeDC) {
		f.searchRoot = func() [][]byte {
			searches++
			id, value := guidOf(byte(searches))
			cookies := []string{"more", "more", "", "more", ""} // 3 pages of everything, 2 of what changed meanwhile
			done := fakeDone(resultSuccess)
			if searches != lost {
				done = append(done, tlv(0xa0, tlv(tagSequence, octets(oidPaged), tlv(tagOctets, tlv(tagSequence, integer(0), octets(cookies[searches-1])))))...)
			}
			return [][]byte{fakeEntry(fmt.Sprintf("<GUID=%v>;CN=g%d,%s", id, searches, fakeRoot), "objectGUID", value, "objectClass", "group",
				"member;range=0-1499", fakeLink(99, "CN=a,"+fakeRoot)), done}
		}
	})
	c := f.config()
	c.Mode = ModeUSNChanged
	for lost = range 6 {
		searches = 0
		s, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		full, objects, _, checkpoints, err := readAll(t, s, nil)
		_ = s.Close()
		if lost == 0 {
			if full != FullInitial || len(objects) != 5 || len(checkpoints) != 1 || err != nil || slices.Contains(objects[0].AllLinks, "member") {
				t.Errorf("full %q, %d objects, %d checkpoints, %v; %+v", full, len(objects), len(checkpoints), err, objects)
			}
			continue
		}
		if !errors.Is(err, ErrIncomplete) || len(checkpoints) != 0 {
			t.Errorf("page %d without its control: %v, %d checkpoints", lost, err, len(checkpoints))
		}
	}
}

// A server whose pages are empty and lead to themselves is given up, by a read
// by numbers and by a search.
func TestAPageThatLeadsToItselfIsAnError(t *testing.T) {
	asked := 0
	f := newFake(t, func(f *fakeDC) {
		f.searchRoot = func() [][]byte {
			next := "more"
			if asked++; asked > 4 {
				next = "" // so that the test ends
			}
			value := tlv(tagSequence, integer(0), octets(next))
			return [][]byte{append(fakeDone(resultSuccess), tlv(0xa0, tlv(tagSequence, octets(oidPaged), tlv(tagOctets, value)))...)}
		}
	})
	c := f.config()
	c.Mode = ModeUSNChanged
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, _, _, checkpoints, err := readAll(t, s, nil)
	if !errors.Is(err, ErrIncomplete) || len(checkpoints) != 0 || asked != 2 {
		t.Errorf("by numbers: %v after %d pages, %d checkpoints", err, asked, len(checkpoints))
	}
	asked, err = 0, nil
	for _, err = range s.Find(t.Context(), GUID{}, "(objectClass=user)") {
	}
	if !errors.Is(err, ErrIncomplete) || asked != 3 { // once more over another connection
		t.Errorf("a search: %v after %d pages", err, asked)
	}
}
