package gormstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// looks asks PostgreSQL together what several Looks ask at the same time. To
// find a few rows by an index costs less than for two processes to wake each
// other up: 32 look-ups in one round trip take a third of the CPU, on both
// sides, that they take one by one. Nobody waits for others to come: what is
// asked while all senders are under way goes with the next one.
type looks struct {
	e       *postgresEngine
	senders int           // at most, at the same time
	timeout time.Duration // of a round trip

	mu      sync.Mutex
	running int // senders
	waiting []*look

	asked, sent atomic.Int64 // how many Looks, and in how many round trips
}

// A round trip has at most maxTogether Looks. One that turns out to have more
// than maxBrief rows is asked by itself, so that the others needn't wait.
const (
	maxTogether = 32
	maxBrief    = 128
)

// look is one statement, and what reads its rows.
type look struct {
	sql   string
	args  []any
	read  func(rows) error
	state atomic.Int32 // queued, started or dropped
	reply chan error   // gets one answer if the look was started
}

// errApart says that a statement has had no answer together with others. What
// is wrong, if it is wrong with this one, is seen when it is asked by itself.
var errApart = errors.New("gormstore: to be asked by itself")

// ask waits for the answer. read is called on another goroutine, but never after
// ask has returned.
func (l *looks) ask(ctx context.Context, sql string, args []any, read func(rows) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a := &look{sql: sql, args: args, read: read, reply: make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, a)
	start := l.running < l.senders
	if start {
		l.running++
	}
	l.mu.Unlock()
	if start {
		go l.send()
	}
	select {
	case err := <-a.reply:
		return err
	case <-ctx.Done():
	}
	if a.state.CompareAndSwap(queued, dropped) {
		return ctx.Err()
	}
	return <-a.reply
}

// send sends until nothing waits.
func (l *looks) send() {
	for !l.idle() {
		l.round()
	}
}

// idle says that nothing waits, and that the sender has ended.
func (l *looks) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		return false
	}
	l.running--
	return true
}

// round is one round trip. As long as there is no connection for it, who waits
// may still give up.
func (l *looks) round() {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	p, err := l.e.connect(ctx)
	defer p.close()
	all := l.next()
	if err == nil && len(all) > 0 {
		all = all[l.together(ctx, p, all):]
	}
	for _, a := range all {
		a.reply <- errApart
	}
}

// next takes what waits.
func (l *looks) next() []*look {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), maxTogether)
	all := slices.DeleteFunc(slices.Clone(l.waiting[:n]), func(a *look) bool { return !a.state.CompareAndSwap(queued, started) })
	l.waiting = slices.Delete(l.waiting, 0, n)
	return all
}

// together asks in one round trip. How many got an answer it returns; those
// after one that failed got none, because PostgreSQL passes them over.
func (l *looks) together(ctx context.Context, p *postgresConn, all []*look) (answered int) {
	b := &pgx.Batch{}
	for _, a := range all {
		b.Queue(a.sql, a.args...)
	}
	l.asked.Add(int64(len(all)))
	l.sent.Add(1)
	sent := p.c.SendBatch(ctx, b)
	defer sent.Close()
	for i, a := range all {
		r, err := sent.Query()
		if err != nil {
			return i
		}
		if !a.take(&postgresRows{Rows: r, p: p}) {
			return i
		}
	}
	return len(all)
}

// take reads the rows and answers; false if there is no answer.
func (a *look) take(r *postgresRows) bool {
	err := a.readSafely(&briefRows{postgresRows: r, left: maxBrief})
	if r.Close() != nil {
		return false
	}
	a.reply <- err
	return true
}

// readSafely makes nothing of a panic: it comes again, and is reported, where
// the statement is asked by itself.
func (a *look) readSafely(r rows) (err error) {
	defer func() {
		if recover() != nil {
			err = errApart
		}
	}()
	return a.read(r)
}

// briefRows ends with errApart if there are more than a few.
type briefRows struct {
	*postgresRows
	left int
}

func (r *briefRows) Next() bool {
	if r.left--; r.left < 0 {
		return false
	}
	return r.postgresRows.Next()
}

func (r *briefRows) Err() error {
	if r.left < 0 {
		return errApart
	}
	return r.postgresRows.Err()
}
