package kerberos

import (
	"context"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticketLife is what is asked for: a ticket is used at once.
const ticketLife = time.Hour

// errReply is a KDC's reply that isn't what it should be.
var errReply = errors.New("kerberos: the KDC's answer makes no sense")

// ticket is a ticket with the key that goes with it.
type ticket struct {
	messages.Ticket
	client types.PrincipalName
	realm  string
	key    types.EncryptionKey
}

// client asks one realm's KDCs for tickets of one account.
type client struct {
	name   types.PrincipalName
	realm  string
	secret *secret
	ask    func(ctx context.Context, request []byte) ([]byte, error)
	now    func() time.Time
}

// ticket gets a ticket for a service.
func (c *client) ticket(ctx context.Context, service string) (*ticket, error) {
	granting, err := c.grantingTicket(ctx)
	if err != nil {
		return nil, err
	}
	return c.serviceTicket(ctx, granting, service)
}

func (c *client) config() *config.Config {
	return &config.Config{LibDefaults: config.LibDefaults{
		DefaultTktEnctypeIDs: c.secret.kinds(), DefaultTGSEnctypeIDs: etypes,
		KDCDefaultOptions: types.NewKrbFlags(), NoAddresses: true, TicketLifetime: ticketLife,
	}}
}

// grantingTicket gets a ticket-granting ticket (RFC 4120 §3.1). The secret is
// used once: a KDC that refuses it isn't tried again.
func (c *client) grantingTicket(ctx context.Context) (*ticket, error) {
	request, err := messages.NewASReqForTGT(c.realm, c.config(), c.name)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	reply, err := c.exchange(ctx, request.Marshal)
	if refused, ok := errors.AsType[messages.KRBError](err); ok && refused.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		// So does each KDC answer whose accounts must show first that they know
		// their secret, and says how its key is made.
		if err := c.preauthenticate(&request, refused); err != nil {
			return nil, err
		}
		reply, err = c.exchange(ctx, request.Marshal)
	}
	if err != nil {
		return nil, c.explain(err)
	}
	var answer messages.ASRep
	if err := answer.Unmarshal(reply); err != nil {
		return nil, fmt.Errorf("%w: %w", errReply, err)
	}
	own, err := c.secret.key(answer.EncPart.EType, answer.PAData)
	if err != nil {
		return nil, err
	}
	return c.open(answer.KDCRepFields, own.key, keyusage.AS_REP_ENCPART, request.ReqBody)
}

// preauthenticate adds the time, encrypted with the account's key (RFC 4120
// §5.2.7.2), to a request.
func (c *client) preauthenticate(request *messages.ASReq, required messages.KRBError) error {
	var said types.PADataSequence
	if err := said.Unmarshal(required.EData); err != nil {
		return fmt.Errorf("%w: %w", errReply, err)
	}
	kind := c.secret.kinds()[0]
	for _, info := range keyInfo(said) {
		if _, err := c.secret.key(info.EType, nil); err == nil {
			kind = info.EType
			break
		}
	}
	own, err := c.secret.key(kind, said)
	if err != nil {
		return err
	}
	now := c.now().UTC()
	stamp, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now.Truncate(time.Second), PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return fmt.Errorf("kerberos: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(stamp, own.key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, own.version)
	if err != nil {
		return fmt.Errorf("kerberos: %w", err)
	}
	value, err := sealed.Marshal()
	if err != nil {
		return fmt.Errorf("kerberos: %w", err)
	}
	request.PAData = append(request.PAData, types.PAData{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value})
	return nil
}

// serviceTicket gets a ticket for a service of the realm (RFC 4120 §3.3).
func (c *client) serviceTicket(ctx context.Context, granting *ticket, service string) (*ticket, error) {
	name := types.NewPrincipalName(nametype.KRB_NT_SRV_INST, service)
	request, err := messages.NewTGSReq(granting.client, c.realm, c.config(), granting.Ticket, granting.key, name, false)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	reply, err := c.exchange(ctx, request.Marshal)
	if err != nil {
		return nil, c.explain(err)
	}
	var answer messages.TGSRep
	if err := answer.Unmarshal(reply); err != nil {
		return nil, fmt.Errorf("%w: %w", errReply, err)
	}
	return c.open(answer.KDCRepFields, granting.key, keyusage.TGS_REP_ENCPART_SESSION_KEY, request.ReqBody)
}

// exchange sends a request and gives the reply, or the KRB-ERROR that came in its
// place.
func (c *client) exchange(ctx context.Context, marshal func() ([]byte, error)) ([]byte, error) {
	request, err := marshal()
	if err != nil {
		return nil, fmt.Errorf("kerberos: %w", err)
	}
	reply, err := c.ask(ctx, request)
	if err != nil {
		return nil, err
	}
	const errorTag = 0x7e // [APPLICATION 30], RFC 4120 §5.9.1
	if len(reply) == 0 || reply[0] != errorTag {
		return reply, nil
	}
	var refused messages.KRBError
	if err := refused.Unmarshal(reply); err != nil {
		return nil, fmt.Errorf("%w: %w", errReply, err)
	}
	return nil, refused
}

// explain makes of an exchange's error what an administrator can act on.
func (c *client) explain(err error) error {
	if refused, ok := errors.AsType[messages.KRBError](err); ok {
		return refusal(refused, c.now())
	}
	return err
}

// open checks a reply to a request (RFC 4120 §3.1.5, §3.3.4) and takes the ticket
// out of it. Who wrote the reply knew the key that it is encrypted with.
func (c *client) open(reply messages.KDCRepFields, key types.EncryptionKey, usage uint32, asked messages.KDCReqBody) (*ticket, error) {
	plain, err := decrypt(reply.EncPart, key, usage)
	if err != nil {
		return nil, err
	}
	var part messages.EncKDCRepPart
	if err := part.Unmarshal(plain); err != nil {
		return nil, fmt.Errorf("%w: %w", errReply, err)
	}
	service := asked.SName.PrincipalNameString()
	switch {
	case part.Nonce != asked.Nonce:
		return nil, fmt.Errorf("%w: it isn't to this request", errReply)
	case !strings.EqualFold(part.SName.PrincipalNameString(), service):
		return nil, &Error{Fault: ServiceUnknown, Reason: fmt.Sprintf("%s isn't a service of %s: the KDC gives a ticket for %.100q", service, c.realm, part.SName.PrincipalNameString()),
			WayOut: "use an account of the controller's own domain"}
	case !strings.EqualFold(reply.CName.PrincipalNameString(), asked.CName.PrincipalNameString()), !strings.EqualFold(reply.CRealm, c.realm):
		return nil, fmt.Errorf("%w: it is for another account", errReply)
	case len(reply.Ticket.SName.NameString) == 0:
		return nil, fmt.Errorf("%w: the ticket is for no service", errReply)
	}
	if _, err := crypto.GetEtype(part.Key.KeyType); err != nil {
		return nil, fmt.Errorf("%w: %w", errReply, err)
	}
	return &ticket{Ticket: reply.Ticket, client: reply.CName, realm: reply.CRealm, key: part.Key}, nil
}

// decrypt decrypts and checks. gokrb5 panics on what is too short to be
// encrypted.
func decrypt(sealed types.EncryptedData, key types.EncryptionKey, usage uint32) ([]byte, error) {
	const shortest = 16 + 12 // confounder and checksum of the kinds that we use (RFC 3962 §6)
	if sealed.EType != key.KeyType || len(sealed.Cipher) < shortest {
		return nil, fmt.Errorf("%w: it isn't encrypted with our key", errReply)
	}
	plain, err := crypto.DecryptEncPart(sealed, key, usage)
	if err != nil {
		return nil, fmt.Errorf("%w: it can't be decrypted: %w", errReply, err)
	}
	return plain, nil
}
