package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// built is the program as it is shipped, one static binary.
func built(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "workspace-ad")
	build := exec.Command("go", "build", "-o", name, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// remote is the address of a server on IPv4 as sockets gives it (proc(5): bytes in
// the machine's order, the port in hexadecimal).
func remote(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	at, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	ip := at.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), at.Port())
}

// sockets are the addresses of a process's TCP sockets of IPv4 and IPv6, as
// proc(5) has them: where it listens, and what it is connected to.
func sockets(t *testing.T, pid int) (listening, connected []string) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", pid)
	own := map[string]bool{}
	links, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		to, err := os.Readlink(proc + "fd/" + l.Name())
		if err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.Trim(to, "socket:[]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(proc + "net/" + table)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			const (
				local, remote, state, inode = 1, 2, 3, 9
				listen, established         = "0A", "01"
			)
			field := strings.Fields(lines.Text())
			switch {
			case len(field) <= inode || !own[field[inode]]:
			case field[state] == listen:
				listening = append(listening, field[local])
			case field[state] == established:
				connected = append(connected, field[remote])
			}
		}
		f.Close()
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return listening, connected
}
