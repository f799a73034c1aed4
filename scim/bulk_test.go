package scim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

const (
	bulkHead = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],`
	userHead = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],`
)

func bulkOf(more string, ops ...string) string {
	return bulkHead + more + `"Operations":[` + strings.Join(ops, ",") + `]}`
}

func postUser(bulkID, userName string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":%s"userName":%q}}`, bulkID, userHead, userName)
}

func postGroup(bulkID, member string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":%q,"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":%[1]q,"members":[{"value":"bulkId:%[2]s"}]}}`, bulkID, member)
}

// circle is a user and two groups that are members of each other: the user is
// the first transaction, each group one of its own, and the fourth adds the
// member that the first group lacks.
func circle() string {
	return bulkOf("", postGroup("a", "b"), postGroup("b", "a"), postUser("u", "u@contoso.com"))
}

// only has the n-th Update from now on go another way.
func (d *door) only(n int, way func(ctx context.Context, fn func(store.Tx) error) error) {
	d.store.update = func(ctx context.Context, fn func(store.Tx) error) error {
		if n--; n == 0 {
			return way(ctx, fn)
		}
		return d.store.Store.Update(ctx, fn)
	}
}

// errAgain ends a transaction that runs again.
var errAgain = errors.New("again")

// again has an Update run, lose against another one, and run again.
func (d *door) again(meanwhile func()) func(ctx context.Context, fn func(store.Tx) error) error {
	return func(ctx context.Context, fn func(store.Tx) error) error {
		err := d.store.Store.Update(ctx, func(tx store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errAgain
		})
		if !errors.Is(err, errAgain) {
			return err
		}
		meanwhile()
		return d.store.Store.Update(ctx, fn)
	}
}

// statuses are those of the operations, in order.
func (r reply) statuses() string {
	var all []string
	for _, op := range r.Operations {
		all = append(all, op.Status)
	}
	return strings.Join(all, " ")
}

func TestBulkThatCantCloseACircleTellsWhatItMade(t *testing.T) {
	for name, c := range map[string]struct {
		way    func(d *door, ctx context.Context, fn func(store.Tx) error) error
		detail string
		closed bool
	}{
		"unavailable": {func(*door, context.Context, func(store.Tx) error) error { return store.ErrUnavailable },
			"could not add", false},
		"broken": {func(*door, context.Context, func(store.Tx) error) error { return errors.New("a fault of ours") },
			"could not add", false},
		"uncertain, not done": {func(*door, context.Context, func(store.Tx) error) error { return store.ErrUncertain },
			"unknown", false},
		"uncertain, done": {func(d *door, ctx context.Context, fn func(store.Tx) error) error {
			return errors.Join(d.store.Store.Update(ctx, fn), store.ErrUncertain)
		}, "unknown", true},
		"can neither add nor undo": {func(d *door, ctx context.Context, fn func(store.Tx) error) error {
			return d.store.Store.Update(ctx, func(tx store.Tx) error { return fn(stuck{tx}) })
		}, "could not add", false},
	} {
		t.Run(name, func(t *testing.T) {
			eachDoor(t, func(t *testing.T, d *door) {
				d.only(4, func(ctx context.Context, fn func(store.Tx) error) error { return c.way(d, ctx, fn) })
				r := d.send("POST", "/Bulk", circle())
				d.store.update = nil
				if r.Status != 200 || r.statuses() != "409 201 201" {
					t.Fatalf("%d %s", r.Status, r.Text)
				}
				a := r.Operations[0]
				for _, part := range []string{"was made", `bulkId "b"`, "PATCH", c.detail} {
					if !strings.Contains(a.Response.Detail, part) {
						t.Errorf("the detail lacks %q: %s", part, a.Response.Detail)
					}
				}
				if strings.Contains(r.Text, "Nothing was changed") {
					t.Errorf("something was: %s", r.Text)
				}
				if n := len(d.faults()); n != 1 {
					t.Errorf("%d lines in the log: %s", n, d.log)
				}
				got := d.send("GET", a.Location, "")
				if got.Status != 200 || (len(got.Members) == 1) != c.closed {
					t.Fatalf("the resource: %d %s", got.Status, got.Text)
				}
				// What the detail says to do works, whether it was done or not.
				b := d.send("GET", r.Operations[1].Location, "")
				patch := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"` + b.ID + `"}]}]}`
				if p := d.send("PATCH", a.Location, patch); p.Status != 204 {
					t.Errorf("PATCH: %d %s", p.Status, p.Text)
				}
				if got := d.send("GET", a.Location, ""); len(got.Members) != 1 || got.Members[0].Value != b.ID {
					t.Errorf("after the PATCH: %s", got.Text)
				}
			})
		})
	}
}

// stuck can neither add members nor end memberships.
type stuck struct{ store.Tx }

var errStuck = errors.New("stuck")

func (stuck) ChangeMembers(_, _, _ int64, _, _ []int64) (_, _ []int64, err error) {
	return nil, nil, errStuck
}

func (stuck) EndMemberships(_, _ int64) ([]int64, error) { return nil, errStuck }

// managed is a POST of a user whose manager another operation makes.
func managed(bulkID, by, userName string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":%s"userName":%q,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"bulkId:%s"}}}}`, bulkID, userHead, userName, by)
}

func TestBulkThatCantUndoHalfACircleTellsThatItStands(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		if r := d.send("POST", "/Users", userHead+`"userName":"taken@contoso.com"}`); r.Status != 201 {
			t.Fatal(r.Text)
		}
		d.only(3, func(ctx context.Context, fn func(store.Tx) error) error {
			return d.store.Store.Update(ctx, func(tx store.Tx) error { return fn(stuck{tx}) })
		})
		r := d.send("POST", "/Bulk", bulkOf("", managed("x", "y", "x@contoso.com"), managed("y", "x", "taken@contoso.com")))
		d.store.update = nil
		if r.statuses() != "409 409" || !strings.Contains(r.Operations[0].Response.Detail, "was made") {
			t.Fatal(r.Text)
		}
		if got := d.send("GET", r.Operations[0].Location, ""); got.Status != 200 {
			t.Errorf("the resource: %d %s", got.Status, got.Text)
		}
		if n := len(d.faults()); n != 1 || !strings.Contains(d.log.String(), errStuck.Error()) {
			t.Errorf("%d lines in the log: %s", n, d.log)
		}
	})
}

func TestBulkUndoesHalfACircleAlsoWhenTheTransactionRunsAgain(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		// The manager of x can't be made, so x, made before it, goes again.
		if r := d.send("POST", "/Users", userHead+`"userName":"taken@contoso.com"}`); r.Status != 201 {
			t.Fatal(r.Text)
		}
		d.only(3, d.again(func() {}))
		r := d.send("POST", "/Bulk", bulkOf("", managed("x", "y", "x@contoso.com"), managed("y", "x", "taken@contoso.com")))
		if r.statuses() != "409 409" || r.Operations[0].Location != "" {
			t.Fatal(r.Text)
		}
		if r := d.send("GET", `/Users?filter=userName+eq+%22x@contoso.com%22`, ""); r.TotalResults != 0 {
			t.Errorf("what failed is there: %s", r.Text)
		}
	})
}

func TestBulkAnswersNothingThatOnlyAFormerRunDid(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		d.only(1, d.again(func() {
			if r := d.send("POST", "/Users", userHead+`"userName":"1@contoso.com"}`); r.Status != 201 {
				t.Error(r.Text)
			}
		}))
		r := d.send("POST", "/Bulk", bulkOf(`"failOnErrors":1,`, postUser("1", "1@contoso.com"), postUser("2", "2@contoso.com")))
		if r.Status != 200 || r.statuses() != "409" {
			t.Errorf("%d %s", r.Status, r.Text)
		}
	})
}

func TestBulkLogsTheFaultsOfItsOperations(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		d.only(1, func(context.Context, func(store.Tx) error) error { return store.ErrUnavailable })
		r := d.send("POST", "/Bulk", bulkOf("", postUser("1", "1@contoso.com"), postUser("2", "2@contoso.com")))
		if r.statuses() != "503 503" {
			t.Fatal(r.Text)
		}
		if n := len(d.faults()); n != 1 {
			t.Errorf("%d lines in the log: %s", n, d.log)
		}
	})
}
