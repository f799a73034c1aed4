package scim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// A streamed answer is kept until it has bufferSize bytes, so that most go out
// whole and with their length; a client that takes longer than writeTimeout for
// a piece of a longer one is cut off, because the snapshot behind it keeps the
// database from tidying up.
const (
	bufferSize   = 64 << 10
	writeTimeout = 20 * time.Second
)

// stream writes an answer whose length isn't known, such as a group with
// 250,000 members, in flat memory.
type stream struct {
	r         *request
	status    int
	b         []byte
	committed bool
	keep      bool // all of it, instead of sending it
	err       error
}

func (r *request) stream(status int) *stream {
	return &stream{r: r, status: status}
}

func (w *stream) write(b []byte) {
	w.b = append(w.b, b...)
	if len(w.b) >= bufferSize {
		w.flush()
	}
}

func (w *stream) flush() {
	if w.err != nil || w.keep {
		return
	}
	res := w.r.c.Response()
	if !w.committed {
		w.committed = true
		res.Header().Set("Content-Type", MediaType)
		res.WriteHeader(w.status)
	}
	if w.r.c.Request().Method != http.MethodHead {
		// Not every writer has deadlines (a test's recorder has none).
		_ = http.NewResponseController(res).SetWriteDeadline(time.Now().Add(writeTimeout))
		_, w.err = res.Write(w.b)
	}
	w.b = w.b[:0]
}

// members appends Group.members, if the group has any.
func (w *stream) members(in *directory.Reading, p *presenter, rec *store.Record) error {
	n := 0
	err := in.Members(rec.RID, func(m store.Member) error {
		if n++; n == 1 {
			w.write([]byte("," + p.t.Members.Quoted() + "["))
		} else {
			w.b = append(w.b, ',')
		}
		w.b = p.member(w.b, m)
		if len(w.b) >= bufferSize {
			w.flush()
		}
		return w.err
	})
	if err == nil && n > 0 {
		w.write([]byte{']'})
	}
	return err
}

// close sends what is left.
func (w *stream) close() error {
	if !w.committed {
		w.r.c.Response().Header().Set("Content-Length", strconv.Itoa(len(w.b)))
	}
	w.flush()
	return w.err
}
