package csvrecords

import (
	"bytes"
	"io"
)

// The sizes of the window: that which it has for most files, and the largest.
const (
	smallWindow = 64 << 10
	mostWindow  = 8 << 20
)

// window is the part of a stream that is looked at.
type window struct {
	source   io.Reader
	buffer   []byte
	from, to int   // what is in the buffer and wasn't left behind
	err      error // why no more can be read, io.EOF at the end
}

// bytes are what is in the window. They hold until the next call of a method.
func (w *window) bytes() []byte { return w.buffer[w.from:w.to] }

// ended says that nothing comes behind what is in the window.
func (w *window) ended() bool { return w.err == io.EOF }

// full says that the window is as large as it gets.
func (w *window) full() bool { return w.to-w.from >= mostWindow }

// skip leaves bytes behind.
func (w *window) skip(n int) { w.from += n }

// maxEmptyReads is after how many reads that give nothing a stream is broken.
const maxEmptyReads = 100

// more reads more into a window that isn't full, and says whether there was any.
func (w *window) more() bool {
	if w.err != nil || w.full() {
		return false
	}
	if w.from > 0 {
		w.to = copy(w.buffer, w.bytes())
		w.from = 0
	}
	if w.to == len(w.buffer) {
		grown := make([]byte, min(max(2*len(w.buffer), smallWindow), mostWindow))
		copy(grown, w.buffer[:w.to])
		w.buffer = grown
	}
	for range maxEmptyReads {
		n, err := w.source.Read(w.buffer[w.to:])
		w.to, w.err = w.to+n, err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// least reads until the window has n bytes or nothing more comes.
func (w *window) least(n int) {
	for len(w.bytes()) < n && w.more() {
	}
}

// skipLine leaves a line and its line break behind, and tells forget what it left.
func (w *window) skipLine(forget func([]byte)) {
	leave := func(n int) {
		forget(w.bytes()[:n])
		w.skip(n)
	}
	for {
		i := bytes.IndexAny(w.bytes(), "\r\n")
		if i < 0 {
			leave(len(w.bytes()))
			if !w.more() {
				return
			}
			continue
		}
		if i+1 == len(w.bytes()) {
			leave(i)
			i = 0
			w.least(2) // a LF may follow
		}
		leave(i + lineBreak(w.bytes()[i:]))
		return
	}
}
