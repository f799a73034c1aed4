package adtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// AdministratorPassword is the password of each domain's Administrator.
const AdministratorPassword = "Passw0rd.Administrator"

// Settings say which domain a controller has. The zero value is a domain
// test.example.
type Settings struct {
	// Realm is the domain's DNS name in capitals; TEST.EXAMPLE if empty.
	Realm string
	// NetBIOS is the domain's short name; the realm's first label if empty.
	NetBIOS string
	// Host is the controller's name in capitals; DC1 if empty.
	Host string
	// KDC makes it give out Kerberos tickets too, on port 88.
	KDC bool
	// Options are further lines of smb.conf's section global.
	Options []string
}

func (s Settings) withDefaults() Settings {
	if s.Realm == "" {
		s.Realm = "TEST.EXAMPLE"
	}
	if s.NetBIOS == "" {
		s.NetBIOS, _, _ = strings.Cut(s.Realm, ".")
	}
	if s.Host == "" {
		s.Host = "DC1"
	}
	return s
}

// base is the DN of the domain's root.
func (s Settings) base() string {
	return "DC=" + strings.ReplaceAll(strings.ToLower(s.Realm), ".", ",DC=")
}

// name is the controller's DNS name.
func (s Settings) name() string {
	return strings.ToLower(s.Host + "." + s.Realm)
}

// services are the parts of Samba that run: no RPC, no DNS, no files.
func (s Settings) services() string {
	if s.KDC {
		return "ldap, kdc"
	}
	return "ldap"
}

func configFile(dir string) string { return filepath.Join(dir, "smb.conf") }

// writeConfig writes the smb.conf of a controller that lives in a directory and
// listens on an address, and makes the directories that it names. Paths are
// nowhere but in this file, so a controller's directory can be copied.
func (s Settings) writeConfig(dir, address string) error {
	for _, sub := range []string{"private/tls", "state", "cache", "lock", "run", "bind-dns"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return fmt.Errorf("adtest: %w", err)
		}
	}
	lines := []string{
		"[global]",
		"netbios name = " + s.Host,
		"realm = " + s.Realm,
		"workgroup = " + s.NetBIOS,
		"server role = active directory domain controller",
		"server services = " + s.services(),
		"dcerpc endpoint servers =",
		"interfaces = " + address + "/8",
		"bind interfaces only = yes",
		"private dir = " + filepath.Join(dir, "private"),
		"state directory = " + filepath.Join(dir, "state"),
		"cache directory = " + filepath.Join(dir, "cache"),
		"lock directory = " + filepath.Join(dir, "lock"),
		"pid directory = " + filepath.Join(dir, "run"),
		"binddns dir = " + filepath.Join(dir, "bind-dns"),
		"ncalrpc dir = " + filepath.Join(dir, "run", "ncalrpc"),
		"winbindd socket directory = " + filepath.Join(dir, "run", "winbindd"),
		"ntp signd socket directory = " + filepath.Join(dir, "run", "ntp_signd"),
		"disable netbios = yes",
		"load printers = no",
		"panic action =",
		"ldb:nosync = true", // nothing here outlives the machine
		"tls enabled = yes",
		"tls cafile = " + filepath.Join(dir, "private", "tls", "ca.pem"),
		"tls certfile = " + filepath.Join(dir, "private", "tls", "cert.pem"),
		"tls keyfile = " + filepath.Join(dir, "private", "tls", "key.pem"),
	}
	lines = append(lines, s.Options...)
	lines = append(lines,
		"[sysvol]", "path = "+filepath.Join(dir, "state", "sysvol"), "read only = no",
		"[netlogon]", "path = "+filepath.Join(dir, "state", "sysvol", strings.ToLower(s.Realm), "scripts"), "read only = no",
	)
	if err := os.WriteFile(configFile(dir), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("adtest: %w", err)
	}
	return nil
}
