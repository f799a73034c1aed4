package dirsync_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

func TestLookups(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	ou := d.OU(`people, "quoted" = Å`, "")
	inner := d.OU("inner", ou)
	ada := d.User("ada", inner, adtest.Attrs{"mail": {"ada@test.example"}})
	var members []string
	for i := range 1600 {
		members = append(members, fmt.Sprintf("c%04d", i))
	}
	for i, name := range members {
		members[i] = d.Create("CN="+name+","+inner, []string{"contact"}, nil)
	}
	group := d.Group("crew", inner, members...)
	d.AddMembers(group, "<SID=S-1-5-21-9-9-9-1234>") // a principal of a domain that isn't here
	r := open(t, config(d))
	ctx := t.Context()

	o, err := r.session.ObjectByDN(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	if mail, _ := o.Text("mail"); mail != "ada@test.example" || !o.Whole || len(o.Links) != 0 || !slices.Contains(o.AllLinks, "manager") {
		t.Errorf("read by DN: %+v", o)
	}
	if _, told := o.Values("displayName"); told {
		t.Error("an attribute without a value is told")
	}
	byGUID, err := r.session.Object(ctx, o.GUID)
	if err != nil || byGUID.DN != ada || byGUID.Parent != o.Parent || byGUID.Parent.IsZero() {
		t.Errorf("read by GUID: %+v, %v", byGUID, err)
	}
	d.Delete(ada)
	if dead, err := r.session.Object(ctx, o.GUID); err != nil || !dead.Life.Deleted() {
		t.Errorf("a deleted object: %+v, %v", dead, err)
	}
	if _, err := r.session.ObjectByDN(ctx, ada); !errors.Is(err, dirsync.ErrNotFound) {
		t.Errorf("the DN of a deleted object: %v", err)
	}
	if _, err := r.session.Object(ctx, dirsync.GUID{1}); !errors.Is(err, dirsync.ErrNotFound) {
		t.Errorf("an unknown GUID: %v", err)
	}

	crew, err := r.session.ObjectByDN(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[dirsync.GUID]bool{}
	for link, err := range r.session.LinkValues(ctx, crew.GUID, "member") {
		if err != nil {
			t.Fatal(err)
		}
		seen[link.GUID] = true
	}
	if len(seen) != len(members)+1 {
		t.Errorf("%d members by ranges, want %d", len(seen), len(members)+1)
	}
	for link, err := range r.session.LinkValues(ctx, o.Parent, "member") {
		t.Errorf("a link of an object without any: %v, %v", link, err)
	}

	var foreign []string
	for o, err := range r.session.Find(ctx, dirsync.GUID{}, "(objectClass=foreignSecurityPrincipal)") {
		if err != nil {
			t.Fatal(err)
		}
		if seen[o.GUID] {
			foreign = append(foreign, o.Name())
		}
	}
	if !slices.Equal(foreign, []string{"S-1-5-21-9-9-9-1234"}) {
		t.Errorf("foreign principals in the group: %q", foreign)
	}

	// Each container's parents lead to the root.
	all := map[dirsync.GUID]dirsync.Container{}
	for c, err := range r.session.Containers(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		all[c.GUID] = c
	}
	var path []string
	for at := o.Parent; !at.IsZero(); at = all[at].Parent {
		path = append(path, all[at].Name)
	}
	if want := []string{"inner", `people, "quoted" = Å`, "test"}; !slices.Equal(path, want) {
		t.Errorf("where ada stood: %q, want %q", path, want)
	}
}

func TestFacts(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{Realm: "OTHER.EXAMPLE"})
	f := open(t, config(d)).session.Facts()
	if f.DomainRoot != "DC=other,DC=example" || f.NetBIOS != "OTHER" || f.HostName != "DC1.other.example" || !f.Samba ||
		f.RecycleBin || f.DomainLevel != 4 || f.HighestUSN == 0 || f.InvocationID.IsZero() || f.DomainGUID.IsZero() ||
		f.DomainSID == "" || f.Skew.Abs().Minutes() > 1 {
		t.Errorf("%+v", f)
	}
}
