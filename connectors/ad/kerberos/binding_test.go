package kerberos

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"testing"
	"time"
)

// The hash is that of a vector that clients of NTLM are tested with, which carry
// the same structure (MS-NLMP 2.2.2.1 MsvAvChannelBindings): jborean93/ntlm-auth,
// tests/test_compute_response.py, test_channel_bindings_value.
func TestTheChecksumCarriesTheChannelBinding(t *testing.T) {
	certificateHash := unhex(t, "e3ca49271e5089cc48ce82109f1324f41dbeddc29a777410c738f7868c4ff405")
	for _, test := range []struct {
		name    string
		binding []byte
		want    string // RFC 4121 §4.1.1: Lgth 16, Bnd, Flags: mutual
	}{
		{"bound", append([]byte("tls-server-end-point:"), certificateHash...), "10000000" + "6ea19df066da4622051f9c4f92c6df74" + "02000000"},
		{"unbound", nil, "10000000" + "00000000000000000000000000000000" + "02000000"},
	} {
		if got := hex.EncodeToString(contextChecksum(test.binding)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// RFC 5929 §4.1: the hash of the signature's algorithm, SHA-256 for MD5 and
// SHA-1, and none where there isn't one.
func TestTheCertificateIsHashedAsItsSignatureIs(t *testing.T) {
	for algorithm, want := range map[x509.SignatureAlgorithm]crypto.Hash{
		x509.MD5WithRSA: crypto.SHA256, x509.SHA1WithRSA: crypto.SHA256, x509.ECDSAWithSHA1: crypto.SHA256,
		x509.SHA256WithRSA: crypto.SHA256, x509.SHA256WithRSAPSS: crypto.SHA256, x509.ECDSAWithSHA256: crypto.SHA256,
		x509.SHA384WithRSA: crypto.SHA384, x509.SHA384WithRSAPSS: crypto.SHA384, x509.ECDSAWithSHA384: crypto.SHA384,
		x509.SHA512WithRSA: crypto.SHA512, x509.SHA512WithRSAPSS: crypto.SHA512, x509.ECDSAWithSHA512: crypto.SHA512,
		x509.PureEd25519: 0, x509.UnknownSignatureAlgorithm: 0,
	} {
		if got := endPointHash(algorithm); got != want {
			t.Errorf("%v: %v, want %v", algorithm, got, want)
		}
	}

	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := selfSigned(t, ec)
	sum := sha512.Sum384(c.Raw)
	if got, want := ServerEndPoint(c), append([]byte("tls-server-end-point:"), sum[:]...); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got := ServerEndPoint(selfSigned(t, ed)); got != nil {
		t.Errorf("Ed25519: %x, want none", got)
	}
}

func selfSigned(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
