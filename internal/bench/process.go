package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs beside this program.
type process struct {
	cmd     *exec.Cmd
	address string // host:port
	token   string // for requests to it, "" for none
	log     string // file with what it printed
	ended   chan struct{}
}

// startTimeout bounds the time until a server answers.
const startTimeout = 2 * time.Minute

// start runs a program that listens on address, with more environment variables
// than this one's; what it prints is appended to the file log.
func start(address, token, log, program string, env []string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command(program, args...), address: address, token: token, log: log, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append(os.Environ(), env...)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is seen in its log
		close(p.ended)
	}()
	return p, nil
}

// freeAddress finds a port of the loopback that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready waits until a GET of path is answered with 200.
func (p *process) ready(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if c, err := connect(ctx, p.address, ""); err == nil {
			status, _, _, err := c.do(http.MethodGet, path, nil)
			err = errors.Join(err, c.close())
			if err == nil && status == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s isn't ready: %w: %s", p.cmd.Path, ctx.Err(), p.tail())
		}
	}
}

// tail is the end of what the process printed.
func (p *process) tail() []byte {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-2000):]
}

// stop ends the process as a supervisor does and waits for it.
func (p *process) stop() error { return p.end(syscall.SIGTERM) }

// kill ends it at once.
func (p *process) kill() error { return p.end(syscall.SIGKILL) }

func (p *process) end(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(20 * time.Second):
		return errors.Join(fmt.Errorf("%s didn't end", p.cmd.Path), p.cmd.Process.Kill())
	}
}

// tick is the unit of the times in /proc (USER_HZ, 100 on every Linux that Go
// runs on).
const tick = 10 * time.Millisecond

// cpu is the processor time that the process has used so far.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	return parseCPU(text)
}

// parseCPU reads utime and stime, the 14th and 15th field (proc(5)). The second
// is a name in parentheses that may hold anything.
func parseCPU(stat []byte) (time.Duration, error) {
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has %d fields", len(f)+2)
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * tick, nil
}

// memory is the resident memory now and at most so far, in bytes.
func (p *process) memory() (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		var kb int64
		if name != "VmRSS" && name != "VmHWM" {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d kB", &kb); err != nil {
			return 0, 0, fmt.Errorf("/proc/PID/status: %q: %w", line, err)
		}
		if name == "VmRSS" {
			now = kb << 10
		} else {
			peak = kb << 10
		}
	}
	return now, peak, nil
}
