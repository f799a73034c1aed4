package dirsync

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-ldap/ldap/v3"
)

// Session reads one domain from one of its controllers. It has up to two
// connections, so that objects can be looked up while changes are read. Its
// methods are safe for concurrent use, except that changes are read by one
// reader at a time.
type Session struct {
	config Config
	server server
	facts  Facts

	lookupMu sync.Mutex
	lookup   *conn

	changesMu sync.Mutex
	changes   *conn
	reading   bool

	closed bool // written with both locks held, so either is enough to read it
}

// Open connects to the first server of the configuration that can be reached,
// binds, and asks it about itself. If none can be reached it returns what each
// said. An account that is refused is a *BindError at once: each further try
// brings it nearer to being locked. The session goes on when a connection is
// lost, with the same server; to change to another, close it and open a new
// one.
func Open(ctx context.Context, config Config) (*Session, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	var faults []error
	for _, url := range config.Servers {
		s, err := parseServer(url)
		if err != nil {
			return nil, err
		}
		session, err := open(ctx, config, s)
		if err == nil {
			return session, nil
		}
		faults = append(faults, err)
		if errors.As(err, new(*BindError)) || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(faults...)
}

func open(ctx context.Context, config Config, s server) (*Session, error) {
	c, err := dial(ctx, config, s)
	if err != nil {
		return nil, err
	}
	if c.known, err = c.facts(ctx, nil); err != nil {
		c.close()
		return nil, err
	}
	return &Session{config: config, server: s, facts: *c.known, lookup: c}, nil
}

// Facts are what the server said when the session was opened.
func (s *Session) Facts() Facts { return s.facts }

// errClosed is the error of a session that was closed.
var errClosed = errors.New("dirsync: the session is closed")

// Close ends the connections. What is being read ends with an error, and so does
// all that is asked afterwards: nothing connects again.
func (s *Session) Close() error {
	s.lookupMu.Lock()
	defer s.lookupMu.Unlock()
	s.changesMu.Lock()
	defer s.changesMu.Unlock()
	s.closed = true
	for _, c := range []**conn{&s.lookup, &s.changes} {
		if *c != nil {
			(*c).close()
			*c = nil
		}
	}
	return nil
}

// renew gives a connection to the session's controller in place of one that is
// of no more use.
func (s *Session) renew(ctx context.Context, c *conn) (*conn, error) {
	if s.closed {
		return nil, errClosed
	}
	if c != nil && c.usable() {
		return c, nil
	}
	if c != nil {
		c.close()
	}
	c, err := dial(ctx, s.config, s.server)
	if err != nil {
		return nil, err
	}
	c.known, err = c.facts(ctx, nil)
	if err == nil && c.known.HostName != s.facts.HostName {
		err = fmt.Errorf("%w: %s is %s and %s", ErrOtherController, s.server.url, s.facts.HostName, c.known.HostName)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// withLookup does something on the connection for lookups. A connection that
// was lost while nobody used it is renewed once.
func (s *Session) withLookup(ctx context.Context, do func(*conn) error) error {
	s.lookupMu.Lock()
	defer s.lookupMu.Unlock()
	for try := 0; ; try++ {
		c, err := s.renew(ctx, s.lookup)
		if err != nil {
			s.lookup = nil
			return err
		}
		fresh := c != s.lookup
		s.lookup = c
		err = do(c)
		if try > 0 || fresh || ctx.Err() != nil || !errors.Is(err, ErrIncomplete) {
			return err
		}
	}
}

// EscapeFilter makes any text the value of a filter (RFC 4515 §3).
func EscapeFilter(s string) string { return ldap.EscapeFilter(s) }
