package adtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// StartPair gives a test two controllers of one domain, which end with the test.
// Nothing replicates by itself: see PullFrom. Each has a certificate of a CA of
// its own. The second's name is DC2. Samba is needed as Start says.
func StartPair(t testing.TB, s Settings) (first, second *Domain) {
	t.Helper()
	Need(t)
	// Not t.TempDir, whose path holds the test's name: that of a socket in it has at
	// most 107 bytes.
	dir, err := os.MkdirTemp("", "dcs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	a, b, err := runPair(s, dir)
	if err != nil {
		t.Fatal(err)
	}
	return of(t, a), of(t, b)
}

// PullFrom replicates to this controller, which may run, what another has that
// it hasn't yet of the domain (not of the forest's schema and configuration).
func (d *Domain) PullFrom(source *Domain) {
	d.t.Helper()
	out, err := sambaTool(d.dir, "drs", "replicate", d.Address, source.Address, d.Base(), "--local")
	if err != nil {
		d.t.Fatalf("replicating from %s to %s: %v\n%s", source.Host, d.Host, err, tail(out))
	}
}

// replicating are the settings by which a controller gives out what it has. They
// are addressed by IP, so no DNS is needed, and no Kerberos.
func (s Settings) replicating() Settings {
	s.Options = append([]string{
		"server services = ldap rpc cldap", "dcerpc endpoint servers = epmapper drsuapi lsarpc netlogon samr",
	}, s.Options...)
	return s
}

// second is another controller of the same domain.
func (s Settings) second() Settings {
	s.Host = "DC2"
	return s
}

func runPair(s Settings, dir string) (first, second *DC, err error) {
	s = s.withDefaults().replicating()
	samba, err := program()
	if err != nil {
		return nil, nil, err
	}
	template, err := s.pairTemplate(samba)
	if err != nil {
		return nil, nil, err
	}
	if first, err = s.runCopy(samba, filepath.Join(template, "first"), filepath.Join(dir, "first")); err != nil {
		return nil, nil, err
	}
	if second, err = s.second().runCopy(samba, filepath.Join(template, "second"), filepath.Join(dir, "second")); err != nil {
		return nil, nil, errors.Join(err, first.Close())
	}
	return first, second, nil
}

// pairTemplate gives a directory with the directories first and second of two
// stopped controllers of the domain, as template does.
func (s Settings) pairTemplate(samba string) (string, error) {
	single, err := s.template(samba)
	if err != nil {
		return "", err
	}
	return kept(func(unfinished string) error {
		if err := os.Mkdir(unfinished, 0o700); err != nil {
			return fmt.Errorf("adtest: %w", err)
		}
		first, err := s.runCopy(samba, single, filepath.Join(unfinished, "first"))
		if err != nil {
			return err
		}
		return errors.Join(s.second().join(first, filepath.Join(unfinished, "second")), first.Stop(), first.Close())
	}, single, "pair")
}

// join makes a controller in a directory that must not exist a further one of
// the domain of one that runs.
func (s Settings) join(first *DC, dir string) error {
	if err := s.writeConfig(dir, "127.0.0.1"); err != nil {
		return err
	}
	out, err := sambaTool(dir, "domain", "join", s.Realm, "DC", "--server="+first.Address, "--dns-backend=NONE", "--backend-store=mdb")
	if err != nil {
		return fmt.Errorf("adtest: joining %s to %s: %w\n%s", s.Host, first.Address, err, tail(out))
	}
	return nil
}

// sambaTool runs samba-tool as the administrator, by the smb.conf in a directory.
func sambaTool(dir string, args ...string) ([]byte, error) {
	args = append(args, "-s", configFile(dir), "--use-kerberos=off", "-UAdministrator%"+AdministratorPassword)
	return exec.Command("samba-tool", args...).CombinedOutput()
}
