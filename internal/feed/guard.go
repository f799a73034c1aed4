package feed

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// errForbidden is an address to which nothing is sent.
var errForbidden = errors.New("the endpoint is in a network that pushes may not reach")

// guard says where pushes may go: to public addresses, and to the networks that
// the operator named. Otherwise who makes a stream could have the server ask what
// only it can reach, such as the metadata service of a cloud.
type guard struct {
	networks []netip.Prefix
	http     bool // http is allowed, not https only
}

// special are the networks of the public ranges that aren't public (the IANA
// special-purpose address registries, RFC 6890), and those in which an IPv4
// address is written as IPv6 and would be reached by a translator.
var special = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
}

// mayReach says whether something may be sent to an address.
func (g guard) mayReach(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(g.networks, within) {
		return true
	}
	// Of IPv6 only 2000::/3 is public; ::/96, 64:ff9b::/96, fc00::/7, fe80::/10 and
	// ff00::/8 aren't in it.
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		return false
	}
	return a.IsValid() && !slices.ContainsFunc(special, func(s string) bool { return within(netip.MustParsePrefix(s)) })
}

// control is asked by the dialer for each address that it is about to connect to,
// so after names were resolved, and whatever they are resolved to the next time.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errForbidden, err)
	}
	if !g.mayReach(to.Addr()) {
		return errForbidden
	}
	return nil
}

// check judges an endpoint as it is written, so that who makes a stream hears of
// it at once: it gives what is wrong with it, a sentence, "" for nothing. What a name
// stands for is judged when something is sent.
func (g guard) check(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return "The endpoint is no URL of a receiver."
	}
	switch host := u.Hostname(); {
	case u.Scheme != "https" && (u.Scheme != "http" || !g.http):
		return "The endpoint has to be https."
	case u.User != nil:
		return "The endpoint holds a name or a password; send them as authorization."
	case u.Fragment != "":
		return "The endpoint has a fragment."
	case !plainHost(host):
		return "The host of the endpoint is neither a name nor an address."
	default:
		if a, err := netip.ParseAddr(host); err == nil && !g.mayReach(a) {
			return "The endpoint is in a network that pushes may not reach."
		}
	}
	return ""
}

// plainHost says whether a host is an address in its usual form or a name in
// ASCII. A name whose last label begins with a digit is none (RFC 1123 §2.1, RFC
// 3696 §2): resolvers take 2130706433, 0x7f.1 and 127.1 for addresses.
func plainHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return !strings.Contains(host, "%") // a zone is a network card of ours
	}
	name := strings.TrimSuffix(host, ".")
	for i := range len(name) {
		c := name[i]
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last != "" && (last[0] < '0' || last[0] > '9') && net.ParseIP(host) == nil
}
