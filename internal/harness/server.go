package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// server is a running server program.
type server struct {
	t     *trial
	cmd   *exec.Cmd
	url   string        // known once it listens
	ready time.Duration // from its start to the first 200 of /readyz
	ended chan struct{} // closed when it has ended
	err   error         // how it ended
	asked atomic.Bool   // to end
}

// launch starts the server on a free port without waiting for it.
func (t *trial) launch(database string, flags ...string) (*server, <-chan string, error) {
	args := append([]string{"serve", "--database", database, "--listen", "127.0.0.1:0", "--log-format", "json"}, flags...)
	s := &server{t: t, cmd: exec.Command(t.binary, args...), ended: make(chan struct{})}
	s.cmd.Env = t.environment()
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(filepath.Join(t.dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	t.cleanup(func() error { s.kill(); return nil })
	listening := make(chan string, 1)
	go func() {
		defer close(s.ended)
		defer log.Close()
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			fmt.Fprintf(log, "%s\n", lines.Bytes())
			s.read(lines.Bytes(), listening)
		}
		if s.err = s.cmd.Wait(); !s.asked.Load() {
			t.fault("the server ended by itself: %v", s.err)
		}
	}()
	return s, listening, nil
}

// read looks at one line of the log for what a server must not do.
func (s *server) read(line []byte, listening chan<- string) {
	var entry struct {
		Msg, URL string
		Status   int
	}
	if json.Unmarshal(line, &entry) != nil {
		for _, bad := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if bytes.Contains(line, []byte(bad)) {
				s.t.fault("the server said: %s", line)
			}
		}
		return
	}
	switch {
	case entry.Msg == "listening":
		listening <- entry.URL
	case strings.HasPrefix(entry.Msg, "panic"), entry.Msg == "request" && entry.Status == http.StatusInternalServerError:
		s.t.fault("the server logged: %s", line)
	}
}

// start starts the server and waits until it is ready.
func (t *trial) start(database string, flags ...string) (*server, error) {
	began := time.Now()
	s, listening, err := t.launch(database, flags...)
	if err != nil {
		return nil, err
	}
	select {
	case s.url = <-listening:
	case <-s.ended:
		return nil, fmt.Errorf("the server ended at its start: %w", s.err)
	case <-time.After(30 * time.Second):
		return nil, errors.New("the server doesn't listen after 30s")
	}
	err = t.until(30*time.Second, "ready", func() bool {
		resp, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	s.ready = time.Since(began)
	return s, err
}

// kill ends the server as kill -9 does.
func (s *server) kill() {
	s.asked.Store(true)
	s.cmd.Process.Kill() // fails only if it has ended
	<-s.ended
}

// freeze stops the server for a while in the middle of what it does, as a
// machine does that is moved or swaps.
func (s *server) freeze(d time.Duration) error {
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	s.t.pause(d)
	return s.cmd.Process.Signal(syscall.SIGCONT)
}

// stop asks the server to end, and says how long it took.
func (s *server) stop() (time.Duration, error) {
	s.asked.Store(true)
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-s.ended:
		return time.Since(began), s.err
	case <-time.After(30 * time.Second):
		s.kill()
		return time.Since(began), errors.New("the server doesn't end after SIGTERM")
	}
}

// environment is that of a program that uses the database.
func (t *trial) environment() []string {
	if t.power == nil {
		return nil // ours
	}
	return append(os.Environ(), t.power.env()...)
}

// command runs a command of the program beside the server and gives what it
// printed.
func (t *trial) command(database string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.ctx, t.binary, append(args, "--database", database)...)
	cmd.Env = t.environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("workspace %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}
