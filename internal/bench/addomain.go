package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-ldap/ldap/v3"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// The shape of a domain.
const (
	usersPerGroup   = 20 // users of the domain for each of its groups
	membersPerGroup = 40
	usersPerManager = 20
	usersPerOU      = 1000
)

// adDomain is a real domain controller whose directory has users, and a group
// for every 20 of them.
type adDomain struct {
	dc           *adtest.DC
	admin        *ldap.Conn
	users        int
	passwordFile string
	changes      int // how often something was changed: no value comes twice
}

// newDomain starts a controller below dir. With kept, a directory for domains,
// the one with as many users there is copied, or made and left there.
func newDomain(ctx context.Context, dir, kept string, users int) (*adDomain, error) {
	d := &adDomain{users: users, passwordFile: filepath.Join(dir, fmt.Sprintf("password-%d", users))}
	if err := os.WriteFile(d.passwordFile, []byte(adtest.AdministratorPassword), 0o600); err != nil {
		return nil, err
	}
	var err error
	if d.dc, err = adtest.Run(adtest.Settings{}, filepath.Join(dir, fmt.Sprintf("dc-%d", users))); err != nil {
		return nil, err
	}
	if err := d.fill(ctx, kept); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := d.load(ctx, d.writeLimits); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if d.admin, err = d.dc.Connect(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *adDomain) fill(ctx context.Context, kept string) error {
	if kept == "" {
		return d.load(ctx, d.writeAll)
	}
	made := filepath.Join(kept, fmt.Sprintf("%d-users", d.users))
	if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, d.dc.SetBack(made))
	}
	if err := d.load(ctx, d.writeAll); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(kept, 0o700), d.dc.Snapshot(made))
}

func (d *adDomain) close() error {
	if d.admin != nil {
		_ = d.admin.Close() // the controller ends anyway
	}
	return d.dc.Close()
}

// load has the controller's directory changed as write says, in LDIF.
func (d *adDomain) load(ctx context.Context, write func(io.Writer)) error {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		b := bufio.NewWriterSize(w, 64<<10)
		write(b)
		_ = w.CloseWithError(b.Flush()) // it fails if who reads has ended, who says why
	}()
	return d.dc.Load(ctx, r)
}

// dn is the DN of a user.
func (d *adDomain) dn(number int) string {
	return fmt.Sprintf("CN=%s,OU=ou%d,OU=load,%s", personOf(number).local(), number/usersPerOU, d.dc.Base())
}

func (d *adDomain) groups() int { return d.users / usersPerGroup }

func (d *adDomain) groupDN(number int) string {
	return fmt.Sprintf("CN=group%d,OU=load,%s", number, d.dc.Base())
}

// member gives a member of a group. Neighbours in a group are no neighbours in
// the directory.
func (d *adDomain) member(group, n int) int {
	return int(mix(uint64(group))%uint64(d.users)+uint64(n)*uint64(d.users)/membersPerGroup) % d.users
}

// writeLimits gives a search the time that it may take on a busy machine: ten
// times the usual two minutes.
func (d *adDomain) writeLimits(w io.Writer) {
	fmt.Fprintf(w, "dn: CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,%s\n"+
		"changetype: modify\nreplace: lDAPAdminLimits\nlDAPAdminLimits: MaxQueryDuration=1200\n-\n\n", d.dc.Base())
}

// writeAll writes the whole directory.
func (d *adDomain) writeAll(w io.Writer) {
	base := d.dc.Base()
	fmt.Fprintf(w, "dn: OU=load,%s\nobjectClass: organizationalUnit\n\n", base)
	for i := 0; i < d.users; i += usersPerOU {
		fmt.Fprintf(w, "dn: OU=ou%d,OU=load,%s\nobjectClass: organizationalUnit\n\n", i/usersPerOU, base)
	}
	for i := range d.users {
		d.writeUser(w, i)
	}
	for i := range d.groups() {
		fmt.Fprintf(w, "dn: %s\nobjectClass: group\nsAMAccountName: group%d\ndisplayName: Group %[2]d\ngroupType: -2147483640\n", d.groupDN(i), i)
		for n := range membersPerGroup {
			fmt.Fprintf(w, "member: %s\n", d.dn(d.member(i, n)))
		}
		fmt.Fprintln(w)
	}
}

func (d *adDomain) writeUser(w io.Writer, number int) {
	p := personOf(number)
	given, family, local := given(p.h), family(p.h), p.local()
	fmt.Fprintf(w, "dn: %s\nobjectClass: user\nsAMAccountName: %s\nuserPrincipalName: %[2]s@test.example\nuserAccountControl: 544\n"+
		"givenName: %[3]s\nsn: %[4]s\ndisplayName: %[3]s %[4]s\nmail: %[2]s@%[5]s\nproxyAddresses: SMTP:%[2]s@%[5]s\nproxyAddresses: smtp:%[3]s.%[2]s@%[5]s\n",
		d.dn(number), local, given, family, mailDomain)
	fmt.Fprintf(w, "telephoneNumber: +353 1 %07d\nmobile: +353 87 %07[1]d\ndepartment: Survey %d\ncompany: Contoso Maritime\n"+
		"title: Cartographer\nemployeeID: %d\nstreetAddress: %d Harbour Road\nl: Dublin\npostalCode: D%05d\nc: IE\n",
		p.h%1e7, p.h%50, 100_000+number, p.h%500, p.h%1e5)
	if number > 0 {
		fmt.Fprintf(w, "manager: %s\n", d.dn((number-1)/usersPerManager))
	}
	fmt.Fprintln(w)
}

// setTitle changes a user's title, over LDAP.
func (d *adDomain) setTitle() error {
	d.changes++
	m := ldap.NewModifyRequest(d.dn(d.changes%d.users), nil)
	m.Replace("title", []string{fmt.Sprintf("Cartographer %d", d.changes)})
	return d.admin.Modify(m)
}

// addMember adds a member to a group, over LDAP; removeMember takes it out again.
func (d *adDomain) addMember() error {
	m := ldap.NewModifyRequest(d.groupDN(0), nil)
	m.Add("member", []string{d.dn(d.stranger())})
	return d.admin.Modify(m)
}

func (d *adDomain) removeMember() error {
	m := ldap.NewModifyRequest(d.groupDN(0), nil)
	m.Delete("member", []string{d.dn(d.stranger())})
	return d.admin.Modify(m)
}

// stranger is a user that isn't in group 0.
func (d *adDomain) stranger() int { return (d.member(0, 0) + 1) % d.users }

// change changes the titles of n users.
func (d *adDomain) change(ctx context.Context, n int) error {
	d.changes++
	return d.load(ctx, func(w io.Writer) {
		for i := range n {
			fmt.Fprintf(w, "dn: %s\nchangetype: modify\nreplace: title\ntitle: Cartographer %d\n-\n\n", d.dn(i), d.changes)
		}
	})
}

// config is how the domain is read.
func (d *adDomain) config() dirsync.Config {
	return dirsync.Config{
		Servers: []string{d.dc.URL()}, ServerName: d.dc.Name(), CAFile: d.dc.CAFile(),
		Account: d.dc.Administrator(), PasswordFile: d.passwordFile,
	}
}
