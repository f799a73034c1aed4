package feed

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// Forms in which an address that isn't public has been smuggled past filters.
// (RELIABILITY S11.) Each is refused as it is written, or when it is dialed.
var forbidden = []string{
	"https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0x0.0x0.0x1/", "https://0177.0.0.1/",
	"https://017700000001/", "https://127.0.0.1./", "https://127.000.000.001/", "https://0/", "https://0.0.0.0/", "https://localhost/", "https://LOCALHOST/", "https://localhost./",
	"https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/",
	"https://[64:ff9b::127.0.0.1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25lo]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[ff02::1]/",
	"https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/", "https://[::ffff:169.254.169.254]/",
	"https://100.64.0.1/", "https://198.18.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://192.0.2.1/", "https://[2001:db8::1]/", "https://[2001::1]/",
	"https://①②⑦.⓪.⓪.①/", "https://user@127.0.0.1/", "https://example.com@127.0.0.1/", "https://127.0.0.1%2f.example.com/", "https://127.0.0.1:443\\@example.com/",
	"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:25/", "https:127.0.0.1", "//127.0.0.1/", "https://", "https:///x", "https://a b/", "https://example.com/#x",
	"https://name:word@example.com/",
}

func TestNothingIsSentToAddressesThatArentPublic(t *testing.T) {
	g := guard{}
	dialer := net.Dialer{Control: g.control}
	for _, endpoint := range forbidden {
		if g.check(endpoint) != "" {
			continue
		}
		u, err := url.Parse(endpoint)
		if err != nil {
			t.Fatalf("%s was taken: %v", endpoint, err)
		}
		c, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(u.Hostname(), "443"))
		if err == nil {
			c.Close()
		}
		var unknown *net.DNSError // to some resolvers localhost. is nobody
		if err == nil || !errors.As(err, &unknown) && !strings.Contains(err.Error(), errForbidden.Error()) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	for _, endpoint := range []string{"https://receiver.example.com/sets", "https://receiver.example.com:8443/sets?x=1", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://1password.com/", "https://a.b-c.co/"} {
		if wrong := g.check(endpoint); wrong != "" {
			t.Errorf("%s: %s", endpoint, wrong)
		}
	}
	if wrong := (guard{http: true}).check("http://receiver.example.com/"); wrong != "" {
		t.Errorf("http that is allowed: %s", wrong)
	}
}

// A name is judged by the address that is dialed, whatever it was before.
func TestANameIsJudgedWhenItIsDialed(t *testing.T) {
	var asked atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()
	endpoint := strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if r := newClient(guard{http: true}).post(context.Background(), endpoint, "", "x"); r.taken || !strings.Contains(r.failure, "may not reach") || asked.Load() != 0 {
		t.Errorf("%+v; asked %d times", r, asked.Load())
	}
	if r := newClient(guard{networks: loopback, http: true}).post(context.Background(), endpoint, "", "x"); !r.taken {
		t.Errorf("a network that is allowed: %+v", r)
	}
	if r := newClient(guard{networks: loopback}).post(context.Background(), endpoint, "", "x"); r.taken || !strings.Contains(r.failure, "https") {
		t.Errorf("without TLS: %+v", r)
	}
}

// What a receiver answers decides whether a token comes again; what it says is
// bounded, and it isn't followed elsewhere.
func TestAReceiversAnswerIsJudged(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	var answer func(http.ResponseWriter)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.Header.Get("Content-Type") != "application/secevent+jwt" || r.Header.Get("Accept") != "application/json" || r.Header.Get("Authorization") != "Bearer s" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		answer(w)
	}))
	defer receiver.Close()
	c := newClient(guard{networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if r := c.post(t.Context(), receiver.URL, "Bearer s", "x"); !strings.Contains(r.failure, "certificate") {
		t.Errorf("a certificate of nobody: %+v", r)
	}
	c.http.Transport.(*http.Transport).TLSClientConfig = receiver.Client().Transport.(*http.Transport).TLSClientConfig
	answered := func(status int, body string, headers ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, x := range map[string]struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		"202":                  {answered(202, ""), "taken"},
		"200":                  {answered(200, "{}"), "taken"},
		"the token is wrong":   {answered(400, `{"err":"invalid_request","description":"no"}`), "refused no"},
		"the key is wrong":     {answered(400, `{"err":"invalid_key","description":"old"}`), "The receiver answered 400, invalid_key: old"},
		"no reason":            {answered(400, "<html>"), "The receiver answered 400."},
		"401":                  {answered(401, `{"err":"authentication_failed","description":""}`), "The receiver answered 401, authentication_failed: "},
		"503 with a wish":      {answered(503, "", "Retry-After", "120"), "The receiver answered 503. after 2m0s"},
		"503 with a long wish": {answered(503, "", "Retry-After", "999999999"), "The receiver answered 503. after 1h0m0s"},
		"elsewhere":            {answered(307, "", "Location", other.URL), "The receiver answered 307: redirections aren't followed."},
		"too much":             {answered(500, strings.Repeat("x", 10<<20)), "The receiver answered 500."},
		"broken off":           {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "The receiver can't be reached."},
	} {
		answer = x.answer
		r := c.post(t.Context(), receiver.URL, "Bearer s", "x")
		got := r.failure
		switch {
		case r.taken:
			got = "taken"
		case r.refused != nil:
			got = "refused " + r.refused.Description
		case r.after > 0:
			got += " after " + r.after.String()
		}
		if got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
	if elsewhere.Load() > 0 {
		t.Error("a redirection was followed")
	}
}
