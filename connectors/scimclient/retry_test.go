package scimclient_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// TestWhatCanSucceedLaterIsTriedAgain: the statuses that say so, and a connection
// without a whole answer; nothing else. A write that isn't the same when it is
// carried out twice is tried again only if it surely wasn't.
func TestWhatCanSucceedLaterIsTriedAgain(t *testing.T) {
	const most = 4 // Config.Tries
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"bulk":`))
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		answer         func(http.ResponseWriter)
		reads, creates int // how often each is sent
	}{
		"200": {func(w http.ResponseWriter) { _, _ = w.Write([]byte(limits("1", "1000"))) }, 1, 1},
		"400": {func(w http.ResponseWriter) { w.WriteHeader(400) }, 1, 1},
		"401": {func(w http.ResponseWriter) { w.WriteHeader(401) }, 1, 1},
		"404": {func(w http.ResponseWriter) { w.WriteHeader(404) }, 1, 1},
		"408": {func(w http.ResponseWriter) { w.WriteHeader(408) }, most, 1},
		"409": {func(w http.ResponseWriter) { w.WriteHeader(409) }, 1, 1},
		"412": {func(w http.ResponseWriter) { w.WriteHeader(412) }, 1, 1},
		"413": {func(w http.ResponseWriter) { w.WriteHeader(413) }, 1, 1},
		"429": {func(w http.ResponseWriter) { w.WriteHeader(429) }, most, most},
		"500": {func(w http.ResponseWriter) { w.WriteHeader(500) }, 1, 1},
		"502": {func(w http.ResponseWriter) { w.WriteHeader(502) }, most, 1},
		"503": {func(w http.ResponseWriter) { w.WriteHeader(503) }, most, 1},
		"504": {func(w http.ResponseWriter) { w.WriteHeader(504) }, most, 1},
		"cut": {cut, most, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) { c.answer(w) }}
			_, err := s.connect(t).Limits(t.Context())
			if s.count() != c.reads {
				t.Errorf("a read was sent %d times, want %d", s.count(), c.reads)
			}
			if (err == nil) != (name == "200") || scimclient.Temporary(err) != (c.reads == most) {
				t.Errorf("its error is %v", err)
			}
			creates := &server{}
			creates.answer = func(n int, w http.ResponseWriter, r *http.Request) {
				if isConfig(r) {
					_, _ = w.Write([]byte(limits("1", "1000")))
					return
				}
				c.answer(w)
			}
			out, err := creates.connect(t).Write(t.Context(), []scimclient.Operation{{Method: "POST", Path: "/Users", Data: []byte(`{}`)}})
			if n := creates.count() - 1; n != c.creates {
				t.Errorf("a create was sent %d times, want %d", n, c.creates)
			}
			if uncertain := c.reads == most && c.creates == 1; err == nil && scimclient.Uncertain(out[0].Err) != uncertain {
				t.Errorf("its outcome is %v, want uncertain: %v", out[0].Err, uncertain)
			}
		})
	}
}

// TestTheServerSaysHowLongToWait, within bounds.
func TestTheServerSaysHowLongToWait(t *testing.T) {
	for name, c := range map[string]struct {
		after       func() string
		least, most time.Duration
	}{
		"seconds":             {func() string { return "7" }, 7 * time.Second, 7 * time.Second},
		"a date":              {func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 8 * time.Second, 9 * time.Second},
		"many seconds":        {func() string { return "86400" }, time.Minute, time.Minute},
		"a day that is far":   {func() string { return "Fri, 31 Dec 2199 23:59:59 GMT" }, time.Minute, time.Minute},
		"a day that is over":  {func() string { return "Fri, 31 Dec 1999 23:59:59 GMT" }, 0, 250 * time.Millisecond},
		"nothing":             {func() string { return "" }, 0, 250 * time.Millisecond},
		"no number, no date":  {func() string { return "soon" }, 0, 250 * time.Millisecond},
		"a negative number":   {func() string { return "-5" }, 0, 250 * time.Millisecond},
		"more than an int is": {func() string { return "99999999999999999999" }, 0, 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(n int, w http.ResponseWriter, _ *http.Request) {
					if n == 1 {
						w.Header().Set("Retry-After", c.after())
						w.WriteHeader(http.StatusTooManyRequests)
						return
					}
					_, _ = w.Write([]byte(limits("1", "1000")))
				}}
				began := time.Now()
				if _, err := client(t, scimclient.Config{URL: "https://contoso.com", Transport: s}).Limits(t.Context()); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(began); waited < c.least || waited > c.most {
					t.Errorf("waited %v, want %v to %v", waited, c.least, c.most)
				}
			})
		})
	}
}

// TestTheWaitDoubles between two tries, of which between half and all is waited.
func TestTheWaitDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		s := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			at = append(at, time.Now())
			w.WriteHeader(http.StatusServiceUnavailable)
		}}
		c := client(t, scimclient.Config{URL: "https://contoso.com", Transport: s, Tries: 11})
		if _, err := c.Limits(t.Context()); !scimclient.Temporary(err) {
			t.Errorf("%v", err)
		}
		if len(at) != 11 {
			t.Fatalf("%d tries", len(at))
		}
		for i := range len(at) - 1 {
			full := min(250*time.Millisecond<<i, 30*time.Second)
			if waited := at[i+1].Sub(at[i]); waited < full/2 || waited > full {
				t.Errorf("after try %d it waited %v, want %v to %v", i+1, waited, full/2, full)
			}
		}
	})
}

func TestAContextThatEndsEndsTheWait(t *testing.T) {
	cause := errors.New("the program ends")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusServiceUnavailable)
		}}
		began := time.Now()
		time.AfterFunc(time.Second, func() { cancel(cause) })
		_, err := client(t, scimclient.Config{URL: "https://contoso.com", Transport: s}).Limits(ctx)
		if !errors.Is(err, cause) || time.Since(began) != time.Second || s.count() != 1 {
			t.Errorf("%v after %v and %d requests", err, time.Since(began), s.count())
		}
	})
}

func TestAContextThatEndsEndsARequestThatIsNotAnswered(t *testing.T) {
	cause := errors.New("the program ends")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &server{answer: func(_ int, _ http.ResponseWriter, r *http.Request) {
		cancel(cause)
		<-r.Context().Done()
	}}
	if _, err := s.connect(t).Limits(ctx); !errors.Is(err, cause) || scimclient.Temporary(err) {
		t.Errorf("%v", err)
	}
}
