package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"

	"gorm.io/gorm"
)

// A transaction is closed to further Updates when it has had groupSize of them,
// or has run groupWrites statements: what a large one still has to do by itself
// is more than a commit, and it does that best in a transaction of its own.
const (
	groupSize   = 256
	groupWrites = 1024
)

// writer owns the one connection that writes to a SQLite file. Its goroutine
// runs the functions of concurrent Updates in one transaction and commits them
// with one fsync; those that arrive meanwhile make up the next group.
type writer struct {
	db  *sql.DB // one connection
	orm *gorm.DB
	log *slog.Logger

	conn  *sql.Conn // the goroutine's; nil before it is needed
	jobs  chan *job
	again []*job // to be run before those in jobs
	pages *checkpointer
	quit  chan struct{} // closed by close
	done  chan struct{} // closed when the goroutine has ended

	updates, commits atomic.Int64 // how many Updates were kept, by how many commits
}

// job is one Update, or one task of maintenance between two groups.
type job struct {
	ctx    context.Context
	fn     func(*session) error
	alone  func(*sql.Conn) error // instead of fn: outside any transaction
	state  atomic.Int32
	writes int        // how many statements fn ran
	err    error      // of fn
	reply  chan error // gets one answer if the job was started
}

// The states of a job.
const (
	queued int32 = iota
	started
	dropped // its context ended before it was started
)

func (w *writer) start(p *checkpointer) {
	w.pages = p
	w.jobs, w.quit, w.done = make(chan *job, groupSize), make(chan struct{}), make(chan struct{})
	go w.run()
}

// close lets the group that runs, and what is queued, end.
func (w *writer) close() {
	if w.jobs == nil {
		return
	}
	close(w.quit)
	<-w.done
}

func (w *writer) update(ctx context.Context, fn func(*session) error) error {
	return w.do(&job{ctx: ctx, fn: fn, reply: make(chan error, 1)})
}

// between runs a task between two groups.
func (w *writer) between(ctx context.Context, task func(*sql.Conn) error) error {
	return w.do(&job{ctx: ctx, alone: task, reply: make(chan error, 1)})
}

// do waits for the answer. A context that ends before the job was started
// drops it; later the answer is waited for, because it is the truth.
func (w *writer) do(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.quit:
		return errClosed
	default:
	}
	select {
	case w.jobs <- j:
	case <-j.ctx.Done():
		return j.ctx.Err()
	case <-w.done:
		return errClosed
	}
	select {
	case err := <-j.reply:
		return err
	case <-j.ctx.Done():
	case <-w.done:
	}
	if j.state.CompareAndSwap(queued, dropped) {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		return errClosed
	}
	return <-j.reply
}

// run is the goroutine. If a function ends it (runtime.Goexit, as a failing
// test does), another one takes over.
func (w *writer) run() {
	ended := true
	defer func() {
		if ended {
			go w.run()
			return
		}
		close(w.done)
	}()
	for {
		j := w.next()
		if j == nil {
			select {
			case j = <-w.jobs:
			case <-w.quit:
				if j = w.next(); j == nil {
					w.drop()
					ended = false
					return
				}
			}
		}
		w.group(j)
	}
}

// next gives a job that waits, nil if none does.
func (w *writer) next() *job {
	if len(w.again) > 0 {
		j := w.again[0]
		w.again = w.again[1:]
		return j
	}
	select {
	case j := <-w.jobs:
		return j
	default:
		return nil
	}
}

// group runs j and what waits behind it in one transaction.
func (w *writer) group(j *job) {
	var ran []*job
	wrote, writes := false, 0
	var failure error
	for n := 0; j != nil; j, n = w.next(), n+1 {
		if !j.state.CompareAndSwap(queued, started) && j.state.Load() == dropped {
			continue
		}
		if j.alone != nil {
			w.finish(ran, wrote, failure)
			ran, wrote, failure = nil, false, nil
			j.reply <- w.solo(j)
			return
		}
		if len(ran) == 0 {
			if err := w.begin(); err != nil {
				w.refuse(j, err)
				return
			}
		}
		ran = append(ran, j)
		if failure = w.call(j, ran, wrote); failure != nil {
			break
		}
		wrote, writes = wrote || j.err == nil, writes+j.writes
		if n+1 >= groupSize || writes >= groupWrites {
			break
		}
	}
	w.finish(ran, wrote, failure)
}

// refuse answers a job, and all that wait behind it, with the error that keeps
// the writer from working: each of them would only wait as long again.
func (w *writer) refuse(j *job, err error) {
	for ; j != nil; j = w.next() {
		if j.state.CompareAndSwap(queued, started) || j.state.Load() == started {
			j.reply <- err
		}
	}
}

// begin opens the transaction, on a new connection if the last one broke.
func (w *writer) begin() error {
	if w.conn == nil {
		c, err := w.db.Conn(context.Background())
		if err != nil {
			return connectError(err)
		}
		w.conn = c
	}
	_, err := w.conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	err, _ = sqliteError(err)
	return err
}

// call runs one job. Its own failure goes to j.err and leaves nothing of it;
// call's error means that the whole transaction is lost. Jobs share it if one
// before this one wrote.
func (w *writer) call(j *job, ran []*job, shared bool) error {
	err := w.try(j, ran, shared, false)
	if errors.Is(err, errUnguarded) {
		err = w.try(j, ran, shared, true)
	}
	return err
}

// try runs a job, in a savepoint if the transaction isn't its own.
func (w *writer) try(j *job, ran []*job, shared, guarded bool) error {
	c := &sqliteConn{c: w.conn, base: w.orm}
	if shared {
		if err := c.mark("job"); err != nil {
			return err
		}
	}
	returned := false
	defer func() {
		if !returned { // the function ends the goroutine: see run
			w.abandon(j, ran)
		}
	}()
	s := newSession(j.ctx, c, sqliteDialect{}, true)
	s.rids, s.seqs, s.guarded = &lastRID{}, &lastSeq{}, guarded
	// Those before it in the group wait for the commit.
	s.awaited = func() bool { return len(ran) > 1 || len(w.again) > 0 || len(w.jobs) > 0 }
	j.err = protect(w.log, s, j.fn)
	returned, j.writes = true, s.writes
	if c.failed != nil && !errors.Is(c.failed, errUnguarded) {
		return c.failed
	}
	if j.err == nil && c.failed == nil {
		j.err = s.writeCounts()
	}
	switch {
	case j.err != nil || c.failed != nil:
		if err := w.undo(c, shared); err != nil {
			return err // there is no transaction to run anything in again
		}
		return c.failed
	case shared:
		return c.release("job")
	}
	return nil
}

// undo takes back what a job wrote, and goes on with the transaction.
func (w *writer) undo(c *sqliteConn, shared bool) error {
	if shared {
		return c.undo("job")
	}
	w.rollback()
	return w.begin()
}

// abandon gives up the transaction of a function that ended the goroutine. The
// other functions of the group are run again.
func (w *writer) abandon(culprit *job, ran []*job) {
	w.rollback()
	culprit.reply <- errors.New("gormstore: the function ended its goroutine")
	for _, j := range ran {
		if j != culprit {
			j.err = nil
			w.again = append(w.again, j)
		}
	}
}

// finish commits and answers. If the commit fails, or a failure came before
// it, nothing was kept and every job gets that error.
func (w *writer) finish(ran []*job, wrote bool, failure error) {
	if len(ran) == 0 {
		return
	}
	if failure == nil && wrote {
		_, err := w.conn.ExecContext(context.Background(), "COMMIT")
		failure, _ = sqliteError(err)
	}
	if failure != nil || !wrote {
		w.rollback()
	}
	if failure == nil && wrote {
		w.commits.Add(1)
	}
	for _, j := range ran {
		if failure != nil {
			j.err = failure
		}
		if j.err == nil {
			w.updates.Add(1)
		}
		j.reply <- j.err
	}
	if failure == nil && wrote {
		w.pages.committed(w.conn)
	}
}

// rollback ends the transaction, whatever its state; a connection on which that
// fails is replaced.
func (w *writer) rollback() {
	c := &sqliteConn{c: w.conn}
	if w.conn == nil || c.idle() {
		return
	}
	if err := c.exec("ROLLBACK"); err != nil || !c.idle() {
		w.log.Warn("the writing connection is replaced", "error", err)
		discard(w.conn)
		w.conn = nil
	}
}

// solo runs a task on the connection, between transactions.
func (w *writer) solo(j *job) error {
	if w.conn == nil {
		c, err := w.db.Conn(context.Background())
		if err != nil {
			return connectError(err)
		}
		w.conn = c
	}
	return j.alone(w.conn)
}

// drop answers what came too late and gives the connection back.
func (w *writer) drop() {
	w.refuse(w.next(), errClosed)
	if w.conn != nil {
		if err := w.conn.Close(); err != nil {
			w.log.Warn("closing the writing connection", "error", err)
		}
		w.conn = nil
	}
}
