package ad_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

var (
	historySteps = flag.Int("ad.steps", 80, "changes of the directory in TestAnyHistoryConverges")
	historySeed  = flag.Uint64("ad.seed", 0, "seed of TestAnyHistoryConverges; 0 for one of the time")
)

// history changes a directory at random. Objects are named by GUID, because
// their DNs change.
type history struct {
	site
	r       *rand.Rand
	users   []string // GUIDs
	groups  []string
	ous     []string
	deleted []string // users
	named   int      // so many groups the scope names; they stay
	made    int
	flat    string // the OU in which those who are restored come back
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func guid(id string) string { return "<GUID=" + id + ">" }

func (h *history) dn(id string) string { return h.Read(guid(id), "distinguishedName")[0] }

// step does one thing and says which.
func (h *history) step() string {
	user, group := pick(h.r, h.users), pick(h.r, h.groups)
	h.made++
	name := fmt.Sprintf("n%d", h.made)
	switch n := h.r.IntN(22); n {
	case 0, 1:
		dn := h.User(name, h.dn(pick(h.r, h.ous)), names("G"+name, "S"+name))
		h.users = append(h.users, h.id(dn))
		return "create " + dn
	case 2:
		dn := h.Group(name, h.dn(pick(h.r, h.ous)), h.dn(user))
		h.groups = append(h.groups, h.id(dn))
		return "create group " + dn
	case 3, 4:
		return "move " + h.Move(h.dn(user), h.dn(pick(h.r, h.ous)))
	case 5:
		return "move group " + h.Move(h.dn(group), h.dn(pick(h.r, h.ous)))
	case 6:
		return "rename " + h.Rename(h.dn(user), name+", \"é\" = x")
	case 7:
		return "rename OU " + h.Rename(h.dn(pick(h.r, h.ous[1:])), name)
	case 8:
		return h.moveOU()
	case 9, 10:
		attribute := pick(h.r, []string{"title", "department", "telephoneNumber", "mobile", "mail", "displayName", "givenName"})
		h.Set(guid(user), attribute, pick(h.r, []string{"IT", "HR", "x@test.example", name}))
		return "set " + attribute + " of " + user
	case 11:
		h.Set(guid(user), pick(h.r, []string{"title", "department", "telephoneNumber"}))
		return "clear of " + user
	case 12:
		control := pick(h.r, []string{"544", "546"})
		h.Set(guid(user), "userAccountControl", control)
		return "control " + control + " of " + user
	case 13:
		h.Set(guid(user), "manager", h.dn(pick(h.r, h.users)))
		return "manager of " + user
	case 14, 15:
		return h.member(group, pick(h.r, append([]string{pick(h.r, h.groups)}, h.users...)))
	case 16:
		return h.primary(user)
	case 17:
		if len(h.users) < 6 {
			return "nothing"
		}
		h.Delete(h.dn(user))
		h.users = without(h.users, user)
		h.deleted = append(h.deleted, user)
		return "delete " + user
	case 18:
		if len(h.deleted) == 0 {
			return "nothing"
		}
		back := pick(h.r, h.deleted)
		h.deleted = without(h.deleted, back)
		h.Restore(back, "CN="+name+","+h.dn(h.flat))
		h.users = append(h.users, back)
		return "restore " + back
	case 19: // a group in a group
		return h.member(group, pick(h.r, h.groups))
	case 20:
		if gone := pick(h.r, h.groups); slices.Index(h.groups, gone) >= h.named && !h.isPrimary(gone) {
			h.Delete(h.dn(gone))
			h.groups = without(h.groups, gone)
			return "delete group " + gone
		}
		return "nothing"
	default:
		h.Set(guid(group), pick(h.r, []string{"displayName", "description"}), name)
		return "describe " + group
	}
}

func without(list []string, one string) (rest []string) {
	for _, s := range list {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

// moveOU moves an OU into another that isn't below it.
func (h *history) moveOU() string {
	from, to := h.dn(pick(h.r, h.ous[1:])), h.dn(pick(h.r, h.ous))
	if strings.HasSuffix(to, from) {
		return "nothing"
	}
	return "move OU " + h.Move(from, to)
}

// member adds a member, or removes it if it is one. A group isn't put in itself,
// which Windows refuses.
func (h *history) member(group, member string) string {
	if member == group {
		return "nothing"
	}
	dn := h.dn(member)
	for _, present := range h.Read(guid(group), "member") {
		if present == dn {
			h.RemoveMembers(guid(group), dn)
			return "remove " + dn + " of " + group
		}
	}
	if slices.Contains(h.Read(guid(member), "primaryGroupID"), h.rid(group)) {
		return "nothing" // it is its primary group
	}
	h.AddMembers(guid(group), dn)
	return "add " + dn + " to " + group
}

// isPrimary says whether a group is the primary one of somebody: then it can't be
// deleted.
func (h *history) isPrimary(group string) bool {
	rid := h.rid(group)
	return slices.ContainsFunc(h.users, func(user string) bool { return h.Read(guid(user), "primaryGroupID")[0] == rid })
}

// rid is the last part of a group's SID, as primaryGroupID holds it.
func (h *history) rid(group string) string {
	sid := []byte(h.Read(guid(group), "objectSid")[0])
	return fmt.Sprint(binary.LittleEndian.Uint32(sid[len(sid)-4:]))
}

// primary makes a group that a user is a member of its primary one; the one
// before, at first Domain Users, becomes one that it's a member of.
func (h *history) primary(user string) string {
	groups := h.Read(guid(user), "memberOf")
	if len(groups) == 0 {
		return "nothing"
	}
	to := pick(h.r, groups)
	h.Set(guid(user), "primaryGroupID", h.rid(h.id(to)))
	return "primary group of " + user + " is " + to
}

// After any history, pulled at any points, and again from older checkpoints, what
// was told equals what a full pull tells: H014, H022, E083, E088, E089, law 7.
func TestAnyHistoryConverges(t *testing.T) {
	seed := *historySeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for _, mode := range []dirsync.Mode{dirsync.ModeDirSync, dirsync.ModeUSNChanged} {
		t.Run(string(mode), func(t *testing.T) {
			t.Logf("seed %d (go test -run %s -ad.seed %d -ad.steps %d)", seed, t.Name(), seed, *historySteps)
			anyHistoryConverges(t, mode, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func anyHistoryConverges(t *testing.T, mode dirsync.Mode, r *rand.Rand) {
	d := newSite(t)
	d.mode = mode
	staff, temps, elsewhere := d.OU("staff", ""), d.OU("temps", ""), d.OU("elsewhere", "")
	h := &history{site: d, r: r}
	for _, dn := range []string{staff, temps, elsewhere, d.OU("a", staff), d.OU("b", staff), d.OU("c", temps), d.OU("d", elsewhere)} {
		h.ous = append(h.ous, d.id(dn))
	}
	h.flat = h.ous[0]
	for n := range 8 {
		dn := d.User(fmt.Sprintf("first%d", n), pick(r, []string{staff, elsewhere}), names("F", "L"))
		h.users = append(h.users, d.id(dn))
	}
	h.named = 2
	for n := range 3 {
		h.groups = append(h.groups, d.id(d.Group(fmt.Sprintf("group%d", n), pick(r, []string{staff, elsewhere}), h.dn(h.users[n]))))
	}
	// A user that lost its names keeps them (TestW009NamesAreRequired), so with the
	// policy require what is told depends on the history.
	inStaff := `"containers":{"include":["` + h.ous[0] + `","` + h.ous[1] + `"],"exclude":["` + h.ous[4] + `"]}`
	clauses := `"users":[[{"attribute":"department","operator":"IS NULL"}],[{"attribute":"department","operator":"EQUALS","value":"IT"}]]`
	worlds := []*world{
		{name: "everything", source: d.source(t, `{"policies":{"names":"accept","primaryGroups":"include"}}`)},
		{name: "containers", source: d.source(t, `{"scope":{`+inStaff+`,`+clauses+`},"policies":{"names":"accept","primaryGroups":"include"}}`)},
		{name: "groups", source: d.source(t, `{"scope":{"groups":["`+h.groups[0]+`","`+h.groups[1]+`"],`+clauses+`},"policies":{"names":"accept","scopeNested":"flatten","nested":"skip"}}`)},
		{name: "flattened", source: d.source(t, `{"policies":{"names":"accept","primaryGroups":"include","nested":"flatten"}}`)},
		{name: "flattened containers", source: d.source(t, `{"scope":{`+inStaff+`},"policies":{"names":"accept","nested":"flatten"}}`)},
	}
	for _, w := range worlds {
		w.model = newModel(t)
		w.model.next(w.source)
	}
	var log []string
	defer func() {
		if t.Failed() {
			t.Logf("the last steps:\n%s", strings.Join(log[max(0, len(log)-60):], "\n"))
		}
	}()
	for step := range *historySteps {
		log = append(log, fmt.Sprintf("%d: %s", step, h.step()))
		for _, w := range worlds {
			if r.IntN(16) == 0 {
				log = append(log, "pull "+w.name)
				w.pull(r)
			}
			if r.IntN(150) == 0 {
				log = append(log, "compare "+w.name)
				w.model.next(w.source)
				w.model.agrees(w.source)
			}
		}
	}
	for _, w := range worlds {
		w.model.next(w.source)
		w.model.agrees(w.source)
		w.model.next(w.source)
		for _, c := range w.model.changes {
			// Its own logon changes the account: that isn't replicated, and has a number.
			if mode != dirsync.ModeUSNChanged || c.Anchor != d.id(d.service.DN) {
				t.Errorf("%s: nothing changed, told %+v", w.name, c)
			}
		}
	}
	h.agreesWithDirectory(worlds[0].model, h.direct)
	h.agreesWithDirectory(worlds[3].model, h.flattened)
}

// world is one configuration of a source with what it told.
type world struct {
	name        string
	source      *ad.Source
	model       *model
	checkpoints [][]byte
}

// pull pulls from the last checkpoint, or from an older one as after a crash.
func (w *world) pull(r *rand.Rand) {
	w.checkpoints = append(w.checkpoints, w.model.kept)
	if r.IntN(5) == 0 {
		w.model.pull(w.source, w.checkpoints[r.IntN(len(w.checkpoints))])
		return
	}
	w.model.next(w.source)
}

// direct are the members of a group: those that its object lists and those whose
// primary group it is.
func (h *history) direct(group string) map[string]bool {
	all := map[string]bool{}
	for _, dn := range h.Read(guid(group), "member") {
		all[h.id(dn)] = true
	}
	own := h.rid(group)
	for _, user := range h.users {
		if h.Read(guid(user), "primaryGroupID")[0] == own {
			all[user] = true
		}
	}
	return all
}

// flattened are the people in a group and in those within it.
func (h *history) flattened(group string) map[string]bool {
	all := h.direct(group)
	for grown := true; grown; {
		grown = false
		for id := range maps.Clone(all) {
			if !slices.Contains(h.groups, id) {
				continue
			}
			for inner := range h.direct(id) {
				grown = grown || !all[inner]
				all[inner] = true
			}
		}
	}
	maps.DeleteFunc(all, func(id string, _ bool) bool { return slices.Contains(h.groups, id) })
	return all
}

// agreesWithDirectory compares users and members with what the directory itself
// says, read by other means.
func (h *history) agreesWithDirectory(m *model, members func(group string) map[string]bool) {
	m.t.Helper()
	for _, id := range h.users {
		o := m.objects[id]
		if o == nil {
			m.t.Errorf("user %s isn't told", h.dn(id))
			continue
		}
		for path, attribute := range map[string]string{"title": "title", "name.givenName": "givenName", "name.familyName": "sn"} {
			want := h.Read(guid(id), attribute)
			got, _ := o.Attributes[path].(string)
			if strings.Join(want, "") != got {
				m.t.Errorf("%s of %s: %q, the directory has %q", path, h.dn(id), got, want)
			}
		}
		if enabled := h.Read(guid(id), "userAccountControl")[0] == "544"; o.Attributes["active"] != enabled {
			m.t.Errorf("active of %s: %v, the directory has %t", h.dn(id), o.Attributes["active"], enabled)
		}
	}
	for _, id := range h.groups {
		want := members(id)
		for member := range want {
			if !m.objects[id].Members[member] {
				m.t.Errorf("%s isn't told as a member of %s", h.dn(member), h.dn(id))
			}
		}
		if len(want) != len(m.objects[id].Members) {
			m.t.Errorf("%s: %d members, the directory has %d", h.dn(id), len(m.objects[id].Members), len(want))
		}
	}
}
