package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// writePair writes a self-signed certificate for 127.0.0.1 and its key, dated so
// that each call makes files that look newer.
func writePair(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "workspace"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1_700_000_000+serial, 0)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// handshake connects and gives the serial number of the server's certificate.
func handshake(address string, c *tls.Config) (int64, error) {
	conn, err := tls.Dial("tcp", address, c)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

func TestTLSTakesOverRenewedFilesAndKeepsTheOldOnesWhileTheyAreBroken(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	a := apptest.Start(t, apptest.With(func(c *app.Config) { c.TLSCert, c.TLSKey = cert, key }))
	address := strings.TrimPrefix(a.URL, "https://")
	insecure := &tls.Config{InsecureSkipVerify: true} // self-signed, and only its serial number is looked at
	want := func(serial int64) {
		t.Helper()
		if got, err := handshake(address, insecure); err != nil || got != serial {
			t.Errorf("certificate %d (%v), want %d", got, err, serial)
		}
	}
	want(1)
	writePair(t, cert, key, 2)
	want(2)
	if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(2)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	want(2)
	writePair(t, cert, key, 3)
	want(3)
}

func TestTLSIs12AndAboveWithHSTS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	a := apptest.Start(t, apptest.With(func(c *app.Config) { c.TLSCert, c.TLSKey = cert, key }))
	address := strings.TrimPrefix(a.URL, "https://")
	for version, allowed := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		_, err := handshake(address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != allowed {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	resp, err := client.Get(a.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Strict-Transport-Security"); got == "" {
		t.Error("no Strict-Transport-Security")
	}
	if resp, err := http.Get("http://" + address + "/healthz"); err == nil && resp.StatusCode == http.StatusOK {
		t.Error("the TLS port answers without TLS")
	}
}
