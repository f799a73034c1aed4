package progressbar

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a terminal, and what is shown on it until it is closed.
func terminal(t *testing.T) (tty *os.File, shown func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 60}); err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = all.ReadFrom(master) // ends with EIO when the terminal is closed
	}()
	return tty, func() string {
		tty.Close()
		<-done
		return all.String()
	}
}

// On a terminal there is a line that logging doesn't break and that is gone in
// the end; elsewhere there are log lines alone.
func TestProgressIsForTerminalsAlone(t *testing.T) {
	t.Setenv("TERM", "xterm")
	tty, shown := terminal(t)
	b := New(tty)
	if b == nil {
		t.Fatal("no bar on a terminal")
	}
	b.Tell(Progress{Phase: "reading", Done: 500, Total: 1000, Unit: "objects"})
	slog.New(slog.NewTextHandler(b.Over(tty), nil)).Info("hello")
	b.Tell(Progress{})
	lines := strings.Split(shown(), "\n")
	const bar = "reading  500/1000 objects [############............]  50 %"
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "msg=hello\r") || strings.Contains(lines[0]+lines[1], "\x1b") {
		t.Fatalf("%q", lines)
	}
	for _, line := range lines {
		if _, after, found := strings.Cut(line, bar); !found || strings.TrimSpace(strings.Split(after, "time=")[0]) != "" {
			t.Errorf("%q", line)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if New(w) != nil || New(new(bytes.Buffer)) != nil {
		t.Error("a bar where there is no terminal")
	}
	t.Setenv("TERM", "dumb")
	tty, _ = terminal(t)
	defer tty.Close()
	if New(tty) != nil {
		t.Error("a bar on a terminal that can't overwrite")
	}
}

func TestProgressFitsTheLine(t *testing.T) {
	for width := 5; width < 200; width++ {
		for _, total := range []int64{0, 1, 100000} {
			if l := progressLine(Progress{Phase: "applying", Done: 99999, Total: total, Unit: "objects"}, 7e9, width); len(l) > width {
				t.Fatalf("%q has %d columns, %d are there", l, len(l), width)
			}
		}
	}
}
