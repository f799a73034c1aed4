package scimclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The headers that say under which lease and for which run a write is.
const (
	LeaseHeader = "Workspace-Lease"
	RunHeader   = "Workspace-Run"
)

// The bounds of a request.
const (
	maxAnswer     = 64 << 20         // bytes of any answer that is kept
	maxErrorBody  = 64 << 10         // bytes of an error's body that are looked at
	maxRetryAfter = time.Minute      // longer waits are cut to it
	answerTime    = 90 * time.Second // of one try, its body included
)

// Config says where the server is and who speaks.
type Config struct {
	// URL is the server's, such as https://scim.contoso.com. http is refused
	// but to a loopback address.
	URL string
	// Token gives the bearer token, asked for with each request; nil for none.
	Token func() string
	// Transport carries the requests; nil for [NewTransport] without a CA of
	// one's own.
	Transport http.RoundTripper
	// UserAgent names the program and its version.
	UserAgent string
	// Tries is how often a request is sent at most; 0 for 6.
	Tries int
	// Backoff is the time before the second try, doubled before each further
	// one up to 30 s, of which between half and all is waited; 0 for 250 ms.
	Backoff time.Duration
}

// Client is a connection to one server. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	http   *http.Client
	limits *limits
	// turn is taken by who asks for something under a lease, or renews one. The
	// server renews a lease when what is written under it is committed, and what
	// is written again and again would overtake the renewal.
	turn chan struct{}

	lease, run string
}

// limits are what ServiceProviderConfig announces, asked once.
type limits struct {
	mu    sync.Mutex
	known bool
	Limits
}

// New makes a client. It sends nothing yet.
func New(c Config) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(c.URL, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the server's URL has to look like https://scim.contoso.com, without a user or a query")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("the server's URL begins with %s://, which would send the token in clear text: use https:// (http:// is for a loopback address only)", u.Scheme)
	}
	if c.Tries == 0 {
		c.Tries = 6
	}
	if c.Backoff == 0 {
		c.Backoff = 250 * time.Millisecond
	}
	if c.Transport == nil {
		if c.Transport, err = NewTransport(""); err != nil {
			return nil, err
		}
	}
	return &Client{
		config: c, base: u, limits: &limits{}, turn: make(chan struct{}, 1),
		http: &http.Client{
			Transport: c.Transport, Timeout: answerTime,
			// A redirect could carry the token to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Under gives a client whose requests are made under a lease, one at a time, and
// for a run unless that is empty. It shares the rest.
func (c *Client) Under(l Lease, run string) *Client {
	out := *c
	out.lease, out.run = fmt.Sprintf("%s;%d", l.Partition, l.Token), run
	return &out
}

// URL is the server's.
func (c *Client) URL() string { return c.base.String() }

// request is one request of the client.
type request struct {
	method, path string // path below the server's URL, with its query
	mediaType    string // of the body
	body         []byte
	header       map[string]string
	// once says that carrying it out twice is not the same as once.
	once bool
	// renews says that it renews a lease.
	renews bool
}

// answer is an answer with a status of 2xx.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request until it is answered for good, the tries are used up or
// the context ends.
func (c *Client) do(ctx context.Context, q request) (answer, error) {
	wait := c.config.Backoff
	for try := 1; ; try++ {
		a, err := c.send(ctx, q)
		var known *Error
		switch {
		case err == nil:
			return a, nil
		case ctx.Err() != nil:
			// Not an error of the server, however the transport words it.
			return a, context.Cause(ctx)
		case errors.As(err, &known) && !known.Temporary(), Untrusted(err):
			return a, err
		case q.once && !(known != nil && known.Status == http.StatusTooManyRequests):
			return a, &uncertainError{err}
		case try >= c.config.Tries:
			return a, err
		}
		pause := wait/2 + rand.N(wait/2+1)
		if known != nil && known.RetryAfter > pause {
			pause = min(known.RetryAfter, maxRetryAfter)
		}
		wait = min(2*wait, 30*time.Second)
		if err := Sleep(ctx, pause); err != nil {
			return a, err
		}
	}
}

// Sleep waits, or gives the cause for which the context ended.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

func (c *Client) send(ctx context.Context, q request) (answer, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, c.base.String()+q.path, body)
	if err != nil {
		return answer{}, err
	}
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	set("User-Agent", c.config.UserAgent)
	set("Content-Type", q.mediaType)
	set(LeaseHeader, c.lease)
	set(RunHeader, c.run)
	for name, value := range q.header {
		set(name, value)
	}
	if c.config.Token != nil {
		if token := c.config.Token(); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	if c.lease != "" || q.renews {
		select {
		case c.turn <- struct{}{}:
			defer func() { <-c.turn }()
		case <-ctx.Done():
			return answer{}, context.Cause(ctx)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, &connectionError{c.base.Host, unwrapURL(err)}
	}
	defer resp.Body.Close()
	most := int64(maxAnswer)
	if resp.StatusCode/100 != 2 {
		most = maxErrorBody
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return answer{}, &connectionError{c.base.Host, err}
	}
	if resp.StatusCode/100 != 2 {
		return answer{}, readError(resp, text)
	}
	if int64(len(text)) > most {
		return answer{}, fmt.Errorf("the answer of %s is larger than %d bytes", c.base.Host, most)
	}
	return answer{resp.StatusCode, resp.Header, text}, nil
}

// unwrapURL takes off the wrapper that repeats the whole URL, which may name
// people in a query.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// readError reads an error of SCIM (RFC 7644 §3.12) or of the API (RFC 9457).
func readError(resp *http.Response, text []byte) *Error {
	e := &Error{Status: resp.StatusCode}
	var body struct {
		ScimType, Reason, Code, Detail, Way string
	}
	if json.Unmarshal(text, &body) == nil {
		e.ScimType, e.Reason, e.Detail, e.Way = body.ScimType, body.Reason, body.Detail, body.Way
		if body.Code != "" {
			e.Reason = body.Code
		}
	}
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return e
}

// retryAfter reads a Retry-After (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// call is do for JSON in and out; in and out may be nil.
func (c *Client) call(ctx context.Context, q request, in, out any) (answer, error) {
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return answer{}, err
		}
		q.body = b
		if q.mediaType == "" {
			q.mediaType = "application/json"
		}
	}
	a, err := c.do(ctx, q)
	if err != nil || out == nil {
		return a, err
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return a, fmt.Errorf("the answer of %s to %s %s is not the JSON that was asked for", c.base.Host, q.method, strings.SplitN(q.path, "?", 2)[0])
	}
	return a, nil
}
