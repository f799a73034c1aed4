package kerberos

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Account says who is to be proven, and by what.
type Account struct {
	// Name is name@REALM: the name that it signs in with and the DNS name of its
	// domain, whose case doesn't matter.
	Name string
	// Password, or Keytab, is its secret. If Keytab, the bytes of a keytab file,
	// isn't nil, the password isn't looked at.
	Password string
	Keytab   []byte
	// KDCs are HOST or HOST:PORT, asked in this order; if there are none, those
	// that DNS names for the realm.
	KDCs []string
}

// split gives name and realm, the latter in capitals, as domains have it.
func (a Account) split() (name, realm string, err error) {
	name, realm, found := strings.Cut(a.Name, "@")
	if !found || name == "" || realm == "" || strings.ContainsAny(a.Name, `\/=, `) || strings.Contains(realm, "@") {
		return "", "", fmt.Errorf("kerberos: the account is %.200q, want name@REALM", a.Name)
	}
	return name, strings.ToUpper(realm), nil
}

// Realm gives the realm of an account's name.
func Realm(name string) (string, error) {
	_, realm, err := Account{Name: name}.split()
	return realm, err
}

// Exchange is one proof towards one service.
type Exchange struct {
	// Token is to be sent to the service, once.
	Token []byte

	key  types.EncryptionKey
	time time.Time // of the authenticator, which the service repeats
	usec int
}

// Start gets a ticket for a service, such as ldap/dc1.contoso.com, and makes the
// token for it, bound to a channel ([ServerEndPoint]; nil for none). It blocks
// for three questions to the KDC, at most until ctx ends. What is refused is an
// *Error.
func Start(ctx context.Context, a Account, service string, binding []byte) (*Exchange, error) {
	return surroundings{time.Now, net.DefaultResolver.LookupSRV}.start(ctx, a, service, binding)
}

// surroundings are what Start takes of the machine that it runs on.
type surroundings struct {
	now       func() time.Time
	lookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

func (s surroundings) start(ctx context.Context, a Account, service string, binding []byte) (*Exchange, error) {
	name, realm, err := a.split()
	if err != nil {
		return nil, err
	}
	secret, err := newSecret(a)
	if err != nil {
		return nil, err
	}
	kdcs, err := s.findKDCs(ctx, realm, a.KDCs)
	if err != nil {
		return nil, err
	}
	c := &client{name: types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, name), realm: realm, secret: secret, ask: kdcs.ask, now: s.now}
	t, err := c.ticket(ctx, service)
	if err != nil {
		return nil, noTicket(err)
	}
	return newExchange(t, binding)
}

// newExchange makes the token: an AP-REQ (RFC 4120 §5.5.1) whose authenticator
// carries the channel binding where nobody else can change it.
func newExchange(t *ticket, binding []byte) (*Exchange, error) {
	authenticator, err := types.NewAuthenticator(t.realm, t.client)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	const gssChecksum = 0x8003 // RFC 4121 §4.1.1
	authenticator.Cksum = types.Checksum{CksumType: gssChecksum, Checksum: contextChecksum(binding)}
	request, err := messages.NewAPReq(t.Ticket, t.key, authenticator)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	types.SetFlag(&request.APOptions, flags.APOptionMutualRequired)
	b, err := request.Marshal()
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	token, err := initToken(b)
	if err != nil {
		return nil, err
	}
	return &Exchange{Token: token, key: t.key, time: authenticator.CTime.Truncate(time.Second), usec: authenticator.Cusec}, nil
}

// Finish reads the service's answer, by which the service proves itself. An
// answer that doesn't, or that refuses, is an *Error.
func (e *Exchange) Finish(answer []byte) error {
	kind, message, err := readToken(answer)
	if err != nil {
		return err
	}
	switch kind {
	case tokenError:
		var refused messages.KRBError
		if err := refused.Unmarshal(message); err != nil {
			return unproven("%w", err)
		}
		return refusal(refused, time.Now())
	case tokenReply:
		return e.verify(message)
	}
	return unproven("a token of kind %#x", kind)
}

// verify checks an AP-REP (RFC 4120 §3.2.4, §3.2.5).
func (e *Exchange) verify(message []byte) error {
	var reply messages.APRep
	if err := reply.Unmarshal(message); err != nil {
		return unproven("%w", err)
	}
	plain, err := decrypt(reply.EncPart, e.key, keyusage.AP_REP_ENCPART)
	if err != nil {
		return unproven("%w", err)
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil {
		return unproven("%w", err)
	}
	if !part.CTime.Equal(e.time) || part.Cusec != e.usec {
		return unproven("its answer is to another token")
	}
	return nil
}
