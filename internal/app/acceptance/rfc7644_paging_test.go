package acceptance_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/store"
)

// row makes users u00, u01, … and gives their ids.
func (n *tenant) row(size int) []string {
	n.t.Helper()
	var ids []string
	for i := range size {
		ids = append(ids, n.entra.create("/Users", user(fmt.Sprintf("u%02d@contoso.com", i), "title", "T", "externalId", fmt.Sprint(i))))
	}
	return ids
}

// RFC 7644 §3.4.2.4
func TestRFC7644Section3424IndexPaging(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := n.row(7)
		g := n.entra.create("/Groups", group("G"))
		for _, c := range []struct {
			parameters  string
			start, from int // startIndex told, first resource
			want        int
		}{
			{"", 1, 0, 7},
			{"startIndex=1&count=3", 1, 0, 3},
			{"startIndex=6&count=3", 6, 5, 2},
			{"startIndex=8&count=3", 8, 0, 0},
			{"startIndex=0&count=2", 1, 0, 2},
			{"startIndex=-5&count=2", 1, 0, 2},
			{"startIndex=2147483648&count=2", 2147483648, 0, 0},
			{"count=0", 1, 0, 0},
			{"count=-1", 1, 0, 0},
			{"count=1000000000", 1, 0, 7},
			{"startIndex=3", 3, 2, 5},
			{"startIndex=2&count=2&filter=title+pr", 2, 1, 2},
		} {
			a := n.entra.get("/Users?"+c.parameters).total(7).is("startIndex", c.start).is("itemsPerPage", c.want)
			if diff := cmp.Diff(append([]string{}, ids[c.from:c.from+c.want]...), a.each("id")); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.parameters, diff)
			}
			if a.at("Resources") == nil || a.at("nextCursor") != nil {
				t.Errorf("%s: %s", c.parameters, short(a.Text))
			}
		}
		// Pages at the root go on from one resource type to the next.
		for start, want := range map[string][]string{"1": ids[:3], "6": {ids[5], ids[6], g}, "8": {g}, "9": {}} {
			if diff := cmp.Diff(want, n.entra.get("?count=3&startIndex="+start).total(8).each("id")); diff != "" {
				t.Errorf("root from %s (-want +got)\n%s", start, diff)
			}
		}
		for _, bad := range []string{"count=x", "count=1.5", "count=99999999999999999999", "startIndex=one", "startIndex=99999999999999999999"} {
			n.entra.get("/Users?"+bad).refused(400, "invalidValue")
		}
	})
}

func TestRFC7644Section3424APageIsAtMostWhatIsAnnounced(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		const size = 1001
		var ops []any
		for i := range size {
			ops = append(ops, bulkOp("POST", "/Users", strconv.Itoa(i), user(fmt.Sprintf("u%d@contoso.com", i))))
		}
		n.entra.post("/Bulk", bulkOf(ops[:500]...)).status(200)
		n.entra.post("/Bulk", bulkOf(ops[500:]...)).status(200)
		config := n.entra.get("/ServiceProviderConfig")
		n.entra.get("/Users?count=5000").total(size).is("itemsPerPage", config.at("filter/maxResults"))
		n.entra.get("/Users").total(size).is("itemsPerPage", config.at("pagination/defaultPageSize"))
		n.entra.get("/Users?count=5000&cursor=").total(size).is("itemsPerPage", config.at("pagination/maxPageSize"))
	})
}

// readAll follows cursors, calling between after each page.
func (c *client) readAll(path string, between func(page int)) []string {
	c.t.Helper()
	var ids []string
	cursor := ""
	for page := 0; ; page++ {
		a := c.get(path+"&cursor="+cursor).status(200).is("startIndex", nil)
		ids = append(ids, a.each("id")...)
		next, ok := a.at("nextCursor").(string)
		if !ok {
			return ids
		}
		if cursor = next; page > 100 {
			c.t.Fatal("the cursors don't end")
		}
		between(page)
	}
}

// RFC 9865 §2
func TestRFC9865CursorsReadEverythingOnce(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := n.row(10)
		quiet := func(int) {}
		for path, want := range map[string][]string{
			"/Users?count=3":  ids,
			"/Users?count=10": ids,
			"/Users?count=1":  ids,
			"/Users?count=4&sortBy=userName&sortOrder=descending":  backwards(ids),
			"/Users?count=4&sortBy=title":                          ids,
			"/Users?count=4&sortBy=nickName":                       ids,
			"/Users?count=4&filter=userName+sw+%22u0%22":           ids,
			"/Users?count=2&filter=userName+eq+%22u03@contoso.com": ids[3:4],
		} {
			if strings.HasSuffix(path, "com") {
				path += "%22"
			}
			if diff := cmp.Diff(want, n.entra.readAll(path, quiet)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", path, diff)
			}
		}
		g := n.entra.create("/Groups", group("G"))
		for _, count := range []string{"3", "5", "10", "11"} {
			if diff := cmp.Diff(append(slices.Clone(ids), g), n.entra.readAll("?count="+count, quiet)); diff != "" {
				t.Errorf("root by %s (-want +got)\n%s", count, diff)
			}
		}
		// count 0 asks for the total only; asking for both kinds of paging is an error.
		n.entra.get("/Users?count=0&cursor=").total(10).is("Resources", list{})
		n.entra.get("/Users?cursor=&startIndex=1").refused(400, "invalidCursor")
		n.entra.get("/Users?cursor=&count=-1").refused(400, "invalidCount")
		n.entra.get("/ServiceProviderConfig").is("pagination/cursor", true).is("pagination/index", true)
		// The same by search.
		first := n.entra.post("/Users/.search", object{"schemas": list{searchURN}, "count": 6, "cursor": ""}).total(10)
		rest := n.entra.post("/Users/.search", object{"schemas": list{searchURN}, "count": 6, "cursor": first.text("nextCursor")}).total(10)
		if diff := cmp.Diff(ids, append(first.each("id"), rest.each("id")...)); diff != "" || rest.at("nextCursor") != nil {
			t.Error(diff)
		}
	})
}

func backwards(ids []string) []string {
	out := slices.Clone(ids)
	slices.Reverse(out)
	return out
}

func TestRFC9865CursorsAreStableUnderWrites(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, order := range []string{"", "&sortBy=userName", "&sortBy=userName&sortOrder=descending", "&filter=title+pr", "&sortBy=title"} {
			n := h.tenant(t)
			ids := n.row(20)
			touched := map[string]bool{}
			got := n.entra.readAll("/Users?count=3"+order, func(page int) {
				// One behind, one at the place of the cursor, one ahead; and new ones on each side.
				for _, i := range []int{page * 3, page*3 + 2, 19 - page} {
					if id := ids[(i+20)%20]; !touched[id] {
						touched[id] = true
						n.entra.delete("/Users/" + id).status(204)
					}
				}
				for _, name := range []string{"a", "u05x", "z"} {
					if page > 5 {
						break // or the list would grow as fast as it is read
					}
					touched[n.entra.create("/Users", user(fmt.Sprintf("%s%d@contoso.com", name, page), "title", name))] = true
				}
			})
			seen := map[string]int{}
			for _, id := range got {
				if seen[id]++; seen[id] > 1 {
					t.Errorf("%q: %s came twice", order, id)
				}
			}
			for _, id := range ids {
				if !touched[id] && seen[id] != 1 {
					t.Errorf("%q: %s, untouched, came %d times", order, id, seen[id])
				}
			}
		}
	})
}

func TestRFC9865ACursorIsGoodForItsListOnly(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.row(6)
		cursor := n.entra.get("/Users?count=2&sortBy=userName&filter=title+pr&cursor=").text("nextCursor")
		rest := "&sortBy=userName&filter=title+pr&cursor=" + cursor
		n.entra.get("/Users?count=4" + rest).total(6) // another page size is no other list

		other := n.source(store.SourceAPI, "hr", store.Policies{})
		stranger := n.house.tenant(t)
		for c, path := range map[*client]string{other: "/Users?count=2" + rest, n.admin: "/Users?count=2" + rest, stranger.entra: "/Users?count=2" + rest} {
			c.get(path).refused(400, "invalidCursor")
		}
		for _, path := range []string{
			"/Users?filter=title+pr&cursor=" + cursor,
			"/Users?sortBy=userName&sortOrder=descending&filter=title+pr&cursor=" + cursor,
			"/Users?sortBy=userName&cursor=" + cursor,
			"/Users?sortBy=userName&filter=not+%28title+pr%29&cursor=" + cursor,
			"/Groups?cursor=" + cursor, "?sortBy=userName&filter=title+pr&cursor=" + cursor,
		} {
			n.entra.get(path).refused(400, "invalidCursor")
		}
		for _, bad := range tampered(t, cursor) {
			n.entra.get("/Users?count=2&sortBy=userName&filter=title+pr&cursor="+bad).refused(400, "invalidCursor")
		}
	})
}

// tampered gives cursors that the server never gave.
func tampered(t *testing.T, cursor string) []string {
	t.Helper()
	plain, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{
		"x", "0", "null", "e30", "%00", "%20", cursor[1:], cursor[:len(cursor)-1], cursor + "A", cursor + cursor,
		strings.Repeat("A", 10_000), base64.RawURLEncoding.EncodeToString([]byte("{}")), base64.RawURLEncoding.EncodeToString([]byte(`[1]`)),
	}
	for i, c := range plain { // each digit and letter of it
		other := byte('7')
		if c == other {
			other = '3'
		}
		if c < '0' || c > '9' && c < 'a' || c > 'z' {
			continue
		}
		changed := slices.Clone(plain)
		changed[i] = other
		out = append(out, base64.RawURLEncoding.EncodeToString(changed))
	}
	return out
}
