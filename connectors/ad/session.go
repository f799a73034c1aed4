package ad

import (
	"context"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// mostSession is how long a session is used, over all pulls: an account that was
// disabled meanwhile, a new password and a preferred controller that is back
// are noticed by then. [W] A server closes connections that lay idle for 15
// minutes (MaxConnIdleTime).
const mostSession = 10 * time.Minute

// keptSession is a session that waits for the next pull. To connect and to bind
// costs a controller more than to tell of a change.
type keptSession struct {
	*dirsync.Session
	opened time.Time
}

// open gives the session that the last pull left, or a new one.
func (s *Source) open(ctx context.Context) (session keptSession, used bool, err error) {
	if session = s.swap(keptSession{}); session.Session != nil {
		if time.Since(session.opened) < mostSession {
			return session, true, nil
		}
		_ = session.Close() // it's of no more use
	}
	session.opened = time.Now()
	session.Session, err = dirsync.Open(ctx, s.directory)
	return session, false, err
}

// facts are what the server said when the session was opened, with its time as
// it is now.
func (s keptSession) facts() dirsync.Facts {
	f := s.Facts()
	f.Time = f.Time.Add(time.Since(s.opened))
	return f
}

// swap keeps another session, or none, and gives the one before.
func (s *Source) swap(next keptSession) (last keptSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, s.kept = s.kept, next
	return last
}

// Close ends the connections that wait for the next pull. A pull after it opens
// new ones.
func (s *Source) Close() error {
	if last := s.swap(keptSession{}); last.Session != nil {
		return last.Close()
	}
	return nil
}
