package dirsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Facts are what a domain controller says about itself and its domain.
type Facts struct {
	Server   string // the URL that it was reached by
	HostName string // its DNS name
	// InvocationID names the copy of the directory that this controller has, and
	// for which its update sequence numbers count (MS-ADTS 3.1.1.1.9). It gets a
	// new one when it's restored in the proper way.
	InvocationID GUID
	// HighestUSN is the number of its last change at the time of reading.
	HighestUSN uint64
	// Time is its clock, to the second. Skew is how far it's ahead of ours.
	Time time.Time
	Skew time.Duration
	// Samba says that it is a Samba and not a Windows server.
	Samba bool

	DomainRoot    string // DN
	Configuration string // DN
	DomainGUID    GUID
	DomainSID     SID
	NetBIOS       string // the domain's short name; empty if it can't be read
	// The functional levels (MS-ADTS 6.1.4.2): 4 is 2008 R2, 7 is 2016.
	ControllerLevel, DomainLevel, ForestLevel int
	// RecycleBin says that deleted objects keep their attributes for a while.
	RecycleBin bool

	controls []string
}

// Controls that are used.
const (
	oidDirSync      = "1.2.840.113556.1.4.841"
	oidExtendedDN   = "1.2.840.113556.1.4.529"
	oidShowDeleted  = "1.2.840.113556.1.4.417"
	oidShowRecycled = "1.2.840.113556.1.4.2064"
	oidSDFlags      = "1.2.840.113556.1.4.801"
	oidPaged        = "1.2.840.113556.1.4.319"
)

// recycleBin is the GUID of the optional feature (MS-ADTS 3.1.1.9.1).
const recycleBin = "766ddcd8-acd0-445e-f3b9-a7f9b6744f2a"

// one reads one object; ErrNotFound if there is none.
func (c *conn) one(ctx context.Context, name string, q query) (*entry, error) {
	q.scope = scopeBase
	if q.filter == "" {
		q.filter = "(objectClass=*)"
	}
	a, err := c.search(ctx, name, q)
	if err != nil {
		return nil, err
	}
	var found *entry
	for {
		e, err := a.next()
		switch {
		case errors.Is(err, io.EOF) && found != nil:
			return found, nil
		case errors.Is(err, io.EOF), isResult(err, resultNoSuchObject):
			return nil, fmt.Errorf("%w: %s", ErrNotFound, q.base)
		case err != nil:
			return nil, err
		}
		found = e
	}
}

// isResult says whether err is an LDAP result with that code.
func isResult(err error, codes ...int) bool {
	result, ok := errors.AsType[*ResultError](err)
	return ok && slices.Contains(codes, result.Code)
}

// values gives an attribute's values.
func (e *entry) values(name string) [][]byte {
	for _, a := range e.attributes {
		if strings.EqualFold(a.name, name) {
			return a.values
		}
	}
	return nil
}

// text gives an attribute's only or first value.
func (e *entry) text(name string) string {
	if values := e.values(name); len(values) > 0 {
		return string(values[0])
	}
	return ""
}

// facts asks a controller about itself. What doesn't change while a connection
// lives is taken from known, if that isn't nil.
func (c *conn) facts(ctx context.Context, known *Facts) (*Facts, error) {
	root, err := c.one(ctx, "read of the root", query{attributes: []string{
		"currentTime", "highestCommittedUSN", "dnsHostName", "dsServiceName", "defaultNamingContext",
		"configurationNamingContext", "supportedControl", "vendorName",
		"domainControllerFunctionality", "domainFunctionality", "forestFunctionality",
	}})
	if err != nil {
		return nil, err
	}
	f := &Facts{}
	if known != nil {
		*f = *known
	}
	if f.HighestUSN, err = strconv.ParseUint(root.text("highestCommittedUSN"), 10, 64); err != nil {
		return nil, fmt.Errorf("dirsync: %s gives no highestCommittedUSN, so it is no domain controller: %w", c.server.url, err)
	}
	if f.Time, err = ParseGeneralizedTime(root.text("currentTime")); err != nil {
		return nil, fmt.Errorf("dirsync: currentTime of %s: %w", c.server.url, err)
	}
	f.Skew = time.Until(f.Time).Round(time.Second)
	if known != nil {
		return f, nil
	}

	f.Server, f.HostName = c.server.url, root.text("dnsHostName")
	f.DomainRoot, f.Configuration = root.text("defaultNamingContext"), root.text("configurationNamingContext")
	f.Samba = strings.HasPrefix(root.text("vendorName"), "Samba")
	for _, oid := range root.values("supportedControl") {
		f.controls = append(f.controls, string(oid))
	}
	for name, level := range map[string]*int{
		"domainControllerFunctionality": &f.ControllerLevel,
		"domainFunctionality":           &f.DomainLevel, "forestFunctionality": &f.ForestLevel,
	} {
		if *level, err = strconv.Atoi(root.text(name)); err != nil {
			return nil, fmt.Errorf("dirsync: %s of %s: %w", name, c.server.url, err)
		}
	}
	return f, errors.Join(
		c.invocation(ctx, root.text("dsServiceName"), f),
		c.domain(ctx, f),
		c.partitions(ctx, f),
	)
}

// invocation reads the invocation id, which each account may.
func (c *conn) invocation(ctx context.Context, service string, f *Facts) error {
	e, err := c.one(ctx, "read of the invocation id", query{base: service, attributes: []string{"invocationId"}})
	if err != nil {
		return err
	}
	f.InvocationID, err = decodeGUID([]byte(e.text("invocationId")))
	return err
}

func (c *conn) domain(ctx context.Context, f *Facts) error {
	e, err := c.one(ctx, "read of the domain's root", query{base: f.DomainRoot, attributes: []string{"objectGUID", "objectSid"}})
	if err != nil {
		return err
	}
	var sidErr error
	f.DomainGUID, err = decodeGUID([]byte(e.text("objectGUID")))
	f.DomainSID, sidErr = DecodeSID([]byte(e.text("objectSid")))
	return errors.Join(err, sidErr)
}

// partitions reads the domain's short name and the forest's features.
func (c *conn) partitions(ctx context.Context, f *Facts) error {
	base := "CN=Partitions," + f.Configuration
	features, err := c.one(ctx, "read of the forest's features", query{
		base: base, attributes: []string{"msDS-EnabledFeature"}, controls: [][]byte{extendedDN()},
	})
	if err != nil {
		return err
	}
	for _, value := range features.values("msDS-EnabledFeature") {
		feature, err := parseLink(string(value))
		if err != nil {
			return err
		}
		e, err := c.one(ctx, "read of a feature", query{base: feature.DN, attributes: []string{"msDS-OptionalFeatureGUID"}})
		if err != nil {
			return err
		}
		guid, err := decodeGUID([]byte(e.text("msDS-OptionalFeatureGUID")))
		if err != nil {
			return err
		}
		f.RecycleBin = f.RecycleBin || guid.String() == recycleBin
	}
	a, err := c.search(ctx, "read of the domain's short name", query{
		base: base, scope: scopeSubtree, attributes: []string{"nETBIOSName"},
		filter: "(nCName=" + EscapeFilter(f.DomainRoot) + ")",
	})
	if err != nil {
		return err
	}
	for {
		e, err := a.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		f.NetBIOS = e.text("nETBIOSName")
	}
}

// extendedDN asks for DNs with GUID and SID in their text forms (MS-ADTS
// 3.1.1.3.4.1.5, flag 1).
func extendedDN() []byte { return control(oidExtendedDN, tlv(tagSequence, tlv(tagInteger, []byte{1}))) }
