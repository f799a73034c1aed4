package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer is how many bytes an answer has at most; the client takes no more.
const maxAnswer = 64 << 20

var errTooLarge = errors.New("the answer is larger than 64 MiB")

// Transport carries requests to a handler of the same process, through all that
// a request from outside goes through. A request is answered when RoundTrip
// returns: nothing goes on behind it. It is safe for concurrent use.
type Transport struct{ Handler http.Handler }

var _ http.RoundTripper = Transport{}

// RoundTrip fulfils http.RoundTripper. An answer that the handler broke off, or
// that is too large, is an error, as a connection that broke.
func (t Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.RequestURI, in.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:0"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	w := &answer{header: http.Header{}}
	if err := t.serve(w, in); err != nil {
		return nil, err
	}
	if err := errors.Join(req.Context().Err(), w.err); err != nil {
		return nil, err
	}
	return w.response(req), nil
}

// serve calls the handler. It recovers as net/http does: a handler breaks an
// answer off by a panic.
func (t Transport) serve(w *answer, in *http.Request) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the answer was broken off (%T)", r)
		}
	}()
	t.Handler.ServeHTTP(w, in)
	return nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
	err    error
}

// Header fulfils http.ResponseWriter.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader fulfils http.ResponseWriter.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write fulfils http.ResponseWriter.
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > maxAnswer {
		w.err = errTooLarge
	}
	if w.err != nil {
		return 0, w.err
	}
	return w.body.Write(p)
}

func (w *answer) response(req *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	if w.sent.Get("Date") == "" {
		w.sent.Set("Date", time.Now().UTC().Format(http.TimeFormat)) // as net/http does
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Request: req,
		ContentLength: int64(w.body.Len()), Body: io.NopCloser(&w.body),
	}
}
