package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// The bounds of one request to a receiver.
const (
	pushTimeout    = 15 * time.Second // for all of it
	connectTimeout = 5 * time.Second
	maxAnswer      = 4 << 10 // bytes of the body that are read
	maxHeaders     = 16 << 10
)

// client sends tokens to receivers. It is safe for concurrent use.
type client struct {
	guard guard
	http  *http.Client
}

func newClient(g guard) client {
	dialer := &net.Dialer{Timeout: connectTimeout, Control: g.control}
	return client{g, &http.Client{
		Timeout: pushTimeout,
		Transport: &http.Transport{
			// No proxy: the guard has to see where the connection goes.
			DialContext: dialer.DialContext, TLSHandshakeTimeout: connectTimeout, ResponseHeaderTimeout: pushTimeout,
			MaxResponseHeaderBytes: maxHeaders, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, DisableCompression: true, ForceAttemptHTTP2: true,
		},
		// A receiver doesn't move: what it answers instead is a failure.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// result is what became of a token: exactly one of the first three is set.
type result struct {
	taken   bool
	refused *directory.SetError
	failure string        // a sentence, for who reads the stream
	after   time.Duration // how long the receiver wants to be left alone
}

// post sends one token (RFC 8935 §2.1).
func (c client) post(ctx context.Context, endpoint, secret, token string) result {
	if wrong := c.guard.check(endpoint); wrong != "" {
		return result{failure: wrong}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(token))
	if err != nil {
		return result{failure: "The endpoint is no URL of a receiver."}
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Workspace")
	if secret != "" {
		req.Header.Set("Authorization", secret)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return result{failure: failureOf(err)}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what can't be read says nothing
	return judge(resp, body)
}

// failureOf says why a request wasn't answered. It has no text of the receiver's
// and no address, which would tell what the server can reach.
func failureOf(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errForbidden):
		return "The endpoint is in a network that pushes may not reach."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "The receiver didn't answer in time."
	case isTLS(err):
		return "The receiver's certificate can't be trusted, or it speaks no TLS."
	}
	return "The receiver can't be reached."
}

func isTLS(err error) bool {
	text := err.Error()
	return strings.Contains(text, "tls: ") || strings.Contains(text, "x509: ") || strings.Contains(text, "server gave HTTP response to HTTPS client")
}

// judge reads a receiver's answer (RFC 8935 §2.2, §2.3). What it says is wrong with
// the token itself won't be right the next time; with keys, issuer, audience or
// credentials it may be, once somebody has set that right.
func judge(resp *http.Response, body []byte) result {
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return result{taken: true}
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return result{failure: fmt.Sprintf("The receiver answered %d: redirections aren't followed.", resp.StatusCode)}
	}
	var said directory.SetError
	if json.Unmarshal(body, &said) != nil {
		said = directory.SetError{}
	}
	if resp.StatusCode == http.StatusBadRequest && said.Err == "invalid_request" {
		return result{refused: &said}
	}
	failure := fmt.Sprintf("The receiver answered %d.", resp.StatusCode)
	if said.Err != "" {
		failure = fmt.Sprintf("The receiver answered %d, %s: %s", resp.StatusCode, said.Err, said.Description)
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		seconds = 0
	}
	return result{failure: failure, after: time.Duration(min(seconds, 3600)) * time.Second}
}
