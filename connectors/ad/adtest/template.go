package adtest

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

//go:embed provision.py
var provisionScript string

// python is Debian's, which has Samba's bindings; one that comes first in PATH
// may not.
const python = "/usr/bin/python3"

// program is the samba program: WORKSPACE_TEST_SAMBA, or the first in PATH.
func program() (string, error) {
	if name := os.Getenv("WORKSPACE_TEST_SAMBA"); name != "" {
		return name, nil
	}
	for _, name := range []string{"samba", "/usr/sbin/samba"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("adtest: no samba here; .ci/samba.sh installs it on Debian, or set WORKSPACE_TEST_SAMBA")
}

// template gives the directory of a stopped domain controller of the domain,
// which is to be copied and not to be changed. It is made by the first that asks
// for it, whatever process that is; the others wait. It is kept in the system's
// directory for temporary files, under a name that says everything it depends
// on.
func (s Settings) template(samba string) (string, error) {
	version, err := exec.Command(samba, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("adtest: %s --version: %w", samba, err)
	}
	return kept(func(unfinished string) error {
		if err := s.writeConfig(unfinished, "127.0.0.1"); err != nil {
			return err
		}
		provision := exec.Command(python, "-c", provisionScript,
			configFile(unfinished), s.Realm, s.NetBIOS, s.Host, AdministratorPassword)
		if out, err := provision.CombinedOutput(); err != nil {
			return fmt.Errorf("adtest: making the domain %s: %w\n%s", s.Realm, err, tail(out))
		}
		return nil
	}, string(version), provisionScript, s.Realm, s.NetBIOS, s.Host, AdministratorPassword)
}

// kept gives a directory that depends on some texts, and has it made if it isn't
// there yet.
func kept(build func(unfinished string) error, of ...string) (string, error) {
	key := sha256.Sum256([]byte(strings.Join(of, "\x00")))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("workspace-samba-%d-%s", os.Getuid(), hex.EncodeToString(key[:8])))

	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("adtest: %w", err)
	}

	// The name is given last, so a template is whole or isn't there.
	unfinished := dir + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", fmt.Errorf("adtest: %w", err)
	}
	if err := build(unfinished); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return "", fmt.Errorf("adtest: %w", err)
	}
	return dir, nil
}

// lock waits for the lock that a file stands for, and gives what releases it.
// The kernel releases it too, when the process ends.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("adtest: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("adtest: locking %s: %w", name, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// copyTree copies a stopped controller's directory. The databases are sparse
// files of a gigabyte, of which a few megabytes are written.
func copyTree(from, to string) error {
	out, err := exec.Command("cp", "-a", "--sparse=always", "--reflink=auto", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("adtest: copying %s to %s: %w\n%s", from, to, err, tail(out))
	}
	return nil
}

// tail is the end of a program's output, for an error's text.
func tail(out []byte) string {
	const most = 4000
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return string(out)
}
