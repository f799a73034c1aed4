package dirsync

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// fakeDC is a controller that answers as a test's script says. It is for what
// Samba doesn't do and Windows does: answers in pages, values in ranges, limits,
// referrals, and for what no controller should do.
type fakeDC struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	plain    bool // speaks without TLS until StartTLS
	caFile   string

	// startTLS is what it answers to StartTLS: a result code, and bytes that
	// follow in the clear.
	startTLS      byte
	afterStartTLS []byte
	// search answers searches that aren't answered by the facts below.
	search func(q fakeQuery) [][]byte
	// searchRoot answers searches below the domain's root.
	searchRoot func() [][]byte

	mu    sync.Mutex
	binds int
}

// fakeQuery is a search as it was received.
type fakeQuery struct {
	base       string
	attributes []string
	wholeTree  bool
	dirSync    bool
	// incremental says that of links only what changed is asked for.
	incremental bool
	cookie      string
}

// Identities of the fake.
var (
	fakeDomain     = mustGUID("11111111-2222-3333-4444-555555555555")
	fakeInvocation = mustGUID("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
)

const fakeRoot = "DC=win,DC=example"

// newFake starts a controller. change may prepare it before it listens.
func newFake(t *testing.T, change func(f *fakeDC)) *fakeDC {
	t.Helper()
	donor := httptest.NewTLSServer(nil) // for its certificate
	certificate := donor.TLS.Certificates[0]
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: donor.Certificate().Raw})
	donor.Close()
	f := &fakeDC{t: t, tls: &tls.Config{Certificates: []tls.Certificate{certificate}}, caFile: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(f.caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	change(f)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.listener = listener
	var wait sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wait.Go(func() {
				defer conn.Close()
				f.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	return f
}

func (f *fakeDC) config() Config {
	password := filepath.Join(f.t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
		f.t.Fatal(err)
	}
	scheme := "ldaps://"
	if f.plain {
		scheme = "ldap://"
	}
	return Config{Servers: []string{scheme + f.listener.Addr().String()}, CAFile: f.caFile,
		Account: `WIN\svc`, PasswordFile: password, Attributes: []string{"mail"}, Idle: 5 * time.Second}
}

// session opens a session with it.
func (f *fakeDC) session() *Session {
	f.t.Helper()
	s, err := Open(f.t.Context(), f.config())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (f *fakeDC) serve(conn net.Conn) {
	stream := conn
	if !f.plain {
		stream = tls.Server(conn, f.tls)
	}
	r := bufio.NewReader(stream)
	for {
		message, err := readMessage(r, 1<<20)
		if err != nil {
			return
		}
		id, rest, err := cutInteger(message, tagInteger)
		if err != nil {
			return
		}
		operation, rest, err := cut(rest)
		if err != nil {
			return
		}
		send := func(parts ...[]byte) {
			_, _ = stream.Write(tlv(tagSequence, append([][]byte{integer(int32(id))}, parts...)...))
		}
		switch operation.tag {
		case 0x60:
			f.mu.Lock()
			f.binds++
			f.mu.Unlock()
			send(fakeResult(bindResponse, resultSuccess))
		case 0x77:
			send(fakeResult(extendedResponse, f.startTLS))
			_, _ = stream.Write(f.afterStartTLS)
			if f.startTLS == resultSuccess {
				stream = tls.Server(conn, f.tls)
				r = bufio.NewReader(stream)
			}
		case 0x63:
			for _, answer := range f.answer(fakeParse(operation.content, rest)) {
				if answer == nil { // cut
					return
				}
				send(answer)
			}
		case 0x42: // UnbindRequest (RFC 4511 §4.3)
			return
		default: // W013: whatever else it is, it is no reading
			f.t.Errorf("the controller is asked for the operation %#x", operation.tag)
			return
		}
	}
}

// fakeParse reads a search request.
func fakeParse(b, controls []byte) (q fakeQuery) {
	base, rest, _ := cutTag(b, tagOctets)
	q.base = string(base)
	scope, rest, _ := cutInteger(rest, tagEnumerated)
	q.wholeTree = scope == scopeSubtree
	for range 5 { // deref, limits, typesOnly, filter
		_, rest, _ = cut(rest)
	}
	list, _, _ := cutTag(rest, tagSequence)
	for len(list) > 0 {
		var name []byte
		name, list, _ = cutTag(list, tagOctets)
		q.attributes = append(q.attributes, string(name))
	}
	received, _ := parseControls(controls)
	for _, c := range received {
		if c.oid == oidDirSync {
			body, _, _ := cutTag(c.value, tagSequence)
			flags, _, _ := cutInteger(body, tagInteger)
			q.incremental = uint32(flags)&flagIncrementalValues != 0
			_, cookie, _ := parseDirSync(c.value)
			q.dirSync, q.cookie = true, string(cookie)
		}
	}
	return q
}

// answer gives what every controller says of itself, else what the script says.
func (f *fakeDC) answer(q fakeQuery) [][]byte {
	switch {
	case q.base == "":
		return [][]byte{fakeEntry("", "currentTime", time.Now().UTC().Format("20060102150405.0Z"), "highestCommittedUSN", "5000",
			"dnsHostName", "dc1.win.example", "dsServiceName", "CN=NTDS Settings", "defaultNamingContext", fakeRoot,
			"configurationNamingContext", "CN=Configuration,"+fakeRoot, "supportedControl", oidDirSync,
			"domainControllerFunctionality", "7", "domainFunctionality", "7", "forestFunctionality", "7"), fakeDone(resultSuccess)}
	case q.base == "CN=NTDS Settings":
		return [][]byte{fakeEntry(q.base, "invocationId", string(fakeInvocation.Bytes())), fakeDone(resultSuccess)}
	case q.base == fakeRoot && !q.dirSync && !q.wholeTree:
		return [][]byte{fakeEntry(q.base, "objectGUID", string(fakeDomain.Bytes()), "objectSid", "\x01\x01\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00"), fakeDone(resultSuccess)}
	case q.base == "CN=Partitions,CN=Configuration,"+fakeRoot: // its features, and the domain's short name
		return [][]byte{fakeEntry(q.base, "nETBIOSName", "WIN"), fakeDone(resultSuccess)}
	case q.base == "CN=Deleted Objects,"+fakeRoot:
		return [][]byte{fakeDone(resultNoSuchObject)}
	}
	if q.wholeTree && !q.dirSync {
		return f.searchRoot()
	}
	return f.search(q)
}

// fakeEntry is a SearchResultEntry with attributes of one value each, by name
// and value; values of one name are gathered, and a name with "" has none.
func fakeEntry(dn string, namesAndValues ...string) []byte {
	var list [][]byte
	for i := 0; i < len(namesAndValues); {
		name, values := namesAndValues[i], [][]byte(nil)
		for ; i < len(namesAndValues) && namesAndValues[i] == name; i += 2 {
			if namesAndValues[i+1] != "" {
				values = append(values, octets(namesAndValues[i+1]))
			}
		}
		list = append(list, tlv(tagSequence, octets(name), tlv(0x31, values...)))
	}
	return tlv(searchResultEntry, octets(dn), tlv(tagSequence, list...))
}

func fakeResult(tag, code byte) []byte {
	return tlv(tag, enumerated(code), octets(""), octets("the fake says so"))
}

func fakeDone(code byte) []byte { return fakeResult(searchResultDone, code) }

// fakeClose is the end of a DirSync answer, with its control.
func fakeClose(more bool, cookie string) []byte {
	flag := int32(0)
	if more {
		flag = 1
	}
	value := tlv(tagSequence, integer(flag), integer(0), octets(cookie))
	return append(fakeDone(resultSuccess), tlv(0xa0, tlv(tagSequence, octets(oidDirSync), tlv(tagOctets, value)))...)
}

// readAll reads changes to the end.
func readAll(t *testing.T, s *Session, after []byte) (full Reason, objects []*Object, unreadable int, checkpoints [][]byte, err error) {
	t.Helper()
	r, err := s.Changes(t.Context(), after)
	if err != nil {
		return "", nil, 0, nil, err
	}
	defer r.Close()
	for {
		change, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return r.Full, objects, unreadable, checkpoints, nil
		case err != nil:
			return r.Full, objects, unreadable, checkpoints, err
		case change.Object != nil:
			objects = append(objects, change.Object)
		case change.Unreadable != nil:
			unreadable++
		default:
			checkpoints = append(checkpoints, change.Checkpoint)
		}
	}
}
