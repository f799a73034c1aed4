package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/kardianos/service"
	"github.com/workspace-scim/workspace/internal/agent"
)

// underWindows says whether the manager of Windows services started the program.
func underWindows() bool { return runtime.GOOS == "windows" && !service.Interactive() }

// runUnderWindows runs the agent as a Windows service, which its manager tells
// to end; it logs to the event log.
func (p *program) runUnderWindows() error {
	w := &windowsService{}
	s, err := ServiceName{"workspace-ad"}.control(w, &service.Config{})
	if err != nil {
		return err
	}
	events, err := s.Logger(nil)
	if err != nil {
		return err
	}
	if p.log, err = p.cli.Logger(eventLog{events}); err != nil {
		return err
	}
	if w.agent, err = p.agent(); err != nil {
		return errors.Join(err, events.Error(err))
	}
	w.fail = func(err error) {
		p.log.Error("ended", "error", err)
		os.Exit(1) // the manager starts it again
	}
	return s.Run()
}

// windowsService fulfils service.Interface.
type windowsService struct {
	agent *agent.Agent
	fail  func(error) // the agent ended by itself
	end   context.CancelFunc
	ended chan struct{}
}

// Start fulfils service.Interface.
func (w *windowsService) Start(service.Service) error {
	ctx, cancel := context.WithCancel(context.Background())
	w.end, w.ended = cancel, make(chan struct{})
	go func() {
		defer close(w.ended)
		if err := w.agent.Run(ctx); ctx.Err() == nil {
			w.fail(err)
		}
	}()
	return nil
}

// Stop fulfils service.Interface. It waits for the agent, at most 10 s.
func (w *windowsService) Stop(service.Service) error {
	w.end()
	select {
	case <-w.ended:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("the agent doesn't end")
	}
}

// eventLog writes log lines to the event log of Windows.
type eventLog struct{ service.Logger }

// Write fulfils io.Writer for slog's handlers, which write a line at once.
func (e eventLog) Write(line []byte) (int, error) {
	level := func(name string) bool {
		return bytes.Contains(line, []byte("level="+name)) || bytes.Contains(line, []byte(`"level":"`+name+`"`))
	}
	tell := e.Info
	switch {
	case level("ERROR"):
		tell = e.Error
	case level("WARN"):
		tell = e.Warning
	}
	if err := tell(string(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
