package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// requestTimeout bounds one request; only something broken takes so long.
const requestTimeout = 2 * time.Minute

// client is one keep-alive connection. It writes requests as bytes: on a machine
// of few cores a heavier client would measure itself. It is used by one
// goroutine at a time.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	head string // of every request, after the first line
	out  []byte
	in   bytes.Buffer
	// scratch is for who makes requests: the memory of the last body.
	scratch []byte
}

// connect opens a connection; token may be empty.
func connect(ctx context.Context, address, token string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), head: "Host: " + address + "\r\n"}
	if token != "" {
		c.head += "Authorization: Bearer " + token + "\r\n"
	}
	return c, nil
}

func (c *client) close() error { return c.conn.Close() }

// do sends a request with a JSON body, nil for none, and reads the answer to
// its end. The answer's body is valid until the next request.
func (c *client) do(method, path string, body []byte) (status int, header http.Header, answer []byte, err error) {
	c.out = append(append(append(append(c.out[:0], method...), ' '), path...), " HTTP/1.1\r\n"...)
	c.out = append(c.out, c.head...)
	if body != nil {
		c.out = append(c.out, "Content-Type: application/scim+json\r\nContent-Length: "...)
		c.out = append(strconv.AppendInt(c.out, int64(len(body)), 10), "\r\n"...)
	}
	c.out = append(append(c.out, "\r\n"...), body...)
	if err := c.conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return 0, nil, nil, err
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, nil, nil, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	c.in.Reset()
	if _, err := io.Copy(&c.in, resp.Body); err != nil {
		return 0, nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return resp.StatusCode, resp.Header, c.in.Bytes(), nil
}

// want is do for a request that must be answered with a status.
func (c *client) want(status int, method, path string, body []byte) (answer []byte, err error) {
	got, _, answer, err := c.do(method, path, body)
	if err != nil {
		return nil, err
	}
	if got != status {
		return nil, fmt.Errorf("%s %s: answered %d, not %d: %.300s", method, path, got, status, answer)
	}
	return answer, nil
}
