package dirsync

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// mostMessage bounds one object in an answer: a group of 400,000 members whose
// links come at once.
const mostMessage = 64 << 20

// conn is one LDAP connection on which one operation is done at a time, and
// whose answers are read as they're asked for: what a slow consumer doesn't
// take stays with the server, and nothing is buffered here but a few kilobytes.
type conn struct {
	server server
	net    *idleConn
	stream net.Conn // net, or TLS over it
	r      *bufio.Reader
	nextID int32
	open   *answer // not read to its end
	known  *Facts  // what the server said of itself when it was connected to
}

// idleConn gives up when the other end says or takes nothing for idle, or when
// it is interrupted.
type idleConn struct {
	net.Conn
	idle        time.Duration
	interrupted atomic.Bool
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

func (c *idleConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	// interrupt sets the flag first, so either it is seen here or the deadline
	// that interrupt sets comes after ours.
	if c.interrupted.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Read(b)
}

func (c *idleConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	if c.interrupted.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Write(b)
}

func (c *idleConn) interrupt() {
	c.interrupted.Store(true)
	_ = c.SetDeadline(longAgo) // fails only on a closed connection
}

// dial connects to a server, with TLS, and binds. No password is sent before
// the server has shown its certificate.
func dial(ctx context.Context, config Config, s server) (*conn, error) {
	bounded, cancel := context.WithTimeout(ctx, config.ConnectTimeout)
	defer cancel()
	tlsConfig, err := config.tls(s)
	if err != nil {
		return nil, err
	}
	dialed, err := (&net.Dialer{}).DialContext(bounded, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("dirsync: connecting to %s: %w", s.url, err)
	}
	c := &conn{server: s, net: &idleConn{Conn: dialed, idle: config.Idle}}
	c.stream, c.r = c.net, bufio.NewReader(c.net)
	stop := context.AfterFunc(bounded, c.net.interrupt)
	err = c.secure(bounded, tlsConfig)
	if err == nil {
		err = c.bind(bounded, config)
	}
	if !stop() && err == nil {
		err = fmt.Errorf("dirsync: connecting to %s: %w", s.url, bounded.Err())
	}
	if err != nil {
		c.close()
		if cause := bounded.Err(); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", err, cause)
		}
		return nil, err
	}
	return c, nil
}

// secure puts TLS over the connection.
func (c *conn) secure(ctx context.Context, config *tls.Config) error {
	if c.server.startTLS {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	over := tls.Client(c.net, config)
	if err := over.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("dirsync: TLS with %s: %w", c.server.url, err)
	}
	c.stream, c.r = over, bufio.NewReaderSize(over, 32<<10)
	return nil
}

// startTLS asks the server to go on with TLS (RFC 4511 §4.14).
func (c *conn) startTLS(ctx context.Context) error {
	const (
		extendedRequest = 0x77
		requestName     = 0x80
		oid             = "1.3.6.1.4.1.1466.20037"
	)
	a, err := c.send(ctx, "StartTLS", tlv(extendedRequest, tlv(requestName, []byte(oid))))
	if err != nil {
		return err
	}
	switch err := a.drain(); {
	case errors.As(err, new(*ResultError)):
		return fmt.Errorf("%w: %s refuses StartTLS, so no password was sent to it; use ldaps:// or give it a certificate (%w)", ErrPlain, c.server.url, err)
	case err != nil:
		return err
	}
	if c.r.Buffered() > 0 {
		// What came in the clear after the answer must not be taken for what comes
		// encrypted (RFC 4513 §6, CVE-2011-0411 and its like).
		return fmt.Errorf("%w: %s sent something in the clear after it had agreed to StartTLS", ErrPlain, c.server.url)
	}
	return nil
}

// send sends an operation.
func (c *conn) send(ctx context.Context, name string, operation []byte, controls ...[]byte) (*answer, error) {
	if c.open != nil {
		return nil, fmt.Errorf("dirsync: %s: %s before it isn't read to its end", name, c.open.name)
	}
	c.nextID++
	parts := [][]byte{integer(c.nextID), operation}
	if len(controls) > 0 {
		const controlsTag = 0xa0
		parts = append(parts, tlv(controlsTag, controls...))
	}
	a := &answer{conn: c, ctx: ctx, name: name, id: c.nextID}
	a.stop = context.AfterFunc(ctx, c.net.interrupt)
	c.open = a
	if _, err := c.stream.Write(tlv(tagSequence, parts...)); err != nil {
		return nil, a.broken(err)
	}
	return a, nil
}

// control encodes a control (RFC 4511 §4.1.11). Each of ours is critical: a
// server that doesn't know it must refuse.
func control(oid string, value []byte) []byte {
	parts := [][]byte{octets(oid), tlv(tagBoolean, []byte{0xff})}
	if value != nil {
		parts = append(parts, tlv(tagOctets, value))
	}
	return tlv(tagSequence, parts...)
}

// query is a search.
type query struct {
	base       string
	scope      byte // RFC 4511 §4.5.1.2
	filter     string
	attributes []string
	controls   [][]byte
}

const (
	scopeBase    = 0
	scopeSubtree = 2
)

// search sends a search (RFC 4511 §4.5.1).
func (c *conn) search(ctx context.Context, name string, q query) (*answer, error) {
	filter, err := ldap.CompileFilter(q.filter)
	if err != nil {
		return nil, fmt.Errorf("dirsync: %s: filter %s: %w", name, q.filter, err)
	}
	names := make([][]byte, len(q.attributes))
	for i, attribute := range q.attributes {
		names[i] = octets(attribute)
	}
	const (
		searchRequest = 0x63
		neverDeref    = 0
		noLimit       = 0
	)
	return c.send(ctx, name, tlv(searchRequest,
		octets(q.base), enumerated(q.scope), enumerated(neverDeref), integer(noLimit), integer(noLimit),
		tlv(tagBoolean, []byte{0}), filter.Bytes(), tlv(tagSequence, names...)), q.controls...)
}

// close ends the connection, politely if it is in order.
func (c *conn) close() {
	if c.open == nil {
		const unbindRequest = 0x42
		c.nextID++
		_ = c.net.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.stream.Write(tlv(tagSequence, integer(c.nextID), tlv(unbindRequest)))
	} else {
		c.open.stop()
	}
	_ = c.net.Conn.Close()
}

// usable says whether another operation may be sent.
func (c *conn) usable() bool { return c.open == nil && !c.net.interrupted.Load() }

// answer is what a server sends for one operation: entries, then a result.
type answer struct {
	conn *conn
	ctx  context.Context // of the operation; it ends with the answer
	name string
	id   int32
	stop func() bool

	controls []receivedControl // those of the result
	more     []byte            // what an operation's result holds besides an LDAPResult
}

type receivedControl struct {
	oid   string
	value []byte
}

// Operations of RFC 4511 that a server sends.
const (
	bindResponse         = 0x61
	searchResultEntry    = 0x64
	searchResultDone     = 0x65
	searchResultRef      = 0x73
	extendedResponse     = 0x78
	intermediateResponse = 0x79
)

// next gives the next entry, io.EOF after the last if the result was success,
// else what went wrong: a *ResultError with the server's result, or an
// ErrIncomplete. References to other servers are passed over: we follow none.
func (a *answer) next() (*entry, error) {
	for {
		message, err := readMessage(a.conn.r, mostMessage)
		if err != nil {
			return nil, a.broken(err)
		}
		id, rest, err := cutInteger(message, tagInteger)
		if err != nil {
			return nil, a.broken(err)
		}
		operation, rest, err := cut(rest)
		if err != nil {
			return nil, a.broken(err)
		}
		if id == 0 && operation.tag == extendedResponse {
			// Notice of Disconnection (RFC 4511 §4.4.1).
			return nil, a.broken(a.result(operation.content))
		}
		if id != int64(a.id) {
			return nil, a.broken(errBER)
		}
		switch operation.tag {
		case searchResultEntry:
			e, err := parseEntry(operation.content)
			if err != nil {
				return nil, a.broken(err)
			}
			return e, nil
		case searchResultRef, intermediateResponse:
		case searchResultDone, bindResponse, extendedResponse:
			if a.controls, err = parseControls(rest); err != nil {
				return nil, a.broken(err)
			}
			return nil, a.end(a.result(operation.content))
		default:
			return nil, a.broken(errBER)
		}
	}
}

// end gives the connection back for the next operation.
func (a *answer) end(result error) error {
	a.conn.open = nil
	if !a.stop() {
		// Cancelled as the last message came: the connection is of no more use.
		a.conn.net.interrupt()
	}
	return result
}

// broken says why an answer ended before its result.
func (a *answer) broken(err error) error {
	a.stop()
	a.conn.net.interrupt()
	server := a.conn.server.url
	if cause := context.Cause(a.ctx); cause != nil {
		return fmt.Errorf("%w: %s from %s: %w", ErrIncomplete, a.name, server, cause)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w for %v: %s from %s", ErrStalled, a.conn.net.idle, a.name, server)
	}
	return fmt.Errorf("%w: %s from %s: %w", ErrIncomplete, a.name, server, err)
}

// drain reads an answer that has no entries worth having.
func (a *answer) drain() error {
	for {
		switch _, err := a.next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// result reads an LDAPResult (RFC 4511 §4.1.9): io.EOF if it is success.
func (a *answer) result(content []byte) error {
	code, rest, err := cutInteger(content, tagEnumerated)
	if err != nil {
		return err
	}
	_, rest, err = cutTag(rest, tagOctets) // matchedDN
	if err != nil {
		return err
	}
	diagnostic, rest, err := cutTag(rest, tagOctets)
	if err != nil {
		return err
	}
	a.more = rest
	if code == resultSuccess {
		return io.EOF
	}
	const longest = 500
	text := string(diagnostic[:min(len(diagnostic), longest)])
	return &ResultError{Operation: a.name + " at " + a.conn.server.url, Code: int(code), Diagnostic: text}
}

// parseControls reads the controls after an operation, if there are any.
func parseControls(b []byte) ([]receivedControl, error) {
	const controlsTag = 0xa0
	if len(b) == 0 {
		return nil, nil
	}
	list, _, err := cutTag(b, controlsTag)
	if err != nil {
		return nil, err
	}
	var controls []receivedControl
	for len(list) > 0 {
		var one []byte
		if one, list, err = cutTag(list, tagSequence); err != nil {
			return nil, err
		}
		oid, rest, err := cutTag(one, tagOctets)
		if err != nil {
			return nil, err
		}
		received := receivedControl{oid: string(oid)}
		for len(rest) > 0 {
			var e element
			if e, rest, err = cut(rest); err != nil {
				return nil, err
			}
			if e.tag == tagOctets { // else criticality
				received.value = e.content
			}
		}
		controls = append(controls, received)
	}
	return controls, nil
}

// control gives the value of one of the result's controls.
func (a *answer) control(oid string) (value []byte, found bool) {
	for _, c := range a.controls {
		if c.oid == oid {
			return c.value, true
		}
	}
	return nil, false
}

// entry is one object of an answer. It shares the memory of its message.
type entry struct {
	dn         string // as sent: with <GUID=…>;<SID=…>; if that was asked for
	attributes []attribute
}

type attribute struct {
	name   string // as sent, with options such as ;range=1-1
	values [][]byte
}

// parseEntry reads a SearchResultEntry (RFC 4511 §4.5.2).
func parseEntry(b []byte) (*entry, error) {
	dn, rest, err := cutTag(b, tagOctets)
	if err != nil {
		return nil, err
	}
	list, _, err := cutTag(rest, tagSequence)
	if err != nil {
		return nil, err
	}
	const tagSet = 0x31
	const usual = 24 // of attributes, so that few entries grow the list
	e := &entry{dn: string(dn), attributes: make([]attribute, 0, usual)}
	for len(list) > 0 {
		var one []byte
		if one, list, err = cutTag(list, tagSequence); err != nil {
			return nil, err
		}
		name, rest, err := cutTag(one, tagOctets)
		if err != nil {
			return nil, err
		}
		set, _, err := cutTag(rest, tagSet)
		if err != nil {
			return nil, err
		}
		a := attribute{name: string(name), values: make([][]byte, 0, 1)}
		for len(set) > 0 {
			var value []byte
			if value, set, err = cutTag(set, tagOctets); err != nil {
				return nil, err
			}
			a.values = append(a.values, value)
		}
		e.attributes = append(e.attributes, a)
	}
	return e, nil
}
