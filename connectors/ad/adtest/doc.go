// Package adtest runs real Active Directory domain controllers for tests and
// measurements: Samba, on a loopback address of its own, in a directory of its
// own, stopped when the process that started it ends.
//
// A domain is made once and then copied, so that a controller is there in under
// a second. Debian's packages are enough (.ci/samba.sh installs them); root is
// needed, because Samba listens on 389 and 636 and no other ports.
//
// [Start] and [StartPair] are for tests; [Run] for programs. A [Domain] changes
// the directory as its administrator, over LDAPS. A [Proxy] stands between a
// client and the controller and breaks what passes.
package adtest
