package dirsync

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// Config says which domain is read, as whom, and what of it.
type Config struct {
	// Servers are the domain controllers in order of preference, 1 to 16:
	// ldaps://HOST[:636], or ldap://HOST[:389], which is encrypted by StartTLS
	// before anything else is said. All must be of one domain.
	Servers []string
	// CAFile is a PEM file with the certificates of the authorities that may have
	// signed the servers' certificates, and no others. If empty, the system's
	// are trusted.
	CAFile string
	// ServerName is the name that each server's certificate must have; if empty,
	// the host in its URL.
	ServerName string
	// Account is bound with: DOMAIN\name, name@domain, or a DN.
	Account string
	// PasswordFile holds the account's password. It's read at each bind, so a
	// password may be changed without a restart. A newline at its end isn't part
	// of the password. With Kerberos.KeytabFile it must be empty.
	PasswordFile string
	// Kerberos, if not nil, has the account bind with a ticket in place of its
	// password; Account is name@domain then.
	Kerberos *Kerberos
	// Mode is how changes are tracked; ModeDirSync if empty.
	Mode Mode
	// Attributes are read of each object besides those that each object needs,
	// by their names in the schema, at most 256. Constructed attributes never
	// come (memberOf, canonicalName), nor those that aren't replicated
	// (lastLogon).
	Attributes []string
	// Links are the attributes that point to other objects; member and manager
	// if nil. At most 64.
	Links []string
	// ConnectTimeout bounds how long connecting to one server and binding may
	// take; 10 s if 0.
	ConnectTimeout time.Duration
	// Idle is how long a server may say nothing while an answer is due; 150 s if
	// 0, because a server may search for as long as its policy MaxQueryDuration
	// says, 120 s, before it sends the first object.
	Idle time.Duration
	// PageBytes is how large an answer a server should give at once; 4 MiB if 0.
	// Samba ignores it and gives everything at once.
	PageBytes int
	// CompareEvery is how often ModeUSNChanged reads everything while the account
	// doesn't see deleted objects, so that one that is gone is noticed, and how
	// long after a change of controller a consumer in any mode should do so;
	// DefaultCompareEvery if 0.
	CompareEvery time.Duration
}

// Mode is how changes are tracked.
type Mode string

const (
	// ModeDirSync asks as a replica would. It needs the right Replicating
	// Directory Changes at the domain's root.
	ModeDirSync Mode = "dirSync"
	// ModeObjectSecurity needs no right and is weaker: the account sees what it
	// may read, so what it may not read any more seems to be gone, and deletions
	// only if it may read CN=Deleted Objects.
	ModeObjectSecurity Mode = "objectSecurity"
	// ModeUSNChanged doesn't use DirSync: it searches for what has a higher
	// uSNChanged than before. It needs no right and is the weakest: what changed
	// is told whole, with all its links; the numbers are one controller's, so
	// another is read in full; and what the account may not read any more seems
	// to be gone. Deletions are told if the account may read CN=Deleted Objects;
	// otherwise a full read every CompareEvery finds them by absence.
	ModeUSNChanged Mode = "usnChanged"
)

// modes are all of them.
func modes() []Mode { return []Mode{ModeDirSync, ModeObjectSecurity, ModeUSNChanged} }

// Bounds of a configuration.
const (
	mostServers      = 16
	mostAttributes   = 256
	mostLinks        = 64
	mostConfigFile   = 1 << 20
	mostPasswordFile = 4 << 10
)

// Default values of a configuration.
const (
	defaultConnect   = 10 * time.Second
	defaultIdle      = 150 * time.Second
	defaultPageBytes = 4 << 20
)

// DefaultCompareEvery is Config.CompareEvery if that is 0. It is longer than
// controllers of two sites usually wait until they replicate, 3 h.
const DefaultCompareEvery = 4 * time.Hour

func (c Config) withDefaults() Config {
	if c.Mode == "" {
		c.Mode = ModeDirSync
	}
	if c.Links == nil {
		c.Links = []string{"member", "manager"}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnect
	}
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	if c.PageBytes == 0 {
		c.PageBytes = defaultPageBytes
	}
	if c.CompareEvery == 0 {
		c.CompareEvery = DefaultCompareEvery
	}
	return c
}

// Check says what is wrong with a configuration, each fault by its field's
// name. It opens no file and no connection.
func (c Config) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("dirsync: "+format, args...)) }
	if len(c.Servers) == 0 || len(c.Servers) > mostServers {
		fault("Servers: %d are named, want 1 to %d", len(c.Servers), mostServers)
	}
	for _, server := range c.Servers {
		if _, err := parseServer(server); err != nil {
			faults = append(faults, err)
		}
	}
	if c.Account == "" {
		fault("Account: none is named")
	}
	switch {
	case c.Kerberos != nil:
		faults = append(faults, c.Kerberos.check(c)...)
	case c.PasswordFile == "":
		fault("PasswordFile: none is named")
	}
	if c.Mode != "" && !slices.Contains(modes(), c.Mode) {
		fault("Mode: %q, want one of %q", c.Mode, modes())
	}
	if len(c.Attributes) > mostAttributes {
		fault("Attributes: %d are named, want at most %d", len(c.Attributes), mostAttributes)
	}
	if len(c.Links) > mostLinks {
		fault("Links: %d are named, want at most %d", len(c.Links), mostLinks)
	}
	for _, name := range slices.Concat(c.Attributes, c.Links) {
		if !attributeName(name) {
			fault("Attributes, Links: %.60q is no attribute's name", name)
		}
	}
	if c.ConnectTimeout < 0 || c.Idle < 0 || c.CompareEvery < 0 || c.PageBytes < 0 || c.PageBytes > 1<<30 {
		fault("ConnectTimeout, Idle, CompareEvery, PageBytes: must not be negative, and PageBytes at most 1 GiB")
	}
	return errors.Join(faults...)
}

// attributeName says whether s is a name in a schema (RFC 4512 §2.5: descr), of
// at most 256 bytes.
func attributeName(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return true
}

// server is one domain controller as configured.
type server struct {
	url      string
	host     string
	address  string // HOST:PORT
	startTLS bool
}

func parseServer(s string) (server, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return server{}, fmt.Errorf("dirsync: Servers: %.200q, want ldaps://HOST[:636] or ldap://HOST[:389]", s)
	}
	port := u.Port()
	switch u.Scheme {
	case "ldaps":
		if port == "" {
			port = "636"
		}
	case "ldap":
		if port == "" {
			port = "389"
		}
	default:
		return server{}, fmt.Errorf("dirsync: Servers: %.200q, want ldaps:// or ldap:// (with StartTLS)", s)
	}
	return server{url: s, host: u.Hostname(), address: net.JoinHostPort(u.Hostname(), port), startTLS: u.Scheme == "ldap"}, nil
}

// name is what a server's certificate must say.
func (c Config) name(s server) string {
	if c.ServerName != "" {
		return c.ServerName
	}
	return s.host
}

// tls is the configuration of TLS towards a server.
func (c Config) tls(s server) (*tls.Config, error) {
	config := &tls.Config{ServerName: c.name(s), MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return config, nil
	}
	pem, err := readBounded(c.CAFile, mostConfigFile)
	if err != nil {
		return nil, &fileError{"CAFile", err}
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, &fileError{"CAFile", fmt.Errorf("%s holds no certificate in PEM form", c.CAFile)}
	}
	return config, nil
}

// password reads the account's. It is never empty: a bind without a password
// succeeds as nobody (RFC 4513 §5.1.2).
func (c Config) password() ([]byte, error) {
	b, err := readBounded(c.PasswordFile, mostPasswordFile)
	if err != nil {
		return nil, &fileError{"PasswordFile", err}
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if password == "" {
		return nil, &fileError{"PasswordFile", fmt.Errorf("%s is empty", c.PasswordFile)}
	}
	return []byte(password), nil
}

// fileError is a file of the configuration that can't be used.
type fileError struct {
	field string
	err   error
}

func (e *fileError) Error() string { return "dirsync: " + e.field + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return b, err
}
