package kerberos

import (
	"bytes"
	"crypto/md5"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// service is the other side of an exchange: it has its own key, and reads what a
// client sends as RFC 2743, 4178, 4120 and 4121 have it.
type service struct {
	t      testing.TB
	name   types.PrincipalName
	keytab *keytab.Keytab
}

func newService(t testing.TB) *service {
	t.Helper()
	s := &service{t: t, name: types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "ldap/dc1.test.example"), keytab: keytab.New()}
	if err := s.keytab.AddEntry("ldap/dc1.test.example", "TEST.EXAMPLE", "the controller's", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
		t.Fatal(err)
	}
	return s
}

// ticket is one for svc, as a KDC gives it.
func (s *service) ticket() *ticket {
	s.t.Helper()
	client := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "svc")
	now := time.Now().UTC()
	t, key, err := messages.NewTicket(client, "TEST.EXAMPLE", s.name, "TEST.EXAMPLE", types.NewKrbFlags(), s.keytab,
		etypeID.AES256_CTS_HMAC_SHA1_96, 1, now, now, now.Add(time.Hour), now)
	if err != nil {
		s.t.Fatal(err)
	}
	return &ticket{Ticket: t, client: client, realm: "TEST.EXAMPLE", key: key}
}

// received gives the authenticator in a token, whose ticket and time must be
// good.
func (s *service) received(token []byte) (messages.APReq, types.Authenticator) {
	s.t.Helper()
	// GSS-API frame: 60 length 06 06 OID of SPNEGO; then NegTokenInit [0].
	frame, ok := bytes.CutPrefix(derContent(s.t, token, 0x60), unhex(s.t, "06062b0601050502"))
	if !ok {
		s.t.Fatalf("no token of SPNEGO: %x", token)
	}
	var offer struct {
		Types []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
		Token []byte                  `asn1:"explicit,tag:2"`
	}
	if _, err := asn1.Unmarshal(derContent(s.t, frame, 0xa0), &offer); err != nil {
		s.t.Fatal(err)
	}
	if len(offer.Types) != 1 || offer.Types[0].String() != "1.2.840.113554.1.2.2" {
		s.t.Errorf("mechanisms %v, want Kerberos alone", offer.Types)
	}
	// 60 length 06 09 OID of Kerberos, 01 00, AP-REQ.
	request, ok := bytes.CutPrefix(derContent(s.t, offer.Token, 0x60), unhex(s.t, "06092a864886f712010202"+"0100"))
	if !ok {
		s.t.Fatalf("no AP-REQ: %x", offer.Token)
	}
	var ap messages.APReq
	if err := ap.Unmarshal(request); err != nil {
		s.t.Fatal(err)
	}
	if ok, err := ap.Verify(s.keytab, time.Minute, types.HostAddress{}, nil); !ok || err != nil {
		s.t.Fatalf("the AP-REQ isn't good: %v", err)
	}
	return ap, ap.Authenticator
}

// derContent takes the only element off b, which must have a tag.
func derContent(t testing.TB, b []byte, tag byte) []byte {
	t.Helper()
	var e asn1.RawValue
	rest, err := asn1.Unmarshal(b, &e)
	if err != nil || len(rest) > 0 || b[0] != tag {
		t.Fatalf("no element %#x alone: %v, %d bytes after it", tag, err, len(rest))
	}
	return e.Bytes
}

// answer is an AP-REP to an authenticator, in a NegTokenResp.
func (s *service) answer(key types.EncryptionKey, a types.Authenticator) []byte {
	s.t.Helper()
	part, err := asn1.Marshal(struct {
		CTime time.Time `asn1:"generalized,explicit,tag:0"`
		Cusec int       `asn1:"explicit,tag:1"`
	}{a.CTime, a.Cusec})
	if err != nil {
		s.t.Fatal(err)
	}
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(part, asnAppTag.EncAPRepPart), key, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	reply, err := asn1.Marshal(struct {
		PVNO    int `asn1:"explicit,tag:0"`
		MsgType int `asn1:"explicit,tag:1"`
		EncPart asn1.RawValue
	}{5, 15, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2, IsCompound: true, Bytes: s.marshalled(sealed)}})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.response(0, "0200", asn1tools.AddASNAppTag(reply, asnAppTag.APREP))
}

func (s *service) marshalled(sealed types.EncryptedData) []byte {
	s.t.Helper()
	b, err := sealed.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// response wraps a message of Kerberos as a server of SPNEGO does.
func (s *service) response(state asn1.Enumerated, kind string, message []byte) []byte {
	s.t.Helper()
	token, err := frame(oidKerberos, append(unhex(s.t, kind), message...))
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := asn1.MarshalWithParams(struct {
		State asn1.Enumerated       `asn1:"explicit,tag:0"`
		Mech  asn1.ObjectIdentifier `asn1:"explicit,tag:1"`
		Token []byte                `asn1:"explicit,tag:2"`
	}{state, oidMSKerberos, token}, "explicit,tag:1")
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// The binding reaches the service inside what only the ticket's holder can have
// encrypted, and the service's answer to it is taken.
func TestTheServiceReadsTheChannelBinding(t *testing.T) {
	s := newService(t)
	granted := s.ticket()
	exchange, err := newExchange(granted, []byte("tls-server-end-point:\x01\x02\x03"))
	if err != nil {
		t.Fatal(err)
	}
	request, authenticator := s.received(exchange.Token)

	// RFC 4121 §4.1.1.2: no addresses, 24 bytes of application data.
	binding := md5.Sum([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x18\x00\x00\x00tls-server-end-point:\x01\x02\x03"))
	want := slices.Concat([]byte{16, 0, 0, 0}, binding[:], []byte{2, 0, 0, 0})
	if c := authenticator.Cksum; c.CksumType != 0x8003 || !bytes.Equal(c.Checksum, want) {
		t.Errorf("checksum %#x %x, want 0x8003 %x", c.CksumType, c.Checksum, want)
	}
	if !bytes.Equal(request.APOptions.Bytes, []byte{0x20, 0, 0, 0}) {
		t.Errorf("options %x, want mutual-required alone", request.APOptions.Bytes)
	}
	if err := exchange.Finish(s.answer(granted.key, authenticator)); err != nil {
		t.Errorf("the service's answer: %v", err)
	}
}

func TestAnAnswerThatProvesNothingIsRefused(t *testing.T) {
	s := newService(t)
	granted := s.ticket()
	exchange, err := newExchange(granted, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, authenticator := s.received(exchange.Token)
	late := authenticator
	late.Cusec++
	stranger := s.ticket()
	good := s.answer(granted.key, authenticator)
	skewed := messages.NewKRBError(s.name, "TEST.EXAMPLE", errorcode.KRB_AP_ERR_SKEW, "")
	skewed.STime = time.Now().Add(time.Hour + 30*time.Second)
	skew, err := skewed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		answer []byte
		want   Fault
	}{
		{"nothing", nil, ServiceUnproven},
		{"to another token", s.answer(granted.key, late), ServiceUnproven},
		{"by another key", s.answer(stranger.key, authenticator), ServiceUnproven},
		{"cut", good[:len(good)-1], ServiceUnproven},
		{"followed by more", append(slices.Clone(good), 0), ServiceUnproven},
		{"the request itself", exchange.Token, ServiceUnproven},
		{"not accepted", s.response(2, "0200", nil), ServiceUnproven},
		{"of another mechanism", unhex(t, "a10f300da10b06092b06010401823702020a"), ServiceUnproven},
		{"an error", s.response(2, "0300", skew), ClockSkew},
		{"an error that is none", s.response(2, "0300", skew[1:]), ServiceUnproven},
	} {
		err := exchange.Finish(test.answer)
		if e, ok := errors.AsType[*Error](err); !ok || e.Fault != test.want || e.WayOut == "" {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	if err := exchange.Finish(s.response(2, "0300", skew)); !strings.Contains(err.Error(), "1h0m") {
		t.Errorf("%v doesn't say how far the clocks are apart", err)
	}
}

func FuzzFinish(f *testing.F) {
	f.Add([]byte{0xa1, 0x02, 0x30, 0x00})
	f.Fuzz(func(t *testing.T, answer []byte) {
		e := &Exchange{key: types.EncryptionKey{KeyType: etypeID.AES256_CTS_HMAC_SHA1_96, KeyValue: make([]byte, 32)}}
		if e.Finish(answer) == nil {
			t.Error("an answer without the key is taken")
		}
	})
}
