package scimclient_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// W021: https is needed but to a loopback address.
func TestW021ATokenIsNeverSentInClearText(t *testing.T) {
	for _, url := range []string{
		"http://scim.contoso.com", "http://10.0.0.1:8080", "http://127.0.0.1.contoso.com", "http://localhost.contoso.com", "HTTP://contoso.com", "ftp://127.0.0.1",
		"scim.contoso.com", "", "https://", "https://user:secret@contoso.com", "https://contoso.com?x=1", "https://contoso.com#x",
	} {
		if _, err := scimclient.New(scimclient.Config{URL: url}); err == nil {
			t.Errorf("%q was taken", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	for _, url := range []string{"https://scim.contoso.com", "https://scim.contoso.com/", "http://127.0.0.1:8080", "http://[::1]:8080", "http://LOCALHOST:8080", "http://127.9.9.9"} {
		if _, err := scimclient.New(scimclient.Config{URL: url}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// pinned writes a server's certificate to a CA file.
func pinned(t *testing.T, s *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// W021: a certificate of another authority ends the request at once.
func TestW021OnlyThePinnedAuthorityIsTrusted(t *testing.T) {
	s := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(limits("10", "10000"))) }}
	h := httptest.NewTLSServer(s)
	t.Cleanup(h.Close)
	ask := func(transport *http.Transport) error {
		_, err := client(t, scimclient.Config{URL: h.URL, Transport: transport, Tries: 1}).Limits(t.Context())
		return err
	}
	right, err := scimclient.NewTransport(pinned(t, h))
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(right); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	system, err := scimclient.NewTransport("")
	if err != nil {
		t.Fatal(err)
	}
	asked := s.count()
	var unknown x509.UnknownAuthorityError
	if err := ask(system); !errors.As(err, &unknown) {
		t.Errorf("with the system's authorities: %v", err)
	}
	if s.count() != asked {
		t.Error("a request went to a server that isn't trusted")
	}
	met := &meeting{with: system}
	c := client(t, scimclient.Config{URL: h.URL, Transport: met})
	if _, err := c.Limits(t.Context()); !scimclient.Untrusted(err) || met.times != 1 {
		t.Errorf("met %d times, want once: %v", met.times, err)
	}
	if _, err := c.Enrol(t.Context(), "ws_e1", "dc1"); !scimclient.Untrusted(err) || scimclient.Uncertain(err) || met.times != 2 {
		t.Errorf("met %d times, want twice, and the code isn't spent: %v", met.times, err)
	}
}

// meeting counts requests.
type meeting struct {
	with  http.RoundTripper
	times int
}

// RoundTrip fulfils http.RoundTripper.
func (m *meeting) RoundTrip(r *http.Request) (*http.Response, error) {
	m.times++
	return m.with.RoundTrip(r)
}

func TestACAFileThatIsNoneIsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, filepath.Join(t.TempDir(), "missing.pem")} {
		if _, err := scimclient.NewTransport(file); err == nil || !strings.Contains(err.Error(), "CA file") {
			t.Errorf("%v", err)
		}
	}
}

func TestATokenDoesNotFollowARedirect(t *testing.T) {
	other := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(limits("1", "1"))) }}
	o := httptest.NewServer(other)
	t.Cleanup(o.Close)
	s := &server{answer: func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, o.URL, http.StatusTemporaryRedirect)
	}}
	var refused *scimclient.Error
	if _, err := s.connect(t).Limits(t.Context()); !errors.As(err, &refused) || refused.Status != http.StatusTemporaryRedirect {
		t.Errorf("%v", err)
	}
	if n := other.count(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}
