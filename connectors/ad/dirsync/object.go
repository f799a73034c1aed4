package dirsync

import (
	"fmt"
	"slices"
	"strings"
)

// Object is what an answer tells of one object of the directory.
type Object struct {
	GUID GUID
	// DN is the object's name as of now, without GUID and SID. It is empty for a
	// deleted object that the account may not see (MS-ADTS 3.1.1.3.4.1.3).
	DN string
	// Parent is the container. The zero GUID means that it isn't told, which for
	// a change is: as before.
	Parent GUID
	Life   Life
	// LastParent is where a deleted object was. It is the zero Link if it isn't
	// told.
	LastParent Link
	// Whole says that all attributes that are set are told, so that one that
	// isn't has no value. It doesn't speak of links: those of a large group may
	// come in several answers. If it's false, an attribute that isn't told is as
	// it was before.
	Whole bool
	// Links are changes of links, in no order.
	Links []LinkChange
	// AllLinks names the link attributes, in small letters, of which Links has
	// every value: what was there before and isn't told is gone. Domain
	// controllers tell links so that are older than the functional level 2003
	// (MS-ADTS 3.1.1.3.4.1.3), and single objects that are looked up.
	AllLinks []string

	// attributes by name in small letters; an empty list is one that was cleared.
	attributes map[string][][]byte
}

// Life says what became of an object.
type Life int

const (
	// LifeUnchanged is an object that exists, if it wasn't said to be deleted
	// before.
	LifeUnchanged Life = iota
	// LifeDeleted is deleted and may be restored. Who had links to it isn't told:
	// the links are gone.
	LifeDeleted
	// LifeRecycled is deleted and has lost its attributes. Without a recycle bin
	// objects become so at once, and Samba still can restore them.
	LifeRecycled
	// LifeRestored came back. Read it whole: only what the restore changed is
	// told.
	LifeRestored
)

// Deleted says that the object doesn't exist any more.
func (l Life) Deleted() bool { return l == LifeDeleted || l == LifeRecycled }

// LinkChange is one link that was added or removed.
type LinkChange struct {
	Attribute string // in small letters
	// Added is false for one that was removed. In a full read those are links
	// that existed once, and say nothing.
	Added bool
	To    Link
}

// Values gives the values of an attribute that isn't a link. It is nil and
// false if the attribute isn't told, and empty and true if it was cleared. Case
// doesn't matter in name. The values must not be changed.
func (o *Object) Values(name string) (values [][]byte, told bool) {
	values, told = o.attributes[strings.ToLower(name)]
	return values, told
}

// Text gives the first value of an attribute, or "" if there is none, and
// whether the attribute is told.
func (o *Object) Text(name string) (value string, told bool) {
	values, told := o.Values(name)
	if len(values) == 0 {
		return "", told
	}
	return string(values[0]), told
}

// Name is the value of the object's naming attribute, or "" if it isn't told.
// A deleted object's ends with a newline, DEL: and its GUID; one that lost a
// conflict of names between controllers with a newline, CNF: and its GUID
// (MS-ADTS 3.1.1.5.5 and 3.1.1.1.11).
func (o *Object) Name() string {
	name, _ := o.Text("name")
	return name
}

// Conflict says that the object lost a conflict of names.
func (o *Object) Conflict() bool { return strings.Contains(o.Name(), "\nCNF:") }

// Is says whether objectClass is told and has that class.
func (o *Object) Is(class string) bool {
	values, _ := o.Values("objectClass")
	return slices.ContainsFunc(values, func(v []byte) bool { return strings.EqualFold(string(v), class) })
}

// SID is objectSid, or "" if it isn't told.
func (o *Object) SID() (SID, error) {
	values, _ := o.Values("objectSid")
	if len(values) == 0 {
		return "", nil
	}
	return DecodeSID(values[0])
}

// needed are the attributes that are asked for whatever the configuration says.
// name brings parentGUID with it.
var needed = []string{
	"objectClass", "name", "objectSid", "sAMAccountName", "userAccountControl", "primaryGroupID",
	"groupType", "isDeleted", "isRecycled", "lastKnownParent",
}

// asked are all attributes that a configuration asks for, each once, in small
// letters and in order.
func (c Config) asked() []string {
	var names []string
	for _, name := range slices.Concat(needed, c.Attributes, c.Links) {
		names = append(names, strings.ToLower(name))
	}
	if c.Mode == ModeUSNChanged {
		names = append(names, attributeUSN)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isLink says whether a configuration takes an attribute, in small letters, for
// one that points to objects.
func (c Config) isLink(name string) bool {
	return slices.ContainsFunc(c.Links, func(link string) bool { return strings.EqualFold(link, name) })
}

// Options of link attributes in an answer with incremental values (MS-ADTS
// 3.1.1.3.4.1.3).
const (
	optionAdded   = "range=1-1"
	optionRemoved = "range=0-0"
)

// parseObject reads an entry of a DirSync answer.
func (c Config) parseObject(e *entry, whole bool) (*Object, error) {
	o := &Object{Whole: whole, attributes: make(map[string][][]byte, len(e.attributes))}
	for _, a := range e.attributes {
		if err := c.parseAttribute(o, a); err != nil {
			return nil, fmt.Errorf("dirsync: %.200q: %w", e.dn, err)
		}
	}
	return o, o.identify(e)
}

func (c Config) parseAttribute(o *Object, a attribute) error {
	name, option, _ := strings.Cut(strings.ToLower(a.name), ";")
	link := c.isLink(name)
	switch {
	case option == optionAdded || option == optionRemoved:
		return o.addLinks(name, option == optionAdded, a.values)
	case option != "":
		return fmt.Errorf("attribute %.100q has an option that isn't understood", a.name)
	case link:
		o.AllLinks = append(o.AllLinks, name)
		return o.addLinks(name, true, a.values)
	}
	o.attributes[name] = a.values
	return nil
}

func (o *Object) addLinks(name string, added bool, values [][]byte) error {
	for _, value := range values {
		to, err := parseLink(string(value))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if to.GUID.IsZero() {
			return fmt.Errorf("%s: %.80q comes without GUID, though it was asked for", name, value)
		}
		o.Links = append(o.Links, LinkChange{Attribute: name, Added: added, To: to})
	}
	return nil
}

// identify takes out of the attributes what says which object it is and whether
// it exists.
func (o *Object) identify(e *entry) error {
	self, err := parseLink(e.dn)
	if err != nil {
		return err
	}
	o.DN = self.DN
	for name, to := range map[string]*GUID{"objectguid": &o.GUID, "parentguid": &o.Parent} {
		if values := o.attributes[name]; len(values) > 0 {
			if *to, err = decodeGUID(values[0]); err != nil {
				return fmt.Errorf("dirsync: %.200q: %s: %w", e.dn, name, err)
			}
		}
		delete(o.attributes, name)
	}
	if o.GUID.IsZero() {
		o.GUID = self.GUID
	}
	if o.GUID.IsZero() {
		return fmt.Errorf("dirsync: %.200q comes without objectGUID", e.dn)
	}
	if text, _ := o.Text("lastKnownParent"); text != "" {
		if o.LastParent, err = parseLink(text); err != nil {
			return fmt.Errorf("dirsync: %.200q: lastKnownParent: %w", e.dn, err)
		}
	}
	deleted, told := o.Text("isDeleted")
	recycled, _ := o.Text("isRecycled")
	switch {
	case recycled == "TRUE":
		o.Life = LifeRecycled
	case deleted == "TRUE":
		o.Life = LifeDeleted
	case told:
		o.Life = LifeRestored
	case strings.Contains(strings.ToLower(o.DN), `\0adel:`+o.GUID.String()):
		// The account may see it, but not whether it's deleted (MS-ADTS 3.1.1.5.5).
		o.Life = LifeDeleted
	}
	for _, name := range []string{"lastknownparent", "isdeleted", "isrecycled"} {
		delete(o.attributes, name)
	}
	return nil
}
