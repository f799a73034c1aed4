package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// Law 7 (R14): what is resolved doesn't depend on which source came first, and what is
// told twice changes nothing. Each source tells its own story of people and groups
// that the directories know by the same anchors; the stories are told in two
// interleavings, once with each request repeated.
func TestOrderOfSourcesAndReplaysDoNotMatter(t *testing.T) {
	s := openStore(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		stories := [][]telling{}
		for who := range 3 {
			stories = append(stories, drawStory(rt, who))
		}
		one, other := newWorld(rt, s, fmt.Sprintf("a%d", n)), newWorld(rt, s, fmt.Sprintf("b%d", n))
		one.tell(interleave(rt, stories, "one"), false)
		other.tell(interleave(rt, stories, "other"), true)
		if a, b := one.resolved(), other.resolved(); a != b {
			rt.Fatalf("resolved\n%s\nand in another order\n%s", a, b)
		}
	})
}

// telling is what a source says about a person or a group, by its own name for it.
type telling struct {
	who  int
	user bool
	n    int    // of the person or group
	text string // of the attributes, or "" for gone
	// members are numbers of people, all those of the group.
	members []int
}

// drawStory makes what one directory tells, in its order.
func drawStory(t *rapid.T, who int) []telling {
	var out []telling
	for range rapid.IntRange(0, 6).Draw(t, fmt.Sprintf("length of story %d", who)) {
		x := telling{who: who, user: rapid.Bool().Draw(t, "user")}
		if x.user {
			x.n = rapid.IntRange(0, 2).Draw(t, "person")
			x.text = rapid.SampledFrom([]string{"", `"title":"A"`, `"title":"B","locale":"de"`, `"active":false`, `"nickName":"N"`}).Draw(t, "text")
		} else {
			x.n = rapid.IntRange(0, 1).Draw(t, "group")
			x.text = rapid.SampledFrom([]string{"", "G", "H"}).Draw(t, "name")
			x.members = rapid.SliceOfNDistinct(rapid.IntRange(0, 2), 0, 3, rapid.ID[int]).Draw(t, "members")
		}
		out = append(out, x)
	}
	return out
}

// interleave mixes stories and keeps the order of each.
func interleave(t *rapid.T, stories [][]telling, label string) []telling {
	left := slices.Clone(stories)
	var out []telling
	for {
		left = slices.DeleteFunc(left, func(s []telling) bool { return len(s) == 0 })
		if len(left) == 0 {
			return out
		}
		i := rapid.IntRange(0, len(left)-1).Draw(t, label)
		out, left[i] = append(out, left[i][0]), left[i][1:]
	}
}

// tell carries the requests out; twice says that each is sent two times, of which
// the second has to change nothing.
func (w *world) tell(all []telling, twice bool) {
	for _, x := range all {
		w.assert(x)
		if twice {
			before := w.view(w.admin())
			w.assert(x)
			if after := w.view(w.admin()); after != before {
				w.t.Fatalf("%+v told again changes\n%s\ninto\n%s", x, before, after)
			}
		}
	}
}

// assert makes what the source has equal to what is told: a source looks its
// object up by externalId and creates, replaces or deletes it.
func (w *world) assert(x telling) {
	w.t.Helper()
	_, err := w.write(step{x.who, fmt.Sprint(x), func(r *directory.Writer) error {
		kind, body := w.set.Group, fmt.Sprintf(`{"displayName":"%s%d","externalId":"g%d","urn:ietf:params:scim:schemas:extension:workspace:2.0:Group":{"originAnchor":"ganchor%d"}}`, x.text, x.n, x.n, x.n)
		if x.user {
			kind, body = w.set.User, fmt.Sprintf(`{"userName":"p%d@contoso.com","externalId":"e%d","urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"originAnchor":"anchor%d"},%s}`, x.n, x.n, x.n, x.text)
		}
		id := w.known(x)
		if x.text == "" {
			if id == "" {
				return nil
			}
			return r.Delete(kind, id, nil)
		}
		in := directory.Input{Doc: w.doc(kind, body)}
		if !x.user {
			in.HasMembers = true
			for _, m := range x.members {
				if id := w.known(telling{who: x.who, user: true, n: m}); id != "" {
					in.Members = append(in.Members, id)
				}
			}
		}
		var err error
		if id == "" {
			_, err = r.Create(kind, in)
		} else {
			_, err = r.Replace(kind, id, nil, in)
		}
		return err
	}}, false)
	w.must(err)
}

// known gives the id under which a source sees its object, "" if it has none.
func (w *world) known(x telling) (id string) {
	t, external := w.set.Group, fmt.Sprintf("g%d", x.n)
	if x.user {
		t, external = w.set.User, fmt.Sprintf("e%d", x.n)
	}
	w.must(w.dir.Read(context.Background(), w.actors[x.who], func(r *directory.Reading) error {
		recs, docs, err := w.documents(r, t)
		for i, doc := range docs {
			if doc.Text(t.ExternalID) == external {
				id = recs[i].ID
			}
		}
		return err
	}))
	return id
}

// resolved writes what the administrator sees without what tells the order in
// which it came: ids, times and versions.
func (w *world) resolved() string {
	var all []string
	w.must(w.dir.Read(context.Background(), w.admin(), func(r *directory.Reading) error {
		for _, t := range []*schema.ResourceType{w.set.User, w.set.Group} {
			recs, docs, err := w.documents(r, t)
			if err != nil {
				return err
			}
			for i, doc := range docs {
				var members []string
				if t.Kind == schema.Group {
					err = r.Members(recs[i].RID, func(m store.Member) error { members = append(members, m.Display); return nil })
				}
				if err != nil {
					return err
				}
				slices.Sort(members)
				all = append(all, fmt.Sprintf("%s %s %v", t.Name, w.anonymous(doc), members))
			}
		}
		return nil
	}))
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// anonymous writes a document without the ids of sources, which differ between
// worlds.
func (w *world) anonymous(doc *document.Object) string {
	out := string(doc.AppendJSON(nil))
	for _, a := range w.actors {
		out = strings.ReplaceAll(out, a.Source.PublicID, a.Source.Name)
	}
	return out
}
