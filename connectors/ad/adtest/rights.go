package adtest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Right is something that an account may be granted.
type Right int

const (
	// ReplicatingChanges is Replicating Directory Changes at the domain's root
	// (DS-Replication-Get-Changes, MS-ADTS 5.1.3.2.1).
	ReplicatingChanges Right = iota
	// ReplicatingChangesAll is Replicating Directory Changes All, which gives out
	// passwords' hashes too.
	ReplicatingChangesAll
	// ReadDeletedObjects is to list and to read what is below CN=Deleted Objects.
	ReadDeletedObjects
	// FullControl is everything at the domain's root.
	FullControl
	// WriteAttributes is to write each attribute of the domain's root.
	WriteAttributes
	// ResetPassword is to set another password without knowing the one before
	// (User-Force-Change-Password), of accounts in the domain.
	ResetPassword
	// HideChildren takes away from an account to see what is in a container: give
	// it by GrantOver.
	HideChildren
)

// entry is the ACE that grants the right to a SID, and the object it stands at
// (MS-DTYP 2.4.4.2 and 2.4.4.3).
func (r Right) entry(sid []byte, base string) (ace []byte, dn string) {
	const (
		controlAccess     = 0x100
		list              = 0x84 // list contents, list object
		listAndRead       = 0x94 // list contents, read property, list object
		allowed           = 0x00
		denied            = 0x01
		allowedObject     = 0x05
		objectTypePresent = 0x01
		fullControl       = 0xF01FF
		writeAttributes   = 0x20
		inherited         = 0x02 // by what is below
	)
	plain := func(mask uint32) []byte {
		return binary.LittleEndian.AppendUint32(nil, mask)
	}
	extended := func(guid string) []byte {
		body := binary.LittleEndian.AppendUint32(plain(controlAccess), objectTypePresent)
		return append(body, mixedEndian(guid)...)
	}
	kind, flags, body, dn := byte(allowed), byte(0), []byte(nil), base
	switch r {
	case ReplicatingChanges:
		kind, body = allowedObject, extended("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2")
	case ReplicatingChangesAll:
		kind, body = allowedObject, extended("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")
	case ReadDeletedObjects:
		// Else a controller to which a deletion is replicated shows who reads it that
		// there is an object, and not that it is deleted.
		body, dn, flags = plain(listAndRead), "CN=Deleted Objects,"+base, inherited
	case FullControl:
		body = plain(fullControl)
	case WriteAttributes:
		body = plain(writeAttributes)
	case HideChildren:
		kind, body = denied, plain(list)
	case ResetPassword:
		kind, body = allowedObject, extended("00299570-246d-11d0-a768-00aa006e0529")
	}
	ace = binary.LittleEndian.AppendUint16([]byte{kind, flags}, uint16(4+len(body)+len(sid)))
	return append(append(ace, body...), sid...), dn
}

// mixedEndian are the bytes of a GUID as Windows keeps them.
func mixedEndian(guid string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil {
		panic(err) // a constant above
	}
	b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
	b[4], b[5], b[6], b[7] = b[5], b[4], b[7], b[6]
	return b
}

// Grant gives an account a right.
func (d *Domain) Grant(account string, r Right) {
	d.t.Helper()
	_, at := r.entry(nil, d.Base())
	d.GrantOver(account, at, r)
}

// GrantOver gives an account a right over one object, and not where it usually
// stands.
func (d *Domain) GrantOver(account, object string, r Right) {
	d.t.Helper()
	d.changeACL(account, d.full(object), r, func(entries [][]byte, ace []byte) [][]byte {
		return append([][]byte{ace}, entries...)
	})
}

// Revoke takes away a right that Grant gave.
func (d *Domain) Revoke(account string, r Right) {
	d.t.Helper()
	_, at := r.entry(nil, d.Base())
	d.changeACL(account, at, r, func(entries [][]byte, ace []byte) [][]byte {
		var kept [][]byte
		for _, entry := range entries {
			if !bytes.Equal(entry, ace) {
				kept = append(kept, entry)
			}
		}
		if len(kept) == len(entries) {
			d.t.Fatalf("revoke: %s has no such right", account)
		}
		return kept
	})
}

// system is a connection as the system itself, by the socket that root may use.
// The administrator may not see the rights at CN=Deleted Objects.
func (d *Domain) system() *ldap.Conn {
	d.t.Helper()
	conn, err := ldap.DialURL("ldapi://" + url.PathEscape(filepath.Join(d.dir, "private", "ldap_priv", "ldapi")))
	d.must("connect as the system", err)
	return conn
}

// changeACL rewrites the access control list of an object (MS-DTYP 2.4.5, 2.4.6).
func (d *Domain) changeACL(account, dn string, r Right, change func(entries [][]byte, ace []byte) [][]byte) {
	d.t.Helper()
	ace, _ := r.entry([]byte(d.Read(account, "objectSid")[0]), d.Base())
	controls := []ldap.Control{
		ldap.NewControlMicrosoftShowDeleted(),
		// LDAP_SERVER_SD_FLAGS_OID: the DACL and nothing else.
		ldap.NewControlString("1.2.840.113556.1.4.801", true, "\x30\x03\x02\x01\x04"),
	}
	system := d.system()
	defer system.Close()
	result, err := system.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", []string{"nTSecurityDescriptor"}, controls))
	d.must("read the rights at "+dn, err)
	descriptor := result.Entries[0].GetRawAttributeValue("nTSecurityDescriptor")

	const headerSize, listHeaderSize = 20, 8
	list := descriptor[binary.LittleEndian.Uint32(descriptor[16:]):]
	var entries [][]byte
	for rest := list[listHeaderSize:]; len(entries) < int(binary.LittleEndian.Uint16(list[4:])); {
		size := binary.LittleEndian.Uint16(rest[2:])
		entries = append(entries, rest[:size])
		rest = rest[size:]
	}
	entries = change(entries, ace)

	body := bytes.Join(entries, nil)
	changed := append([]byte(nil), descriptor[:headerSize]...)
	for i := 4; i < 16; i++ {
		changed[i] = 0 // no owner, no group, no SACL
	}
	binary.LittleEndian.PutUint32(changed[16:], headerSize)
	const revisionDS = 4 // with entries for one right or attribute
	changed = append(changed, revisionDS, 0)
	changed = binary.LittleEndian.AppendUint16(changed, uint16(listHeaderSize+len(body)))
	changed = binary.LittleEndian.AppendUint16(changed, uint16(len(entries)))
	changed = append(append(changed, 0, 0), body...)

	request := ldap.NewModifyRequest(dn, controls)
	request.Replace("nTSecurityDescriptor", []string{string(changed)})
	d.must(fmt.Sprintf("change the rights at %s", dn), system.Modify(request))
}
