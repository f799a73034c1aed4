package adtest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Fault is what a proxy does to the bytes from the server to the client.
type Fault struct {
	// After bytes more have passed, Then happens. Only a Break happens at all.
	After int64
	Then  Break
	// Pace is how long the proxy waits before it passes on each piece of at most
	// a kilobyte.
	Pace time.Duration
}

// Break is how a connection is broken.
type Break int

const (
	// Never lets everything pass.
	Never Break = iota
	// Close ends the connection in the regular way of TCP (FIN).
	Close
	// Reset ends it at once (RST).
	Reset
	// Stall keeps it open and passes nothing more.
	Stall
)

// Proxy passes TCP connections on to a server. It listens on a loopback port of
// its own, under the name localhost, for which the controller's certificate is
// good too. It's safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string

	mu       sync.Mutex
	fault    Fault
	passed   int64 // since the fault was armed
	accepted int   // connections, since then
	conns    map[net.Conn]struct{}
	wait     sync.WaitGroup
	done     chan struct{}
}

// NewProxy gives a test a proxy for HOST:PORT, which ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, conns: map[net.Conn]struct{}{}, done: make(chan struct{})}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		close(p.done)
		_ = listener.Close()
		p.mu.Lock()
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.wait.Wait()
	})
	return p
}

// HostPort is where it listens.
func (p *Proxy) HostPort() string { return p.listener.Addr().String() }

// Arm makes a fault happen, on connections that are there and on those to come,
// and counts what passes anew.
func (p *Proxy) Arm(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.passed, p.accepted = f, 0, 0
}

// Accepted is how many connections were made since the last Arm.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Passed is how many bytes went from the server to clients since the last Arm.
func (p *Proxy) Passed() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.accepted++
		p.conns[client], p.conns[server] = struct{}{}, struct{}{}
		p.mu.Unlock()
		p.wait.Go(func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		})
		p.wait.Go(func() {
			p.pass(client.(*net.TCPConn), server)
			p.mu.Lock()
			delete(p.conns, client)
			delete(p.conns, server)
			p.mu.Unlock()
			_ = server.Close()
			_ = client.Close()
		})
	}
}

// pass copies from the server to the client until the fault or the end.
func (p *Proxy) pass(client *net.TCPConn, server net.Conn) {
	piece := make([]byte, 1<<10)
	for {
		n, err := server.Read(piece)
		allowed, fault, broken := p.allow(n)
		if fault.Pace > 0 {
			select {
			case <-time.After(fault.Pace):
			case <-p.done:
				return
			}
		}
		if _, writeErr := client.Write(piece[:allowed]); writeErr != nil {
			return
		}
		if broken {
			switch fault.Then {
			case Reset:
				_ = client.SetLinger(0)
			case Stall:
				<-p.done
			}
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = client.SetLinger(0)
			}
			return
		}
	}
}

// allow says how many of n bytes may pass, and whether the connection breaks
// after them.
func (p *Proxy) allow(n int) (allowed int, f Fault, broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f = p.fault
	allowed = n
	if f.Then != Never && p.passed+int64(n) >= f.After {
		allowed, broken = int(max(f.After-p.passed, 0)), true
	}
	p.passed += int64(allowed)
	return allowed, f, broken
}
