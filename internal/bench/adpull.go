package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/scim"
)

// agentFlag makes this program an agent that polls when it is told to; a file
// with its pullConfig follows.
const agentFlag = "-polling-agent"

// pullConfig is what such an agent is started with.
type pullConfig struct {
	Identity  string // file
	Directory dirsync.Config
}

// poll is how one poll went.
type poll struct {
	Took   time.Duration
	Wrote  time.Duration // from the beginning until the last write was answered; 0 for none
	Writes int           // SCIM requests that write
	State  string
	Counts scimclient.Counts
	Error  string
}

// servePolls is what workspace-ad run does, but for heartbeats and for its
// waiting: it polls once for each line of in, and tells on out how that went. It
// ends with in.
func servePolls(ctx context.Context, file string, in io.Reader, out io.Writer) error {
	var config pullConfig
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	id, err := agent.LoadIdentity(config.Identity)
	if err != nil {
		return err
	}
	transport, err := scimclient.NewTransport("")
	if err != nil {
		return err
	}
	writes := &writeCounter{next: transport}
	client, err := scimclient.New(scimclient.Config{URL: id.URL, Token: func() string { return id.Token }, Transport: writes})
	if err != nil {
		return err
	}
	document, err := ad.ParseDocument(nil)
	if err != nil {
		return err
	}
	source, err := ad.New(ad.Config{Directory: config.Directory, Document: document})
	if err != nil {
		return err
	}
	const partition = "default"
	ctx, lease, release, err := runner.Hold(ctx, client, runner.Claim{Source: id.Source, Partition: partition, TTL: 30 * time.Second})
	if err != nil {
		return err
	}
	defer release()
	told := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		writes.reset()
		begin := time.Now()
		r, err := runner.Cycle(ctx, runner.Config{Client: client, Source: id.Source, Partition: partition, Limits: runner.DefaultLimits()},
			lease, source, runner.Options{})
		p := poll{Took: time.Since(begin), State: r.State, Counts: r.Counts}
		if err != nil {
			p.Error = err.Error()
		}
		last, n := writes.seen()
		if p.Writes = n; n > 0 {
			p.Wrote = last.Sub(begin)
		}
		if err := told.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// writeCounter counts the SCIM requests that write, and notes when the last of
// them was answered: by then what it wrote can be read.
type writeCounter struct {
	next http.RoundTripper

	mu   sync.Mutex
	n    int
	last time.Time
}

// RoundTrip fulfils [http.RoundTripper].
func (w *writeCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	if isWrite(r) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.n++
		w.last = time.Now()
	}
	return answer, err
}

func isWrite(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, scim.Prefix) && r.Method != http.MethodGet &&
		!strings.HasSuffix(r.URL.Path, "/.search") && !r.URL.Query().Has("dryRun")
}

func (w *writeCounter) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n = 0
}

func (w *writeCounter) seen() (last time.Time, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.n
}

// err is why a poll isn't one that may be measured.
func (p poll) err(updated int) error {
	switch {
	case p.Error != "":
		return fmt.Errorf("a poll failed: %s", p.Error)
	case p.State != "succeeded" || p.Counts.Failed > 0 || p.Counts.Updated != int64(updated):
		return fmt.Errorf("a poll of %d changes: %+v", updated, p)
	}
	return nil
}
