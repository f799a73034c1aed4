package dirsync

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/kerberos"
)

// Severity says what a finding means for a first read.
type Severity string

const (
	// Fault is what makes reading impossible, or wrong.
	Fault Severity = "fault"
	// Warning is what an administrator should mend.
	Warning Severity = "warning"
	// Note is what is in order, or good to know.
	Note Severity = "note"
)

// Finding is one result of Preflight.
type Finding struct {
	Severity Severity
	Code     string // of docs/ad.md
	Sentence string
	WayOut   string // empty for a Note
}

// Bounds that Preflight judges by.
const (
	// mostSkew is Kerberos' bound (MS-KILE 3.1.1.3.5), after which a domain and
	// its members don't understand each other.
	mostSkew = 5 * time.Minute
	// certificateSoon is how long before its end a certificate is worth a word.
	certificateSoon = 30 * 24 * time.Hour
)

// Preflight tries everything that reading changes needs, without keeping
// anything: each server's TLS and bind, and at the first that can be reached the
// rights, change tracking and clock. It changes nothing in the directory and
// costs a few small searches. A list without a Fault means that a read would
// succeed.
func Preflight(ctx context.Context, config Config) []Finding {
	if err := config.Check(); err != nil {
		return []Finding{{Fault, "configuration", err.Error(), "mend the fields that are named"}}
	}
	config = config.withDefaults()
	p := &preflight{config: config}
	for _, url := range config.Servers {
		if !p.server(ctx, url) {
			break
		}
	}
	return p.findings
}

type preflight struct {
	config   Config
	findings []Finding
	domain   *Facts // of the first server
}

func (p *preflight) add(s Severity, code, wayOut, format string, args ...any) {
	p.findings = append(p.findings, Finding{s, code, fmt.Sprintf(format, args...), wayOut})
}

// server looks at one server, and says whether to look at the next.
func (p *preflight) server(ctx context.Context, url string) (next bool) {
	s, err := parseServer(url)
	if err != nil {
		p.add(Fault, "configuration", "mend Servers", "%v", err)
		return true
	}
	c, err := dial(ctx, p.config, s)
	if err != nil {
		return p.unreachable(url, err)
	}
	defer c.close()
	facts, err := c.facts(ctx, nil)
	if err != nil {
		p.add(Fault, "serverFacts", "name a domain controller, and an account that may read its directory", "%v", err)
		return true
	}
	c.known = facts
	p.certificate(c)
	p.kerberos(c)
	p.clock(facts)
	switch {
	case p.domain == nil:
		p.domain = facts
		p.add(Note, "server", "", "%s is %s of %s (%s)", url, facts.HostName, facts.DomainRoot, facts.NetBIOS)
		p.tracking(ctx, c)
		p.deleted(ctx, c)
		p.width(ctx, c)
		p.account(ctx, c)
	case facts.DomainGUID != p.domain.DomainGUID:
		p.add(Fault, "foreignDomain", "name controllers of one domain only", "%s is of %s, %s of %s", p.domain.Server, p.domain.DomainRoot, url, facts.DomainRoot)
	default:
		p.add(Note, "server", "", "%s is %s of the same domain", url, facts.HostName)
	}
	return true
}

func (p *preflight) unreachable(url string, err error) (next bool) {
	if refused, ok := errors.AsType[*BindError](err); ok {
		p.add(Fault, refused.Code, refused.WayOut, "%s refuses the account %s: %s", url, refused.Account, refused.Reason)
		return false // each further try brings the account nearer to being locked
	}
	if unusable, ok := errors.AsType[*fileError](err); ok {
		p.add(Fault, "configuration", "mend the file", "%v", unusable)
		return false // it is the same for each server
	}
	if ticket, ok := errors.AsType[*kerberos.Error](err); ok {
		p.add(Fault, string(ticket.Fault), ticket.WayOut, "no ticket for %s at %s: %v", p.config.Account, url, ticket)
		return true
	}
	if errors.Is(err, ErrPlain) {
		p.add(Fault, "noTLS", "use ldaps://, or give the server a certificate", "%v", err)
		return true
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		p.add(Fault, "certificateRefused", certificateWayOut(untrusted), "%v", err)
		return true
	}
	p.add(Fault, "serverUnreachable", "check the name, the port and the firewall", "%v", err)
	return true
}

// certificateWayOut says what makes a certificate one that is taken.
func certificateWayOut(e *tls.CertificateVerificationError) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e); ok {
		return "give the certificate of the authority that signed it, or it itself if nobody did, as CAFile (--ldap-ca)"
	}
	if _, ok := errors.AsType[x509.HostnameError](e); ok {
		return "name the server as its certificate does, in its URL or as ServerName (--server-name); the certificate has to have that name as subjectAltName, which the one that Samba makes for itself doesn't"
	}
	return "give the server another certificate"
}

// kerberos says how the account was proven, if it wasn't by its password.
func (p *preflight) kerberos(c *conn) {
	switch {
	case p.config.Kerberos == nil:
	case c.channelBinding() == nil:
		p.add(Warning, "channelBindingUndefined", "use a certificate signed with RSA or ECDSA",
			"the bind can't be bound to the TLS connection with %s: its certificate is signed by an algorithm that has no binding", c.server.url)
	default:
		p.add(Note, "kerberos", "", "%s was proven to %s by a ticket, bound to the TLS connection", p.config.Account, c.server.url)
	}
}

func (p *preflight) certificate(c *conn) {
	over, ok := c.stream.(*tls.Conn)
	if !ok {
		return
	}
	end := over.ConnectionState().PeerCertificates[0].NotAfter
	if time.Until(end) < certificateSoon {
		p.add(Warning, "certificateExpires", "renew it", "the certificate of %s ends on %s", c.server.url, end.UTC().Format(time.DateOnly))
	}
}

func (p *preflight) clock(f *Facts) {
	if f.Skew.Abs() > mostSkew {
		p.add(Warning, "clockSkew", "let both take their time from the same source", "the clock of %s is %v ahead of this machine's", f.Server, f.Skew)
	}
}

// tracking tries to read changes, of one object.
func (p *preflight) tracking(ctx context.Context, c *conn) {
	for _, oid := range p.config.controls() {
		if !c.known.supports(oid) {
			p.add(Fault, "controlMissing", "name a writable domain controller", "%s doesn't know the control %s", c.server.url, oid)
			return
		}
	}
	session := &Session{config: p.config}
	r := &Changes{Facts: *c.known, session: session, ctx: ctx, conn: c}
	filter := "(objectGUID=" + EscapeFilter(string(c.known.DomainGUID.Bytes())) + ")"
	if p.config.Mode == ModeUSNChanged {
		r.usn = &usnRead{}
	}
	err := r.askFor(filter, []string{"objectGUID"})
	if err == nil {
		err = r.answer.drain()
	}
	switch {
	case err != nil:
	case r.usn != nil:
		_, err = r.answer.nextPage(nil, false)
	default:
		_, err = r.closePage()
	}
	if err != nil {
		err = r.explain(err)
	}
	lacking, isRight := errors.AsType[*RightError](err)
	switch {
	case isRight:
		p.add(Fault, "rightMissing", lacking.WindowsCommand()+" (Samba: "+lacking.SambaCommand()+")",
			`the account %s lacks the right "Replicating Directory Changes" at %s`, lacking.Account, lacking.DomainRoot)
	case err != nil:
		p.add(Fault, "changeTracking", "see the server's words", "%v", err)
	case p.config.Mode == ModeObjectSecurity:
		p.add(Warning, "objectSecurity", "grant the right Replicating Directory Changes and use mode "+string(ModeDirSync),
			"changes are tracked in the weaker way: only what the account may read, and what it may not read any more seems to be gone")
	case p.config.Mode == ModeUSNChanged:
		p.add(Warning, "usnChanged", "grant the right Replicating Directory Changes and use mode "+string(ModeDirSync),
			"changes are tracked in the weakest way: what changed is read whole, another controller leads to a full read, and what the account may not read any more seems to be gone")
	default:
		p.add(Note, "changeTracking", "", "changes can be read from %s", c.known.HostName)
	}
}

func (p *preflight) deleted(ctx context.Context, c *conn) {
	sees, err := c.seesDeleted(ctx, c.known.DomainRoot)
	container := "CN=Deleted Objects," + c.known.DomainRoot
	switch {
	case err != nil:
		p.add(Fault, "deletedObjects", "see the server's words", "%v", err)
	case sees:
		p.add(Note, "deletedObjects", "", "deletions can be read")
	case !c.known.Samba && p.config.Mode == ModeDirSync:
		p.add(Note, "deletedObjects", "", "deletions are told with the changes; the account may not look them up")
	default:
		p.add(Warning, "deletedObjects",
			fmt.Sprintf(`dsacls "%s" /takeOwnership, then dsacls "%s" /G "%s:LCRP" (Samba: the script under Rights in docs/ad.md)`, container, container, p.config.Account),
			"the account %s may not read %s, so deletions aren't told", p.config.Account, container)
	}
}

// width reports rights that reading changes doesn't need, as far as the account
// may read what it was given.
func (p *preflight) width(ctx context.Context, c *conn) {
	holds, err := c.holds(ctx)
	if err != nil {
		p.add(Warning, "rightsUnknown", "look at the rights by hand", "%v", err)
		return
	}
	const dacl = 4
	e, err := c.one(ctx, "read of the rights at the domain's root", query{
		base: c.known.DomainRoot, attributes: []string{"nTSecurityDescriptor"},
		controls: [][]byte{control(oidSDFlags, tlv(tagSequence, integer(dacl)))},
	})
	var grants []grant
	if err == nil {
		grants, err = parseGrants([]byte(e.text("nTSecurityDescriptor")))
	}
	if err != nil || len(holds) == 0 || len(grants) == 0 {
		p.add(Warning, "rightsUnknown", "look at the rights by hand", "the rights at %s can't be read: %v", c.known.DomainRoot, err)
		return
	}
	if wide := tooWide(grants, holds); len(wide) > 0 {
		p.add(Warning, "rightsTooWide", `use an account that has "Replicating Directory Changes" and no more`,
			"the account %s has more than reading needs: %s", p.config.Account, strings.Join(wide, ", "))
	}
}

// holds gives the SIDs that the account acts with: its own, and those of its
// groups (tokenGroups of the root, MS-ADTS 3.1.1.3.2).
func (c *conn) holds(ctx context.Context) ([]SID, error) {
	root, err := c.one(ctx, "read of the account's groups", query{attributes: []string{"tokenGroups"}})
	if err != nil {
		return nil, err
	}
	var holds []SID
	for _, value := range root.values("tokenGroups") {
		sid, err := DecodeSID(value)
		if err != nil {
			return nil, err
		}
		holds = append(holds, sid)
	}
	return holds, nil
}
