package adtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// Domain is a controller with its directory, for one test: each method fails
// the test if the directory refuses.
type Domain struct {
	*DC
	t     testing.TB
	admin *ldap.Conn
}

// Need ends a test that can't have a controller: it is skipped, or fails where
// the variable CI is set. make test and .ci/run always have one.
func Need(t testing.TB) {
	t.Helper()
	if err := Available(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no domain controller can be started, and CI is set: %v", err)
		}
		t.Skipf("no domain controller can be started: %v; as root make test installs and starts one", err)
	}
}

// Start gives a test a domain of its own, which ends with the test. It needs
// Samba, as Need says.
func Start(t testing.TB, s Settings) *Domain {
	t.Helper()
	Need(t)
	dc, err := Run(s, filepath.Join(t.TempDir(), "dc"))
	if err != nil {
		t.Fatal(err)
	}
	return of(t, dc)
}

// of gives a running controller to a test, with which it ends.
func of(t testing.TB, dc *DC) *Domain {
	d := &Domain{DC: dc, t: t}
	t.Cleanup(func() {
		d.disconnect()
		if err := dc.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("samba's log:\n%s", dc.logTail())
		}
	})
	return d
}

// For gives the same domain to a subtest.
func (d *Domain) For(t testing.TB) *Domain {
	of := *d
	of.t = t
	of.admin = nil
	t.Cleanup(of.disconnect)
	return &of
}

func (d *Domain) disconnect() {
	if d.admin != nil {
		_ = d.admin.Close() // whether its server still runs doesn't matter
		d.admin = nil
	}
}

// Admin is a connection bound as the administrator. It is made anew after the
// controller was restarted.
func (d *Domain) Admin() *ldap.Conn {
	d.t.Helper()
	if d.admin == nil || d.admin.IsClosing() {
		conn, err := d.Connect()
		if err != nil {
			d.t.Fatal(err)
		}
		d.admin = conn
	}
	return d.admin
}

func (d *Domain) must(doing string, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s: %v", doing, err)
	}
}

// MustRestart stops and starts the controller, killed if hard.
func (d *Domain) MustRestart(hard bool) {
	d.t.Helper()
	d.disconnect()
	end := d.Stop
	if hard {
		end = d.Kill
	}
	d.must("stop", end())
	d.must("start", d.Start())
}

// MustSnapshot keeps what the controller holds, and gives what sets it back to
// that.
func (d *Domain) MustSnapshot() (setBack func()) {
	d.t.Helper()
	d.disconnect()
	to := filepath.Join(d.t.TempDir(), "snapshot")
	d.must("snapshot", d.Snapshot(to))
	return func() {
		d.t.Helper()
		d.disconnect()
		d.must("set back", d.SetBack(to))
	}
}

// Attrs are an object's attributes, by name.
type Attrs map[string][]string

// Create adds an object. The DN is relative to the domain's root, as all are
// that these methods take and give, unless it ends in the root's own
// or is a <GUID=…>.
func (d *Domain) Create(dn string, classes []string, attrs Attrs) string {
	d.t.Helper()
	dn = d.full(dn)
	request := ldap.NewAddRequest(dn, nil)
	request.Attribute("objectClass", classes)
	for name, values := range attrs {
		request.Attribute(name, values)
	}
	d.must("add "+dn, d.Admin().Add(request))
	return dn
}

func (d *Domain) full(dn string) string {
	if strings.HasPrefix(dn, "<GUID=") || strings.HasSuffix(strings.ToLower(dn), strings.ToLower(d.Base())) {
		return dn
	}
	return dn + "," + d.Base()
}

// rdn is the first part of a DN, with a name that may hold anything. EscapeDN
// leaves an = as it is, which Samba refuses.
func rdn(attribute, name string) string {
	return attribute + "=" + strings.ReplaceAll(ldap.EscapeDN(name), "=", `\3D`)
}

// OU makes an organizational unit below a container and gives its DN. Below ""
// is the domain's root.
func (d *Domain) OU(name, below string) string {
	d.t.Helper()
	return d.Create(d.below("OU", name, below), []string{"organizationalUnit"}, nil)
}

func (d *Domain) below(attribute, name, container string) string {
	if container == "" {
		container = d.Base()
	}
	return rdn(attribute, name) + "," + container
}

// User makes an enabled user account with that sAMAccountName and gives its DN.
func (d *Domain) User(name, below string, attrs Attrs) string {
	d.t.Helper()
	all := Attrs{"sAMAccountName": {name}, "userPrincipalName": {name + "@" + strings.ToLower(d.Realm)},
		"userAccountControl": {"544"}} // 0x200 normal account, 0x20 needs no password
	for name, values := range attrs {
		all[name] = values
	}
	return d.Create(d.below("CN", name, below), []string{"user"}, all)
}

// Group makes a universal security group with members and gives its DN.
func (d *Domain) Group(name, below string, members ...string) string {
	d.t.Helper()
	attrs := Attrs{"sAMAccountName": {name}, "groupType": {"-2147483640"}}
	if len(members) > 0 {
		attrs["member"] = members
	}
	return d.Create(d.below("CN", name, below), []string{"group"}, attrs)
}

// Set replaces an attribute's values; without values it is cleared.
func (d *Domain) Set(dn, attribute string, values ...string) {
	d.t.Helper()
	request := ldap.NewModifyRequest(d.full(dn), nil)
	request.Replace(attribute, values)
	d.must("modify "+dn, d.Admin().Modify(request))
}

// AddMembers adds members to a group.
func (d *Domain) AddMembers(group string, members ...string) {
	d.t.Helper()
	request := ldap.NewModifyRequest(d.full(group), nil)
	request.Add("member", members)
	d.must("add members to "+group, d.Admin().Modify(request))
}

// RemoveMembers removes members from a group.
func (d *Domain) RemoveMembers(group string, members ...string) {
	d.t.Helper()
	request := ldap.NewModifyRequest(d.full(group), nil)
	request.Delete("member", members)
	d.must("remove members of "+group, d.Admin().Modify(request))
}

// Rename gives an object another name in its container, and gives its new DN.
func (d *Domain) Rename(dn, name string) string {
	d.t.Helper()
	dn = d.full(dn)
	old, container := split(dn)
	attribute, _, _ := strings.Cut(old, "=")
	to := rdn(attribute, name)
	d.must("rename "+dn, d.Admin().ModifyDN(ldap.NewModifyDNRequest(dn, to, true, "")))
	return to + "," + container
}

// split cuts a DN after its first part.
func split(dn string) (first, container string) {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[:i], dn[i+1:]
		}
	}
	return dn, ""
}

// Move puts an object below another container, and gives its new DN.
func (d *Domain) Move(dn, below string) string {
	d.t.Helper()
	dn = d.full(dn)
	name, _ := split(dn)
	d.must("move "+dn, d.Admin().ModifyDN(ldap.NewModifyDNRequest(dn, name, true, below)))
	return name + "," + below
}

// Delete deletes an object that nothing is below of.
func (d *Domain) Delete(dn string) {
	d.t.Helper()
	d.must("delete "+dn, d.Admin().Del(ldap.NewDelRequest(d.full(dn), nil)))
}

// Restore brings a deleted object back under a DN (MS-ADTS 3.1.1.5.3.7).
func (d *Domain) Restore(guid, dn string) {
	d.t.Helper()
	request := ldap.NewModifyRequest(d.Read("<GUID="+guid+">", "distinguishedName")[0], []ldap.Control{ldap.NewControlMicrosoftShowDeleted()})
	request.Delete("isDeleted", nil)
	request.Replace("distinguishedName", []string{d.full(dn)})
	d.must("restore "+dn, d.Admin().Modify(request))
}

// ForgetDeletions lets the controller collect its tombstones, as it does when they
// have lived their time.
func (d *Domain) ForgetDeletions() {
	d.t.Helper()
	out, err := sambaTool(d.dir, "domain", "tombstones", "expunge", "--tombstone-lifetime=0")
	d.must("forget deletions: "+tail(out), err)
}

// SetPassword sets an account's password (MS-ADTS 3.1.1.3.1.5.1).
func (d *Domain) SetPassword(dn, password string) {
	d.t.Helper()
	quoted := utf16.Encode([]rune(`"` + password + `"`))
	value := make([]byte, 0, 2*len(quoted))
	for _, unit := range quoted {
		value = append(value, byte(unit), byte(unit>>8))
	}
	d.Set(dn, "unicodePwd", string(value))
}

// Read gives one attribute of an object, as bytes in strings.
func (d *Domain) Read(dn, attribute string) []string {
	d.t.Helper()
	request := ldap.NewSearchRequest(d.full(dn), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", []string{attribute}, []ldap.Control{ldap.NewControlMicrosoftShowDeleted()})
	result, err := d.Admin().Search(request)
	d.must("read "+dn, err)
	if len(result.Entries) != 1 {
		d.t.Fatalf("read %s: %d entries, want 1", dn, len(result.Entries))
	}
	var values []string
	for _, value := range result.Entries[0].GetRawAttributeValues(attribute) {
		values = append(values, string(value))
	}
	return values
}

// Service is an account that a connector binds with.
type Service struct {
	Name         string // to bind with: DOMAIN\name
	DN           string
	Password     string
	PasswordFile string
}

// Service makes an account without any right of its own.
func (d *Domain) Service(name string) Service {
	d.t.Helper()
	s := Service{
		Name: d.NetBIOS + `\` + name, DN: d.User(name, "CN=Users,"+d.Base(), nil), Password: "Pw." + name + ".1",
		PasswordFile: filepath.Join(d.t.TempDir(), name+".password"),
	}
	d.SetPassword(s.DN, s.Password)
	d.Set(s.DN, "userAccountControl", "512")
	d.must("password file", os.WriteFile(s.PasswordFile, fmt.Appendln(nil, s.Password), 0o600))
	return s
}

// Keytab exports the keys that an account has now to a file, and gives its name.
func (d *Domain) Keytab(account string) string {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), account+".keytab")
	out, err := exec.Command(python, "/usr/bin/samba-tool", "domain", "exportkeytab", file,
		"--principal="+account, "--configfile="+configFile(d.dir)).CombinedOutput()
	if err != nil {
		d.t.Fatalf("exporting the keytab of %s: %v\n%s", account, err, tail(out))
	}
	return file
}
