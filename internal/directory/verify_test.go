package directory_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// verify gives the discrepancies of each source, as its reports list them.
func (p *past) verify() (found []string) {
	p.t.Helper()
	for _, a := range p.actors {
		n, err := p.dir.VerifySource(context.Background(), p.actors[3], a.Source.PublicID)
		p.must(err)
		if n.State != store.RunSucceeded || n.Kind != "verify" {
			p.t.Fatalf("run %+v", n)
		}
		if n.PlanHash == nil {
			continue
		}
		p.must(p.dir.Plan(context.Background(), p.actors[3], n.PublicID, func(_ store.Run, b []byte) error {
			found = append(found, a.Source.Name+": "+string(b))
			return nil
		}))
	}
	return found
}

// Whatever was written, and undone, what is stored is what follows from the
// links (rows H052, H053), and a write of one source leaves the digests of all
// others as they are (row H011).
func TestWhatIsStoredFollowsFromTheLinks(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			p := newPast(rt, s, fmt.Sprintf("t%d", n))
			run := p.run(0)
			var did []string
			for range rapid.IntRange(1, 14).Draw(rt, "history") {
				who := rapid.IntRange(0, len(p.actors)-1).Draw(rt, "writer")
				before := p.digests()
				in := ""
				if who == 0 && rapid.Bool().Draw(rt, "run") {
					in = run
				}
				st := p.draw(rt, who)
				p.writeIn(in, st)
				did = append(did, fmt.Sprint(who, " ", st.name))
				p.othersEqual(before, who, did)
			}
			if found := p.verify(); len(found) > 0 {
				rt.Fatalf("%q\n%q", did, found)
			}
			before := p.digests()
			if _, _, err := p.undo(run, directory.UndoRequest{SkipNewer: true}); err != nil {
				rt.Fatal(err)
			}
			p.othersEqual(before, 0, append(did, "undo"))
			if found := p.verify(); len(found) > 0 {
				rt.Fatalf("after the undo: %q\n%q", did, found)
			}
		})
	})
}

func (p *past) digests() []directory.SourceDigest {
	all, err := p.dir.Digests(context.Background(), p.actors[3])
	p.must(err)
	return all
}

func (p *past) othersEqual(before []directory.SourceDigest, who int, did []string) {
	for i, now := range p.digests() {
		if now != before[i] && now.Source != p.actors[who].Source.PublicID {
			p.t.Fatalf("%q\nchanged the digest of %s", did, now.Name)
		}
	}
}

// The digest tells any change of what the source itself asserts.
func TestDigestTellsEveryChangeOfItsSource(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	own := func() directory.SourceDigest {
		all := p.digests()
		return all[slices.IndexFunc(all, func(d directory.SourceDigest) bool { return d.Name == "ad" })]
	}
	seen := map[string]bool{own().SHA256: true}
	changed := func(what string, links, members int64) {
		t.Helper()
		d := own()
		if seen[d.SHA256] || d.Links != links || d.Members != members {
			t.Errorf("%s: %+v", what, d)
		}
		seen[d.SHA256] = true
	}
	users := p.users("", 0, 0, 2)
	changed("two users", 2, 0)
	group := p.group("", 0, "g", users[0])
	changed("a group", 3, 1)
	p.members("", 0, group, directory.MemberOp{Add: users[1:]})
	changed("a member", 3, 2)
	p.title("", 0, users[0], "B")
	changed("a title", 3, 2)
	p.in("", 0, func(x *directory.Writer) error { return x.Delete(p.set.User, users[0], nil) })
	changed("a delete", 3, 1)
	for _, who := range []int{0, 1} {
		if _, err := p.dir.Digests(t.Context(), p.actors[who]); !directory.Violated(err, directory.RuleForbidden) {
			t.Errorf("a source reads the digests: %v", err)
		}
	}
}
