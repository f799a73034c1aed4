package directory_test

import (
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
)

// A manager who hasn't arrived is waited for by a name that a group may have:
// the group is not taken for the manager, and the report stays a user.
func TestGroupIsNobodysManager(t *testing.T) {
	w := newWorld(t, openStore(t), "t")
	set, ad := w.set, w.actors[0]
	create := func(typ string, body string) (id string) {
		rt := set.Type(typ)
		_, err := w.dir.Write(t.Context(), ad, false, func(x *directory.Writer) error {
			r, err := x.Create(rt, directory.Input{Doc: w.doc(rt, body)})
			id = r.Record.ID
			return err
		})
		w.must(err)
		return id
	}
	report := create("Users", `{"userName":"anna@contoso.com","externalId":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"m"}}}`)
	create("Groups", `{"displayName":"Managers","externalId":"m"}`)
	manager := func() string {
		var got string
		w.must(w.dir.Read(t.Context(), w.admin(), func(r *directory.Reading) error {
			rec, err := r.Get(set.User, report, false)
			if err != nil {
				return err
			}
			doc, err := document.MustDecode(set.User, rec.Doc)
			if err != nil {
				return err
			}
			if doc.Text(set.User.UserName) != "anna@contoso.com" {
				t.Errorf("the report is %s", rec.Doc)
			}
			got = doc.Text(set.User.Manager.Value())
			return nil
		}))
		return got
	}
	if got := manager(); got != "" {
		t.Errorf("the manager is %q, a group", got)
	}
	boss := create("Users", `{"userName":"boss@contoso.com","externalId":"m"}`)
	if got := manager(); got != boss {
		t.Errorf("the manager is %q, want %q", got, boss)
	}
}

// A name that a user is just losing doesn't mean that user: who gets it next is
// the manager.
func TestANameThatIsLostMeansSomebodyElse(t *testing.T) {
	w := newWorld(t, openStore(t), "t")
	set, ad := w.set, w.actors[0]
	write := func(fn func(*directory.Writer) (directory.Result, error)) (id string) {
		_, err := w.dir.Write(t.Context(), ad, false, func(x *directory.Writer) error {
			r, err := fn(x)
			id = r.Record.ID
			return err
		})
		w.must(err)
		return id
	}
	create := func(body string) string {
		return write(func(x *directory.Writer) (directory.Result, error) {
			return x.Create(set.User, directory.Input{Doc: w.doc(set.User, body)})
		})
	}
	const anchor = `,"urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"originAnchor":"`
	for _, lost := range []string{"old", "oldAnchor"} {
		anna := create(`{"userName":"anna-` + lost + `@contoso.com","externalId":"old"` + anchor + `oldAnchor"}}`)
		write(func(x *directory.Writer) (directory.Result, error) {
			return x.Modify(set.User, anna, nil, directory.Change{Apply: func(o *document.Object) error {
				o.Set(set.User.ExternalID, "new"+lost)
				o.SetAt(set.User.Anchor, "newAnchor"+lost)
				o.SetAt(set.User.Manager.Value(), lost)
				return nil
			}})
		})
		manager := func() (got string) {
			w.must(w.dir.Read(t.Context(), w.admin(), func(r *directory.Reading) error {
				rec, err := r.Get(set.User, anna, false)
				if err != nil {
					return err
				}
				doc, err := document.MustDecode(set.User, rec.Doc)
				got = doc.Text(set.User.Manager.Value())
				return err
			}))
			return got
		}
		if got := manager(); got != "" {
			t.Errorf("%s: the manager is %q", lost, got)
		}
		boss := create(`{"userName":"boss-` + lost + `@contoso.com","externalId":"old"` + anchor + `oldAnchor"}}`)
		if got := manager(); got != boss {
			t.Errorf("%s: the manager is %q, want %q", lost, got, boss)
		}
		write(func(x *directory.Writer) (directory.Result, error) {
			return directory.Result{}, x.Delete(set.User, boss, nil)
		})
		write(func(x *directory.Writer) (directory.Result, error) {
			return directory.Result{}, x.Delete(set.User, anna, nil)
		})
	}
}

// A source that has a link to a resource already, under another anchor, isn't
// joined to it a second time: its two objects stay two.
func TestTwoObjectsOfOneSourceAreNeverJoined(t *testing.T) {
	w := newWorld(t, openStore(t), "t")
	set := w.set
	user := func(name, id, anchor string) *document.Object {
		return w.doc(set.User, `{"userName":"`+name+`@contoso.com","externalId":"`+id+`","urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"originAnchor":"`+anchor+`"}}`)
	}
	create := func(who int, doc *document.Object) (id string) {
		_, err := w.dir.Write(t.Context(), w.actors[who], false, func(x *directory.Writer) error {
			r, err := x.Create(set.User, directory.Input{Doc: doc})
			id = r.Record.ID
			return err
		})
		w.must(err)
		return id
	}
	anna := create(0, user("anna", "a", "anchor1"))
	if joined := create(1, user("anna", "x", "anchor1")); joined != anna {
		t.Fatalf("the same anchor is %s and %s", anna, joined)
	}
	_, err := w.dir.Write(t.Context(), w.actors[1], false, func(x *directory.Writer) error {
		_, err := x.Replace(set.User, anna, nil, directory.Input{Doc: user("anna", "x", "anchor2")})
		return err
	})
	w.must(err)
	if other := create(1, user("berta", "y", "anchor1")); other == anna {
		t.Error("a second object of the source took the first one's place")
	}
}
