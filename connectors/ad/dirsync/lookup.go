package dirsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Page sizes of lookups. Windows gives at most 1,000 objects and 1,500 values
// at once (MS-ADTS 3.1.1.3.4.6: MaxPageSize, MaxValRange).
const (
	pageObjects = 1000
	pageValues  = 1500
)

// ErrChanged means that an object changed while the values of its link were
// read, so that some may have been passed over. Read them again.
var ErrChanged = errors.New("dirsync: the object changed while it was read")

// Object reads an object whole as it is now, by its GUID, deleted ones too if
// the account may see them. Its links are complete for the attributes that
// AllLinks names; for a large group they aren't, and LinkValues reads them. The
// links named by without aren't read: to read a group's members costs the server
// far more than to read the group. ErrNotFound if there is none.
func (s *Session) Object(ctx context.Context, id GUID, without ...string) (*Object, error) {
	return s.whole(ctx, "<GUID="+id.String()+">", without)
}

// ObjectByDN does the same by a DN, or by <SID=…>.
func (s *Session) ObjectByDN(ctx context.Context, dn string, without ...string) (*Object, error) {
	return s.whole(ctx, dn, without)
}

func (s *Session) whole(ctx context.Context, base string, without []string) (*Object, error) {
	config := s.config.withoutLinks(without)
	var object *Object
	err := s.withLookup(ctx, func(c *conn) error {
		e, err := c.one(ctx, "read of an object", query{
			base: base, attributes: append(config.asked(), "objectGUID", "parentGUID"),
			controls: [][]byte{control(oidShowDeleted, nil), extendedDN()},
		})
		if err != nil {
			return err
		}
		object, err = config.parseWhole(e)
		return err
	})
	return object, err
}

// withoutLinks is the configuration without some of its links.
func (c Config) withoutLinks(without []string) Config {
	links := make([]string, 0, len(c.Links))
	for _, link := range c.Links {
		if !slices.ContainsFunc(without, func(name string) bool { return strings.EqualFold(name, link) }) {
			links = append(links, link)
		}
	}
	c.Links = links
	return c
}

// Find searches for objects by an LDAP filter (RFC 4515) in the whole domain, or
// below a container if that isn't zero, itself included. It gives them whole as
// they are now, without the links named by without, in no order and a page at a
// time; deleted ones aren't found.
func (s *Session) Find(ctx context.Context, below GUID, filter string, without ...string) iter.Seq2[*Object, error] {
	config := s.config.withoutLinks(without)
	q := query{filter: filter, attributes: append(config.asked(), "objectGUID", "parentGUID")}
	if !below.IsZero() {
		q.base = "<GUID=" + below.String() + ">"
	}
	return paged(ctx, s, q, config.parseWhole)
}

// parseWhole reads an entry of an ordinary search. Other than in a DirSync
// answer, an option range means a part of the values, and an attribute that
// isn't there has none.
func (c Config) parseWhole(e *entry) (*Object, error) {
	o := &Object{Whole: true, attributes: make(map[string][][]byte, len(e.attributes))}
	partial := map[string]bool{}
	for _, a := range e.attributes {
		name, _, _ := strings.Cut(strings.ToLower(a.name), ";")
		if !c.isLink(name) {
			o.attributes[name] = a.values
			continue
		}
		if _, _, last, ranged, err := parseRange(a.name); err != nil {
			return nil, err
		} else if ranged && !last {
			partial[name] = true
		}
		if err := o.addLinks(name, true, a.values); err != nil {
			return nil, fmt.Errorf("dirsync: %.200q: %w", e.dn, err)
		}
	}
	for _, link := range c.Links {
		if name := strings.ToLower(link); !partial[name] {
			o.AllLinks = append(o.AllLinks, name)
		}
	}
	return o, o.identify(e)
}

// parseRange reads an attribute's name with an option range=FIRST-LAST, where
// LAST is * for the end (MS-ADTS 3.1.1.3.1.3.3). Without the option all values
// are there.
func parseRange(attribute string) (name string, next int, last, ranged bool, err error) {
	name, option, _ := strings.Cut(attribute, ";")
	bounds, ranged := strings.CutPrefix(strings.ToLower(option), "range=")
	if !ranged {
		return name, 0, true, false, nil
	}
	from, to, _ := strings.Cut(bounds, "-")
	first, err := strconv.Atoi(from)
	if err != nil || first < 0 {
		return "", 0, false, false, fmt.Errorf("dirsync: %.100q is no range of values", attribute)
	}
	if to == "*" {
		return name, 0, true, true, nil
	}
	end, err := strconv.Atoi(to)
	if err != nil || end < first {
		return "", 0, false, false, fmt.Errorf("dirsync: %.100q is no range of values", attribute)
	}
	return name, end + 1, false, true, nil
}

// LinkValues reads all values of one link attribute of an object, such as the
// members of a group, in parts, so that a group of any size can be read. After
// an error nothing more comes; ErrChanged says that what came may lack some.
func (s *Session) LinkValues(ctx context.Context, id GUID, attribute string) iter.Seq2[Link, error] {
	return func(yield func(Link, error) bool) {
		var usn string
		for first, last := 0, false; !last; {
			var links []Link
			err := s.withLookup(ctx, func(c *conn) error {
				e, err := c.one(ctx, "read of a link", query{
					base:       "<GUID=" + id.String() + ">",
					attributes: []string{fmt.Sprintf("%s;range=%d-%d", attribute, first, first+pageValues-1), "uSNChanged"},
					controls:   [][]byte{extendedDN()},
				})
				if err != nil {
					return err
				}
				if now := e.text("uSNChanged"); usn != "" && now != usn {
					return fmt.Errorf("%w: %v", ErrChanged, id)
				} else {
					usn = now
				}
				links, first, last, err = parseLinkPart(e, attribute, first)
				return err
			})
			if err != nil {
				yield(Link{}, err)
				return
			}
			for _, link := range links {
				if !yield(link, nil) {
					return
				}
			}
		}
	}
}

// parseLinkPart reads one part of a link's values, and where the next begins.
func parseLinkPart(e *entry, attribute string, first int) (links []Link, next int, last bool, err error) {
	next, last = first, true // no values at all
	for _, a := range e.attributes {
		name, following, end, ranged, err := parseRange(a.name)
		if err != nil {
			return nil, 0, false, err
		}
		if !strings.EqualFold(name, attribute) || len(a.values) == 0 {
			continue // Windows gives the name alone, too
		}
		if ranged && !end && following <= first {
			return nil, 0, false, fmt.Errorf("dirsync: %.200q: %s after value %d", e.dn, a.name, first)
		}
		next, last = following, end
		for _, value := range a.values {
			link, err := parseLink(string(value))
			if err != nil {
				return nil, 0, false, err
			}
			links = append(links, link)
		}
	}
	return links, next, last, nil
}

// Container is something that objects stand in.
type Container struct {
	GUID   GUID
	Parent GUID // zero for the domain's root
	Name   string
	DN     string
}

// Containers reads the domain's root, its organizational units and its other
// containers, in no order. A change of an object names its parent by GUID, and a
// renamed or moved container is told alone, without what is below it: who keeps
// these can say where an object stands.
func (s *Session) Containers(ctx context.Context) iter.Seq2[Container, error] {
	q := query{
		filter:     "(|(objectClass=domainDNS)(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain)(objectClass=lostAndFound))",
		attributes: []string{"objectGUID", "parentGUID", "name"},
	}
	return paged(ctx, s, q, func(e *entry) (Container, error) {
		o, err := s.config.parseWhole(e)
		if err != nil {
			return Container{}, err
		}
		return Container{GUID: o.GUID, Parent: o.Parent, Name: o.Name(), DN: o.DN}, nil
	})
}

// paged searches the domain, or below q.base, in pages (RFC 2696), each of which is read before
// its objects are given, so that other lookups may be done in between.
func paged[T any](ctx context.Context, s *Session, q query, parse func(*entry) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var cookie []byte
		for {
			var found []T
			err := s.withLookup(ctx, func(c *conn) error {
				var err error
				found, cookie, err = page(ctx, c, q, cookie, parse)
				return err
			})
			if err != nil {
				yield(none, err)
				return
			}
			for _, one := range found {
				if !yield(one, nil) {
					return
				}
			}
			if len(cookie) == 0 {
				return
			}
		}
	}
}

// page reads one page. The cookie is that of the next, empty after the last.
func page[T any](ctx context.Context, c *conn, q query, cookie []byte, parse func(*entry) (T, error)) (found []T, next []byte, err error) {
	if q.base == "" {
		q.base = c.known.DomainRoot
	}
	q.scope = scopeSubtree
	q.controls = [][]byte{extendedDN(), pagedControl(cookie)}
	a, err := c.search(ctx, "search", q)
	if err != nil {
		return nil, nil, err
	}
	for {
		e, err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		one, err := parse(e)
		if err != nil {
			return nil, nil, errors.Join(err, a.drain())
		}
		found = append(found, one)
	}
	next, err = a.nextPage(cookie, len(found) > 0)
	return found, next, err
}

// pagedControl asks for the page that a cookie leads to, the first if it's empty
// (RFC 2696).
func pagedControl(cookie []byte) []byte {
	return control(oidPaged, tlv(tagSequence, integer(pageObjects), tlv(tagOctets, cookie)))
}

// nextPage reads the cookie that leads on from a page that was read to its end;
// it's empty after the last. A page that gave nothing and leads to itself would be
// asked for without end.
func (a *answer) nextPage(asked []byte, told bool) (cookie []byte, err error) {
	value, ok := a.control(oidPaged)
	if !ok {
		return nil, fmt.Errorf("%w: %s closed a page without its control", ErrIncomplete, a.conn.server.url)
	}
	body, _, err := cutTag(value, tagSequence)
	if err != nil {
		return nil, err
	}
	_, rest, err := cutInteger(body, tagInteger)
	if err != nil {
		return nil, err
	}
	cookie, _, err = cutTag(rest, tagOctets)
	if err == nil && !told && len(cookie) > 0 && bytes.Equal(cookie, asked) {
		err = fmt.Errorf("%w: %s says that there is more and gives nothing", ErrIncomplete, a.conn.server.url)
	}
	return cookie, err
}
