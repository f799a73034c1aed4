package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// adServer is a Workspace with a source of the kind ad, and an agent of that.
type adServer struct {
	server   *process
	program  string // workspace-ad
	identity string // file of the agent
	dir      string
}

const adSource = "ad"

// newADServer starts a server with an empty database, and enrols an agent.
func newADServer(ctx context.Context, d *databases, database, program, agent string) (*adServer, error) {
	url, err := d.create(ctx, database)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(d.dir, "ad-")
	if err != nil {
		return nil, err
	}
	code, err := administer(ctx, program, url, [][]string{
		{"tenant", "add", tenantName, "--domain", "test.example"},
		{"tenant", "enable", tenantName},
		{"source", "add", "--tenant", tenantName, "--kind", "ad", "--name", adSource},
		{"agent", "code", "--tenant", tenantName, "--source", adSource},
	})
	if err != nil {
		return nil, err
	}
	s := &adServer{program: agent, identity: filepath.Join(dir, "identity.json"), dir: dir}
	if s.server, err = startServer(ctx, program, url, "", filepath.Join(dir, "server.log")); err != nil {
		return nil, errors.Join(err, s.close())
	}
	enrol := exec.CommandContext(ctx, agent, "--identity", s.identity, "enrol", code, "--url", "http://"+s.server.address)
	if out, err := enrol.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("workspace-ad enrol: %w: %s", err, out), s.close())
	}
	return s, nil
}

func (s *adServer) close() error {
	if s.server == nil {
		return nil
	}
	return s.server.stop()
}

// agentRun is what one run of workspace-ad took, from its start to its end.
type agentRun struct {
	took, cpu, serverCPU time.Duration
	peak                 int64 // resident bytes at most
}

// run runs workspace-ad once or resync on a domain, in a process of its own.
func (s *adServer) run(ctx context.Context, command string, d *adDomain) (agentRun, error) {
	var r agentRun
	config := d.config()
	before, err := s.server.cpu()
	if err != nil {
		return r, err
	}
	begin := time.Now()
	p, err := start("", "", filepath.Join(s.dir, command+".log"), s.program, nil, "--identity", s.identity, command,
		"--server", config.Servers[0], "--server-name", config.ServerName, "--ldap-ca", config.CAFile,
		"--account", config.Account, "--password-file", config.PasswordFile)
	if err != nil {
		return r, err
	}
	if r.peak, err = p.wait(ctx); err != nil {
		return r, err
	}
	r.took, r.cpu = time.Since(begin), p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime()
	if !p.cmd.ProcessState.Success() {
		return r, fmt.Errorf("workspace-ad %s: %s", command, p.tail())
	}
	after, err := s.server.cpu()
	r.serverCPU = after - before
	return r, err
}

// wait waits for the end of a process and gives its peak of memory, as seen a
// few milliseconds before.
func (p *process) wait(ctx context.Context) (peak int64, err error) {
	for {
		if _, now, err := p.memory(); err == nil { // it may have ended
			peak = max(peak, now)
		}
		select {
		case <-p.ended:
			return peak, nil
		case <-ctx.Done():
			return peak, errors.Join(ctx.Err(), p.stop())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// poller is an agent in a process of its own that polls when it is told to.
type poller struct {
	*process
	in   io.WriteCloser
	told *json.Decoder
}

// poller starts one; workspace-ad must not run meanwhile.
func (s *adServer) poller(d *adDomain) (*poller, error) {
	text, err := json.Marshal(pullConfig{s.identity, d.config()})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, "poller.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log := filepath.Join(s.dir, "poller.log")
	errs, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	p := &poller{process: &process{cmd: exec.Command(self, agentFlag, file), log: log, ended: make(chan struct{})}}
	p.cmd.Stderr = errs
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.told = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// poll polls once; as many objects must be updated.
func (p *poller) poll(updated int) (poll, error) {
	var told poll
	if _, err := io.WriteString(p.in, "poll\n"); err != nil {
		return told, fmt.Errorf("the polling agent ended: %w: %s", err, p.tail())
	}
	if err := p.told.Decode(&told); err != nil {
		return told, fmt.Errorf("the polling agent ended: %w: %s", err, p.tail())
	}
	return told, told.err(updated)
}

// close ends it.
func (p *poller) close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}
