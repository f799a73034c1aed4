package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// slowClients opens connections that send half a request and no more
// (RELIABILITY S18): others are served meanwhile, and the server cuts them.
func slowClients(t *trial) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	headers := "POST /scim/v2/Users HTTP/1.1\r\nHost: harness\r\nContent-Ty"
	halves := []string{headers}
	if t.long { // the body may take 30 s
		halves = append(halves, strings.TrimSuffix(headers, "Content-Ty")+"Authorization: Bearer "+s.token+
			"\r\nContent-Type: application/scim+json\r\nContent-Length: 1000\r\n\r\n{\"schemas\":[")
	}
	for range t.rounds {
		for _, half := range halves {
			if err := s.slow(half, t.size(300, 1000)); err != nil {
				return err
			}
		}
	}
	return s.close()
}

// slow sends half a request many times and watches what others get.
func (s *site) slow(half string, count int) error {
	t := s.t
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	before := s.server.memory()
	began := time.Now()
	for range count {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.server.url, "http://"))
		if err != nil {
			return err
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, half); err != nil {
			return err
		}
	}
	var slowest time.Duration
	for i := range 20 {
		name := fmt.Sprintf("beside-%d-%d", began.UnixNano(), i)
		a, err := s.client.send(t.ctx, http.MethodPost, "/Users", object{"schemas": []string{userURN}, "userName": name})
		if err != nil || a.status != http.StatusCreated {
			t.fault("beside %d slow clients: %d %s (%v)", count, a.status, a.body, err)
			break
		}
		slowest = max(slowest, a.took)
	}
	memory := s.server.memory() - before
	for i, c := range conns {
		// Reading ends when the server cuts; 408 may come before.
		if err := c.SetReadDeadline(began.Add(60 * time.Second)); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.fault("slow client %d of %d isn't cut after a minute", i, count)
			break
		}
	}
	t.say("            %d half requests: others answered in at most %s; cut after %s; %+d KiB of memory",
		count, slowest.Round(time.Millisecond), time.Since(began).Round(100*time.Millisecond), memory)
	return nil
}

// memory is the resident memory of the server in KiB, 0 where that can't be
// told.
func (s *server) memory() (kib int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib
		}
	}
	return 0
}
