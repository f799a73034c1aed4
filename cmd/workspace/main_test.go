package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary stand in for the program, as "workspace" in
// $PATH, for the scripts and for the tests that start it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"workspace": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true})
}

// workspace runs the program on a database. It gives what it printed, and its exit
// status.
func workspace(t *testing.T, database string, args ...string) (out string, status int) {
	t.Helper()
	cmd := exec.Command("workspace", append(args, "--database", database)...)
	b, err := cmd.Output()
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("workspace %v: %v", args, err)
	}
	return strings.TrimSpace(string(b)), cmd.ProcessState.ExitCode()
}

// succeed is workspace for what must succeed.
func succeed(t *testing.T, database string, args ...string) (out string) {
	t.Helper()
	out, status := workspace(t, database, args...)
	if status != 0 {
		t.Fatalf("workspace %v: exit status %d", args, status)
	}
	return out
}

// server is a running `workspace serve`.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *watch
	log  *watch
	scim string // the URL of the endpoint
}

// serve starts the program on a database and waits until it listens.
func serve(t *testing.T, database string, args ...string) *server {
	t.Helper()
	s := &server{t: t, out: newWatch(), log: newWatch()}
	s.cmd = exec.Command("workspace", append([]string{"serve", "--database", database, "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.log
	s.cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it may have ended
		_ = s.cmd.Wait()
	})
	s.scim = s.log.wait(t, regexp.MustCompile(`msg=listening .*scim=(\S+)`))
	return s
}

// end sends a signal and gives the exit status, -1 for a killed process.
func (s *server) end(sig os.Signal) int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // the state says more
	return s.cmd.ProcessState.ExitCode()
}

// watch collects what a process writes and lets a test wait for it.
type watch struct {
	mu     sync.Mutex
	text   strings.Builder
	change chan struct{} // closed at the next write
}

func newWatch() *watch { return &watch{change: make(chan struct{})} }

// Write fulfils io.Writer.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.change)
	w.change = make(chan struct{})
	return w.text.Write(p)
}

func (w *watch) now() (text string, change <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.change
}

// wait gives what the first group of the expression matches, as soon as it does.
func (w *watch) wait(t *testing.T, re *regexp.Regexp) string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		text, change := w.now()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("%s doesn't come up in:\n%s", re, text)
		}
	}
}
