package agent

import (
	"net"
	"strings"
	"testing"
)

// W020: a server is on this machine if its address is the machine's.
func TestW020AServerOnThisMachineIsSeen(t *testing.T) {
	want := map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://127.9.9.9": true, "https://[::1]": true,
		"https://[::ffff:127.0.0.1]": true,
		"https://192.0.2.1":          false, "https://[2001:db8::1]:8443": false, // RFC 5737, RFC 3849: of no machine
		"https://": false, "%": false,
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		ip, _, _ := strings.Cut(a.String(), "/")
		want["https://"+net.JoinHostPort(ip, "443")] = true
	}
	for server, is := range want {
		if got := coLocated(t.Context(), server); got != is {
			t.Errorf("%s: %t", server, got)
		}
	}
}
