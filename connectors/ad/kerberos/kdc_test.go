package kerberos

import (
	"context"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

// here are the surroundings of a machine whose DNS knows no KDC.
func here() surroundings {
	return surroundings{time.Now, func(context.Context, string, string, string) (string, []*net.SRV, error) {
		return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}}
}

func TestTheKDCIsFoundByDNSAndTheClockIsCompared(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{KDC: true})
	svc := d.Service("svc")
	a := Account{Name: "SVC@test.example", Password: svc.Password}
	at := here()
	at.lookupSRV = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		if service != "kerberos" || proto != "tcp" || name != "TEST.EXAMPLE" {
			t.Errorf("asked for _%s._%s.%s", service, proto, name)
		}
		return "", []*net.SRV{{Target: "127.0.0.1.", Port: 1}, {Target: d.Address + ".", Port: 88}}, nil
	}
	if _, err := at.start(t.Context(), a, "ldap/"+d.Name(), nil); err != nil {
		t.Error(err)
	}

	at.now = func() time.Time { return time.Now().Add(-10*time.Minute - 30*time.Second) }
	_, err := at.start(t.Context(), a, "ldap/"+d.Name(), nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Fault != ClockSkew || !strings.Contains(e.Reason, "10m") || !strings.Contains(e.Reason, "ahead of it") {
		t.Errorf("with a clock that is 10 minutes behind: %v", err)
	}

	_, err = here().start(t.Context(), a, "ldap/"+d.Name(), nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Fault != KDCUnreachable {
		t.Errorf("without DNS: %v", err)
	}
}

// preauth is a KDC's demand to show that the secret is known, with what it says
// of the key.
func preauth(t testing.TB, info ...types.ETypeInfo2Entry) []byte {
	t.Helper()
	said, err := asn1.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	e := messages.NewKRBError(types.NewPrincipalName(2, "krbtgt/TEST.EXAMPLE"), "TEST.EXAMPLE", errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
	if e.EData, err = asn1.Marshal([]types.PAData{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: said}}); err != nil {
		t.Fatal(err)
	}
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// shortReply is an AS-REP whose encrypted part is too short to be one.
func shortReply(t testing.TB) []byte {
	t.Helper()
	reply := messages.ASRep{KDCRepFields: messages.KDCRepFields{PVNO: 5, MsgType: 11, CRealm: "TEST.EXAMPLE", CName: types.NewPrincipalName(1, "svc"),
		Ticket:  newService(t).ticket().Ticket,
		EncPart: types.EncryptedData{EType: etypeID.AES256_CTS_HMAC_SHA1_96, Cipher: []byte{1, 2, 3}}}}
	b, err := reply.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Who stands in a KDC's place learns nothing and breaks nothing.
func TestAKDCThatMakesNoSense(t *testing.T) {
	aes256 := int32(etypeID.AES256_CTS_HMAC_SHA1_96)
	for name, answers := range map[string][][]byte{
		"nothing":                 {{}},
		"no ASN.1":                {[]byte("HTTP/1.1 400 Bad Request")},
		"an error that is none":   {{0x7e, 0x02, 0x30, 0x00}},
		"nothing said of keys":    {preauth(t), shortReply(t)},
		"a kind that we lack":     {preauth(t, types.ETypeInfo2Entry{EType: etypeID.RC4_HMAC}), shortReply(t)},
		"four thousand millions":  {preauth(t, types.ETypeInfo2Entry{EType: aes256, S2KParams: []byte{0, 0, 0, 0}})},
		"many iterations":         {preauth(t, types.ETypeInfo2Entry{EType: aes256, S2KParams: []byte{1, 0, 0, 0}})},
		"few iterations":          {preauth(t, types.ETypeInfo2Entry{EType: aes256, S2KParams: []byte{0, 0, 15, 255}})},
		"parameters of no length": {preauth(t, types.ETypeInfo2Entry{EType: aes256, S2KParams: []byte{1}})},
		"a short ticket":          {preauth(t, types.ETypeInfo2Entry{EType: aes256, Salt: "TEST.EXAMPLEsvc"}), shortReply(t)},
		"demands for ever":        {preauth(t), preauth(t)},
	} {
		t.Run(name, func(t *testing.T) {
			address, asked := fakeKDC(t, answers...)
			_, err := here().start(t.Context(), Account{Name: "svc@test.example", Password: "secret", KDCs: []string{address}}, "ldap/dc1.test.example", nil)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Fault != TicketRefused || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
			if got := asked(); got != len(answers) {
				t.Errorf("asked %d times, want %d", got, len(answers))
			}
		})
	}
}

// fakeKDC answers one question after another, and tells how many there were.
func fakeKDC(t *testing.T, answers ...[]byte) (address string, asked func() int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan int, 1)
	go func() {
		n := 0
		defer func() { count <- n }()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var header [4]byte
			if _, err := io.ReadFull(conn, header[:]); err == nil {
				_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(header[:])))
			}
			if n < len(answers) {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answers[n]))), answers[n]...))
			}
			n++
			_ = conn.Close()
		}
	}()
	return listener.Addr().String(), func() int {
		_ = listener.Close()
		return <-count
	}
}

func FuzzKDC(f *testing.F) {
	f.Add(preauth(f, types.ETypeInfo2Entry{EType: etypeID.AES256_CTS_HMAC_SHA1_96, Salt: "s", S2KParams: []byte{0, 0, 16, 0}}), shortReply(f))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		secret, err := newSecret(Account{Name: "svc@test.example", Keytab: goodKeytab})
		if err != nil {
			t.Fatal(err)
		}
		answers := [][]byte{first, second}
		c := &client{name: types.NewPrincipalName(1, "svc"), realm: "TEST.EXAMPLE", secret: secret, now: time.Now,
			ask: func(context.Context, []byte) ([]byte, error) {
				if len(answers) == 0 {
					return nil, io.EOF
				}
				answer := answers[0]
				answers = answers[1:]
				return answer, nil
			}}
		if _, err := c.grantingTicket(t.Context()); err == nil {
			t.Error("a ticket from who doesn't know the key")
		}
	})
}

func TestTheKDCsOfAFile(t *testing.T) {
	const conf = `
includedir /etc/krb5.conf.d/
[libdefaults]
  default_realm = OTHER.EXAMPLE
  kdc = no.example
[realms]
  OTHER.EXAMPLE = {
    kdc = other.example
  }
  Test.Example = {
    # kdc = comment.example
    kdc = dc1.test.example
    auth_to_local_names = {
      kdc = nested.example
    }
    admin_server = no.example
    kdc = dc2.test.example:8888*
  }
[domain_realm]
  kdc = no.example
`
	if got, want := ParseKDCs([]byte(conf), "TEST.EXAMPLE"), []string{"dc1.test.example", "dc2.test.example:8888"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"dc1": "dc1:88", "dc1.test.example:8888": "dc1.test.example:8888", "127.0.0.1": "127.0.0.1:88", "::1": "[::1]:88", "[::1]": "[::1]:88", "[::1]:89": "[::1]:89",
		"": "", ":88": "", "dc1:": "", "dc1:0": "", "dc1:70000": "", "dc1:http": "", "http://dc1": "", "a b": "",
	} {
		got, err := kdcAddress(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v, want %q", name, got, err, want)
		}
	}
}
