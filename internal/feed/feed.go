package feed

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// pathKeys is where the public keys are (RFC 7517 §5).
const pathKeys = "/.well-known/jwks.json"

const (
	// pollTimeout bounds how long a poll waits for something to tell.
	pollTimeout = 30 * time.Second
	// askAgain is how often it is asked meanwhile whether who polls still may.
	askAgain = 5 * time.Second
)

// Config is what a Feed needs.
type Config struct {
	Directory *directory.Directory
	// Logger discards if nil.
	Logger *slog.Logger
	// BaseURL is how others reach the server; if empty, it is what the request was
	// sent to that made a stream.
	BaseURL string
	// PushNetworks are networks that pushes may reach besides public addresses.
	PushNetworks []netip.Prefix
	// PushHTTP allows endpoints that aren't https.
	PushHTTP bool
}

// Feed delivers the events of streams. It is safe for concurrent use.
type Feed struct {
	dir     *directory.Directory
	log     *slog.Logger
	baseURL string
	keys    *keyRing
	news    *news
	guard   guard
	client  client
}

// New makes a Feed. Stop ends the polls that wait.
func New(c Config) *Feed {
	f := &Feed{dir: c.Directory, log: c.Logger, baseURL: strings.TrimRight(c.BaseURL, "/"), guard: guard{c.PushNetworks, c.PushHTTP}}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.keys, f.news, f.client = newKeyRing(c.Directory), newNews(c.Directory), newClient(f.guard)
	return f
}

// Stop ends the polls that wait, with what they have, and those that come wait no
// more. Calling it twice is harmless.
func (f *Feed) Stop() { f.news.stop() }

// Server is the URL of the server for streams that are made at this one.
func (f *Feed) Server(requested string) string {
	if f.baseURL != "" {
		return f.baseURL
	}
	return requested
}

// CheckEndpoint refuses, with a Violation, an endpoint to which nothing would be
// sent as it is written; "" is none.
func (f *Feed) CheckEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	if wrong := f.guard.check(endpoint); wrong != "" {
		return &directory.Violation{
			Rule: directory.RuleInvalid, Attribute: "endpoint", Detail: wrong,
			Way: "Use the https URL of a receiver at a public address, or let the operator allow its network.",
		}
	}
	return nil
}

// KeysURL is where the keys of a server are.
func KeysURL(server string) string { return server + pathKeys }

// Poll is a receiver's request (RFC 8936 §2.2).
type Poll struct {
	Settled directory.Settled
	// Max is how many tokens it takes; 0 for none, as when it only acknowledges
	// (§2.4.2).
	Max         int
	Immediately bool // it doesn't wait
	// Again finds out anew who polls. A poll that waits ends with its error, so it
	// outlives neither its token nor its source.
	Again func(context.Context) (directory.Actor, error)
}

// Answer is the answer to a poll (RFC 8936 §2.3): tokens by their ids.
type Answer struct {
	Sets map[string]string `json:"sets"`
	More bool              `json:"moreAvailable,omitempty"`
}

// Poll answers a receiver. What it settles is settled even if the rest fails.
// Without anything to tell it waits, unless the receiver doesn't want that, until
// there is something, half a minute has passed, or the Feed is stopped.
func (f *Feed) Poll(ctx context.Context, a directory.Actor, id string, p Poll) (Answer, error) {
	if err := f.dir.SettleStream(ctx, a, id, p.Settled); err != nil {
		return Answer{}, err
	}
	deadline := time.Now().Add(pollTimeout)
	var w *waiter
	for {
		b, err := f.dir.ReadStream(ctx, a, id, p.Max)
		if err != nil {
			return Answer{}, err
		}
		late := !time.Now().Before(deadline)
		if p.Max == 0 || len(b.Notices) > 0 || late {
			return f.answer(ctx, b)
		}
		if b.More {
			continue
		}
		if w == nil && !p.Immediately {
			if w = f.news.enter(b.Stream); w != nil {
				defer w.leave()
			}
		}
		until := time.Now().Add(askAgain)
		if deadline.Before(until) {
			until = deadline
		}
		if w == nil || !w.wait(ctx, b.Last, until) {
			return f.answer(ctx, b)
		}
		if a, err = p.Again(ctx); err != nil {
			return Answer{}, err
		}
	}
}

func (f *Feed) answer(ctx context.Context, b directory.Batch) (Answer, error) {
	out := Answer{Sets: map[string]string{}, More: b.More}
	for _, n := range b.Notices {
		token, err := f.sign(ctx, b.Stream, n)
		if err != nil {
			return Answer{}, err
		}
		out.Sets[directory.JTI(b.Stream, n)] = token
	}
	return out, nil
}
