package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// farHost is a name for which there is a certificate, and no address here.
const farHost = "example.com"

// certified writes a certificate for farHost and its key to files.
func certified(t *testing.T) (cert, key string) {
	t.Helper()
	donor := httptest.NewTLSServer(nil) // for its certificate
	defer donor.Close()
	private, err := x509.MarshalPKCS8PrivateKey(donor.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: donor.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// way is the only way between two hosts: a proxy (RFC 9110 §9.3.6) that leads
// everything to one address, and notes who was asked for.
type way struct {
	to    string
	mu    sync.Mutex
	asked []string
}

// ServeHTTP fulfils http.Handler.
func (w *way) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Method+" "+r.Host)
	w.mu.Unlock()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, buffered) // one end closes both
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
	up.Wait()
}

// W019, W021, E002: the agent is a process on a host of its own, with nothing of
// the server's but a code and its CA; all that it may reach is the server's port
// 443, by way of a proxy, and a domain controller. It brings a domain. Without
// https, or with another CA, it ends with the reason, and nothing is sent.
func TestW019TheAgentWorksFromAnotherHost(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	svc := d.Service("svc")
	for _, right := range []adtest.Right{adtest.ReplicatingChanges, adtest.ReadDeletedObjects} {
		d.Grant(svc.DN, right)
	}
	ou := d.OU("people", "")
	ada := d.User("ada", ou, adtest.Attrs{"givenName": {"Ada"}, "sn": {"Lovelace"}})
	d.Group("crew", ou, ada)

	cert, key := certified(t)
	server := apptest.Start(t, apptest.With(func(c *app.Config) { c.TLSCert, c.TLSKey = cert, key }))
	server.AddSource(store.SourceAD, "corp")
	far := &way{to: strings.TrimPrefix(server.URL, "https://")}
	proxy := httptest.NewServer(far)
	t.Cleanup(proxy.Close)
	code := enrolmentCode(t, server, "corp")

	binary, home := built(t), t.TempDir()
	agent := func(status int, says string, args ...string) {
		t.Helper()
		c := exec.Command(binary, args...)
		c.Dir, c.Env = home, []string{"HTTPS_PROXY=" + proxy.URL}
		out, _ := c.CombinedOutput() // the state says more
		if got := c.ProcessState.ExitCode(); got != status || !bytes.Contains(out, []byte(says)) {
			t.Fatalf("%v: %d, want %d and %q:\n%s", args, got, status, says, out)
		}
	}
	enrol := func(scheme string) []string { return []string{"enrol", code, "--url", scheme + "://" + farHost} }
	agent(1, "use https://", enrol("http")...)
	agent(1, "certificate signed by unknown authority", enrol("https")...)
	agent(1, "certificate signed by unknown authority", append(enrol("https"), "--ca", d.CAFile())...)
	agent(0, "This is now the agent", append(enrol("https"), "--ca", cert)...)
	config := configFile(t, d, svc)
	agent(1, "certificate signed by unknown authority", "once", "--config", config)
	agent(0, "Both ends are ready.", "check", "--config", config, "--ca", cert)
	agent(0, "succeeded: ", "once", "--config", config, "--ca", cert)

	admin, err := server.Directory.Administrator(t.Context(), "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := server.Directory.Runs(t.Context(), admin, "", "", 0, 10)
	if err != nil || len(runs) != 1 || runs[0].State != store.RunSucceeded || runs[0].Counts.Created < 2 {
		t.Errorf("runs %+v, %v", runs, err)
	}
	far.mu.Lock()
	defer far.mu.Unlock()
	if want := "CONNECT " + farHost + ":443"; len(far.asked) == 0 || slices.ContainsFunc(far.asked, func(s string) bool { return s != want }) {
		t.Errorf("asked for %q", far.asked)
	}
}
