package agent

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// lookUpFor is how long the server's name is looked up.
const lookUpFor = 5 * time.Second

// coLocated says whether the host of the server's URL is this machine: its
// address is a loopback one, or one that the machine has itself. A name that
// can't be looked up, such as one that only a proxy knows, is another machine's.
func coLocated(ctx context.Context, server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpFor)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return false
	}
	own := ownAddresses()
	for _, a := range addresses {
		if a = a.Unmap().WithZone(""); a.IsLoopback() || own[a] {
			return true
		}
	}
	return false
}

// ownAddresses are those of the machine's network interfaces; none if they can't
// be listed.
func ownAddresses() map[netip.Addr]bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	own := map[netip.Addr]bool{}
	for _, one := range all {
		if n, ok := one.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(n.IP); ok {
				own[a.Unmap()] = true
			}
		}
	}
	return own
}
