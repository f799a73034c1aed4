package dirsync_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// behind gives the configuration of a reader behind a proxy of the domain's
// controller.
func behind(t *testing.T, d *adtest.Domain, c dirsync.Config) (*adtest.Proxy, dirsync.Config) {
	t.Helper()
	proxy := adtest.NewProxy(t, d.Address+":636")
	c.Servers, c.ServerName = []string{"ldaps://" + proxy.HostPort()}, d.Name()
	return proxy, c
}

func people(d *adtest.Domain, n int) (ou string, users []string) {
	ou = d.OU("people", "")
	for i := range n {
		users = append(users, d.User(fmt.Sprintf("user%03d", i), ou, adtest.Attrs{"mail": {fmt.Sprintf("user%03d@test.example", i)}}))
	}
	d.Group("everybody", ou, users...)
	return ou, users
}

// guids are the identities of what was told, in order.
func guids(objects []*dirsync.Object) []string {
	var all []string
	for _, o := range objects {
		all = append(all, o.GUID.String())
	}
	slices.Sort(all)
	return all
}

// A page cut at any byte is an error without a checkpoint, or it is complete;
// and reading again tells all.
func TestACutPageIsCompleteOrAnError(t *testing.T) { tracked(t, aCutPageIsCompleteOrAnError) }

func aCutPageIsCompleteOrAnError(t *testing.T, mode dirsync.Mode) {
	d := adtest.Start(t, adtest.Settings{})
	people(d, 30)
	proxy, c := behind(t, d, configIn(d, mode))
	c.Idle = 5 * time.Second
	r := open(t, c)
	want := guids(pollSession(t, r.session, nil).objects)
	proxy.Arm(adtest.Fault{})
	if got := pollSession(t, r.session, nil); got.err != nil {
		t.Fatal(got.err)
	}
	whole := proxy.Passed()

	seed := rand.Uint64()
	t.Logf("seed %d, an answer of %d bytes", seed, whole)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 40 {
		fault := adtest.Fault{After: random.Int64N(whole + 1), Then: []adtest.Break{adtest.Close, adtest.Reset}[i%2]}
		if i == 0 {
			fault.After = whole - 1
		}
		// The connection is made before the fault is armed, so that the answer is
		// what it cuts.
		proxy.Arm(adtest.Fault{})
		pollSession(t, r.session, nil)
		proxy.Arm(fault)
		got := pollSession(t, r.session, nil)
		switch {
		case got.err == nil:
			// The cut came early, and a new connection took its place, or it came after
			// the last byte that was needed.
			if !slices.Equal(guids(got.objects), want) || got.checkpoint == nil {
				t.Fatalf("%+v: no error, and %d objects of %d", fault, len(got.objects), len(want))
			}
		case !errors.Is(got.err, dirsync.ErrIncomplete) && !isNetwork(got.err):
			t.Fatalf("%+v: %v", fault, got.err)
		case got.checkpoint != nil:
			t.Fatalf("%+v: an error, and a checkpoint", fault)
		}
		proxy.Arm(adtest.Fault{})
		if got := pollSession(t, r.session, nil); got.err != nil || !slices.Equal(guids(got.objects), want) {
			t.Fatalf("after %+v: %v, %d objects of %d", fault, got.err, len(got.objects), len(want))
		}
	}
}

// isNetwork says whether a new connection couldn't be made.
func isNetwork(err error) bool {
	return strings.Contains(err.Error(), "connecting to") || strings.Contains(err.Error(), "TLS with")
}

func TestAStalledServerIsGivenUp(t *testing.T) { tracked(t, aStalledServerIsGivenUp) }

func aStalledServerIsGivenUp(t *testing.T, mode dirsync.Mode) {
	d := adtest.Start(t, adtest.Settings{})
	people(d, 30)
	proxy, c := behind(t, d, configIn(d, mode))
	c.Idle = 300 * time.Millisecond
	r := open(t, c)
	pollSession(t, r.session, nil)
	proxy.Arm(adtest.Fault{After: 20000, Then: adtest.Stall})
	got := pollSession(t, r.session, nil)
	if !errors.Is(got.err, dirsync.ErrStalled) || !errors.Is(got.err, dirsync.ErrIncomplete) || got.checkpoint != nil {
		t.Errorf("err %v, checkpoint %t; want ErrStalled without one", got.err, got.checkpoint != nil)
	}
}

// Who takes longer than the server may be silent loses nothing, because silence
// is counted only while an answer is awaited.
func TestASlowConsumerLosesNothing(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	_, users := people(d, 60)
	proxy, c := behind(t, d, config(d))
	c.Idle = 500 * time.Millisecond
	r := open(t, c)
	proxy.Arm(adtest.Fault{Pace: time.Millisecond})
	changes, err := r.session.Changes(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	told, complete := 0, false
	for n := 0; ; n++ {
		if n == 5 {
			time.Sleep(2 * c.Idle)
		}
		change, err := changes.Next()
		if err != nil {
			if !complete {
				t.Fatal(err)
			}
			break
		}
		complete = change.Checkpoint != nil
		if change.Object != nil && strings.HasPrefix(change.Object.DN, "CN=user") {
			told++
		}
	}
	if told != len(users) {
		t.Errorf("%d users told, want %d", told, len(users))
	}
}

func TestACancelledReadIsAnError(t *testing.T) { tracked(t, aCancelledReadIsAnError) }

func aCancelledReadIsAnError(t *testing.T, mode dirsync.Mode) {
	d := adtest.Start(t, adtest.Settings{})
	people(d, 30)
	proxy, c := behind(t, d, configIn(d, mode))
	r := open(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	pollSession(t, r.session, nil)
	proxy.Arm(adtest.Fault{After: 20000, Then: adtest.Stall})
	changes, err := r.session.Changes(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for {
		change, err := changes.Next()
		if change.Checkpoint != nil {
			t.Fatal("a cancelled read gave a checkpoint")
		}
		if err != nil {
			if !errors.Is(err, context.Canceled) || !errors.Is(err, dirsync.ErrIncomplete) {
				t.Errorf("err %v, want the context's", err)
			}
			break
		}
	}
}

func TestTheReadGoesOnAfterTheControllerWasRestarted(t *testing.T) {
	tracked(t, theReadGoesOnAfterTheControllerWasRestarted)
}

func theReadGoesOnAfterTheControllerWasRestarted(t *testing.T, mode dirsync.Mode) {
	d := adtest.Start(t, adtest.Settings{})
	ou, _ := people(d, 3)
	r := open(t, configIn(d, mode))
	r.poll()
	for _, hard := range []bool{false, true} {
		d.User(fmt.Sprintf("late%t", hard), ou, nil)
		d.MustRestart(hard)
		got := r.poll()
		if got.full != dirsync.Incremental {
			t.Errorf("full: %s", got.full)
		}
		got.only(t, fmt.Sprintf("late%t", hard))
		if _, err := r.session.Object(t.Context(), got.objects[0].GUID); err != nil {
			t.Errorf("a lookup after a restart: %v", err)
		}
	}
}

func TestAControllerThatWasSetBackLeadsToAFullRead(t *testing.T) {
	tracked(t, aControllerThatWasSetBackLeadsToAFullRead)
}

func aControllerThatWasSetBackLeadsToAFullRead(t *testing.T, mode dirsync.Mode) {
	d := adtest.Start(t, adtest.Settings{})
	ou, _ := people(d, 3)
	r := open(t, configIn(d, mode))
	r.poll()
	setBack := d.MustSnapshot()
	lost := d.User("lost", ou, nil)
	d.Set(lost, "mail", "lost@test.example")
	r.poll()
	setBack()
	got := r.poll()
	if got.full != dirsync.FullRolledBack {
		t.Fatalf("full %q, want %q", got.full, dirsync.FullRolledBack)
	}
	got.byName(t, "user000")
	for _, o := range got.objects {
		if strings.HasPrefix(o.DN, "CN=lost") {
			t.Error("what was lost is told")
		}
	}
	d.User("new", ou, nil)
	if next := r.poll(); next.full != dirsync.Incremental {
		t.Errorf("after it, full %q", next.full)
	} else {
		next.only(t, "new")
	}
}

func TestACheckpointThatCantBeContinued(t *testing.T) { tracked(t, aCheckpointThatCantBeContinued) }

func aCheckpointThatCantBeContinued(t *testing.T, mode dirsync.Mode) {
	d := adtest.Start(t, adtest.Settings{})
	c := configIn(d, mode)
	people(d, 3)
	r := open(t, c)
	r.poll()
	good := r.checkpoint
	want := guids(pollSession(t, r.session, nil).objects)

	t.Run("damaged at any byte", func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		for range 20 {
			bad := slices.Clone(good)
			if at := random.IntN(len(bad)); random.IntN(2) == 0 {
				bad[at] ^= byte(1 + random.IntN(255))
			} else {
				bad = bad[:max(at, 1)]
			}
			got := pollSession(t, r.session, bad)
			if got.err != nil || got.full != dirsync.FullCheckpointDamaged || !slices.Equal(guids(got.objects), want) {
				t.Fatalf("full %q, %v, %d objects", got.full, got.err, len(got.objects))
			}
		}
	})
	t.Run("refused cookie", func(t *testing.T) {
		reason := dirsync.FullCookieRefused
		if mode == dirsync.ModeUSNChanged {
			reason = dirsync.FullCheckpointDamaged
		}
		got := pollSession(t, r.session, dirsync.WithCookie(t, good, []byte("no cookie of any controller")))
		if got.err != nil || got.full != reason || !slices.Equal(guids(got.objects), want) {
			t.Errorf("full %q, %v, %d objects", got.full, got.err, len(got.objects))
		}
	})
	t.Run("other attributes", func(t *testing.T) {
		other := c
		other.Attributes = append(slices.Clone(c.Attributes), "department")
		if got := pollSession(t, open(t, other).session, good); got.full != dirsync.FullAttributesChanged || got.err != nil {
			t.Errorf("full %q, %v", got.full, got.err)
		}
		other.Attributes = slices.Clone(c.Attributes)
		slices.Reverse(other.Attributes)
		if got := pollSession(t, open(t, other).session, good); got.full != dirsync.Incremental || got.err != nil {
			t.Errorf("the same attributes in another order: full %q, %v", got.full, got.err)
		}
	})
	t.Run("other mode", func(t *testing.T) {
		for _, to := range []dirsync.Mode{dirsync.ModeDirSync, dirsync.ModeObjectSecurity, dirsync.ModeUSNChanged} {
			if to == mode {
				continue
			}
			other := c
			other.Mode = to
			got := pollSession(t, open(t, other).session, good)
			if got.full != dirsync.FullModeChanged || got.absence != (to == dirsync.ModeDirSync) || got.err != nil {
				t.Errorf("to %s: full %q, absence %t, %v", to, got.full, got.absence, got.err)
			}
		}
	})
	t.Run("unknown controller", func(t *testing.T) {
		got := pollSession(t, r.session, dirsync.OfOtherController(t, good))
		if got.err != nil || got.full != dirsync.FullOtherController || !slices.Equal(guids(got.objects), want) {
			t.Errorf("full %q, %v, %d objects", got.full, got.err, len(got.objects))
		}
	})
	t.Run("foreign domain", func(t *testing.T) {
		foreign := adtest.Start(t, adtest.Settings{Realm: "OTHER.EXAMPLE"})
		got := pollSession(t, open(t, configIn(foreign, mode)).session, good)
		if !errors.Is(got.err, dirsync.ErrForeignDomain) {
			t.Errorf("err %v", got.err)
		}
	})
}

func TestRights(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	ou, users := people(d, 3)
	s := d.Service("svc")
	c := configOf(d, s)
	r := open(t, c)

	t.Run("none", func(t *testing.T) {
		got := pollSession(t, r.session, nil)
		lacking, ok := errors.AsType[*dirsync.RightError](got.err)
		if !ok {
			t.Fatalf("err %v, want a RightError", got.err)
		}
		for _, part := range []string{"Replicating Directory Changes", s.Name, d.Base(), "dsacls", "samba-tool"} {
			if !strings.Contains(lacking.Error(), part) {
				t.Errorf("%q doesn't name %s", lacking, part)
			}
		}
	})
	t.Run("object security needs none, and sees no deletion", func(t *testing.T) {
		weaker := c
		weaker.Mode = dirsync.ModeObjectSecurity
		w := open(t, weaker)
		first := w.poll()
		first.byName(t, "user000")
		if first.deletions || first.absence {
			t.Errorf("deletions %t, absence %t; want neither", first.deletions, first.absence)
		}
		d.Delete(users[0])
		if got := w.poll(); len(got.objects) != 0 || got.deletions {
			t.Errorf("a deletion: %d objects, deletions %t", len(got.objects), got.deletions)
		}
		d.Grant(s.DN, adtest.ReadDeletedObjects)
		defer d.Revoke(s.DN, adtest.ReadDeletedObjects)
		d.Delete(users[1])
		if got := w.poll(); !got.deletions || !got.byName(t, "user001").Life.Deleted() {
			t.Errorf("with the right to read deleted objects: deletions %t", got.deletions)
		}
	})
	t.Run("replication without deleted objects says so", func(t *testing.T) {
		d.Grant(s.DN, adtest.ReplicatingChanges)
		if got := r.poll(); got.deletions {
			t.Error("deletions are claimed to be seen")
		}
	})
	t.Run("lost", func(t *testing.T) {
		d.Revoke(s.DN, adtest.ReplicatingChanges)
		d.User("unseen", ou, nil)
		if got := pollSession(t, r.session, r.checkpoint); !errors.As(got.err, new(*dirsync.RightError)) || len(got.objects) > 0 {
			t.Errorf("err %v, %d objects", got.err, len(got.objects))
		}
		d.Grant(s.DN, adtest.ReplicatingChanges)
		if got := r.poll(); got.full != dirsync.Incremental {
			t.Errorf("given back, full %q", got.full)
		} else {
			got.only(t, "unseen")
		}
	})
}

func TestTheFirstControllerThatAnswersIsTaken(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	c := config(d)
	c.Servers = []string{"ldaps://127.0.0.1:1", "ldaps://" + d.Address}
	if got := open(t, c).session.Facts().Server; got != c.Servers[1] {
		t.Errorf("server %s", got)
	}
	c.Servers = c.Servers[:1]
	if _, err := dirsync.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("no controller: %v", err)
	}
}

func TestABindIsRefused(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	good := config(d)
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("not it"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := d.Service("other")
	for _, test := range []struct {
		name    string
		prepare func(c *dirsync.Config)
		want    string
	}{
		{"wrong password", func(c *dirsync.Config) { c.PasswordFile = wrong }, "wrong name or password"},
		{"disabled", func(c *dirsync.Config) {
			c.Account, c.PasswordFile = s.Name, s.PasswordFile
			d.Set(s.DN, "userAccountControl", "514")
		}, "disabled"},
		{"expired", func(c *dirsync.Config) {
			c.Account, c.PasswordFile = s.Name, s.PasswordFile
			d.Set(s.DN, "userAccountControl", "512")
			d.Set(s.DN, "accountExpires", "133500000000000000")
		}, "has expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good
			test.prepare(&c)
			_, err := dirsync.Open(t.Context(), c)
			refused, ok := errors.AsType[*dirsync.BindError](err)
			if !ok || !strings.Contains(refused.Reason, test.want) || refused.WayOut == "" {
				t.Errorf("err %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "not it") || strings.Contains(err.Error(), s.Password)) {
				t.Errorf("the password is in the error %q", err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	good := config(d)
	other := adtest.Start(t, adtest.Settings{Realm: "OTHER.EXAMPLE"})
	for _, test := range []struct {
		name   string
		change func(c *dirsync.Config)
		ok     bool
	}{
		{"LDAPS", func(*dirsync.Config) {}, true},
		{"StartTLS", func(c *dirsync.Config) { c.Servers = []string{d.PlainURL()} }, true},
		{"LDAPS, other CA", func(c *dirsync.Config) { c.CAFile = other.CAFile() }, false},
		{"StartTLS, other CA", func(c *dirsync.Config) { c.Servers, c.CAFile = []string{d.PlainURL()}, other.CAFile() }, false},
		{"system's CAs", func(c *dirsync.Config) { c.CAFile = "" }, false},
		{"other name", func(c *dirsync.Config) { c.ServerName = "dc.elsewhere.example" }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good
			test.change(&c)
			s, err := dirsync.Open(t.Context(), c)
			if (err == nil) != test.ok {
				t.Errorf("err %v, want success %t", err, test.ok)
			}
			if err == nil {
				_ = s.Close()
			}
		})
	}
}
