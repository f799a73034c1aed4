package ad_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

// A030: what a pull reads for one membership change doesn't follow the size of
// the group: with a real controller, no more for one of 400 members than for one
// of two.
func TestA030AMembershipChangeReadsNoOtherMember(t *testing.T) {
	const size = 400
	d := newSite(t)
	ou := d.OU("people", "")
	var ldif strings.Builder
	var all []string
	for i := range size {
		dn := fmt.Sprintf("CN=u%d,%s", i, ou)
		all = append(all, dn)
		fmt.Fprintf(&ldif, "dn: %s\nobjectClass: user\nsAMAccountName: u%d\ngivenName: U\nsn: %d\nuserAccountControl: 544\n\n", dn, i, i)
	}
	if err := d.Load(t.Context(), strings.NewReader(ldif.String())); err != nil {
		t.Fatal(err)
	}
	ada, bob := d.User("ada", ou, names("Ada", "Lovelace")), d.User("bob", ou, names("Bob", "Babbage"))
	small, large := d.Group("small", ou, all[:2]...), d.Group("large", ou, all...)

	proxy := adtest.NewProxy(t, d.Address+":636")
	config := d.directory()
	config.Servers = []string{"ldaps://" + proxy.HostPort()}
	document, err := ad.ParseDocument([]byte(`{"scope":{"containers":{"include":["` + d.id(ou) + `"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	source, err := ad.New(ad.Config{Directory: config, Document: document})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	m := newModel(t)
	m.next(source)

	// pulled is what a pull of one change of a group reads, in bytes.
	pulled := func(group string, do func(string, ...string)) int64 {
		t.Helper()
		do(group, bob)
		proxy.Arm(adtest.Fault{})
		m.next(source)
		if len(m.changes) != 1 || m.changes[0].Anchor != d.id(group) || m.changes[0].AllMembers {
			t.Fatalf("%+v", m.changes)
		}
		return proxy.Passed()
	}
	d.AddMembers(small, ada)
	m.next(source) // what is read once for a connection
	const slack = 2000
	for _, do := range []func(string, ...string){d.AddMembers, d.RemoveMembers} {
		if few, many := pulled(small, do), pulled(large, do); many > few+slack {
			t.Errorf("%d bytes of a group of two, %d of one of %d", few, many, size)
		}
	}
	m.agrees(source)
}
