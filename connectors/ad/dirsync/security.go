package dirsync

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// errDescriptor means that bytes are no security descriptor.
var errDescriptor = errors.New("dirsync: nTSecurityDescriptor can't be read")

// grant is an entry of an access control list that allows something.
type grant struct {
	to    SID
	mask  uint32
	right GUID // the extended right or attribute it's for; zero for all
	below bool // it holds for what is below the object alone
}

// Access rights of an entry (MS-ADTS 5.1.3.2, MS-DTYP 2.4.3).
const (
	accessCreateChild = 0x00000001
	accessDeleteChild = 0x00000002
	accessWriteSelf   = 0x00000008 // validated writes
	accessWrite       = 0x00000020 // of attributes
	accessDeleteTree  = 0x00000040
	accessControl     = 0x00000100 // extended rights
	accessDelete      = 0x00010000
	accessWriteDAC    = 0x00040000
	accessWriteOwner  = 0x00080000
	accessAll         = 0x10000000
	accessAllWrites   = 0x40000000

	accessOwns   = accessAll | accessWriteDAC | accessWriteOwner
	accessWrites = accessCreateChild | accessDeleteChild | accessWriteSelf | accessWrite | accessDeleteTree | accessDelete | accessAllWrites
)

// Extended rights (MS-ADTS 5.1.3.2.1).
var (
	rightGetChangesAll      = mustGUID("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")
	rightGetChangesFiltered = mustGUID("89e95b76-444d-4c62-991a-0facbeda640c")
	rightResetPassword      = mustGUID("00299570-246d-11d0-a768-00aa006e0529") // User-Force-Change-Password
)

func mustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err) // a constant above
	}
	return g
}

// parseGrants reads what a security descriptor in its self-relative form allows
// (MS-DTYP 2.4.6). Entries that deny or audit are passed over.
func parseGrants(descriptor []byte) ([]grant, error) {
	const headerSize, listHeaderSize = 20, 8
	if len(descriptor) < headerSize {
		return nil, errDescriptor
	}
	at := uint64(binary.LittleEndian.Uint32(descriptor[16:]))
	if at == 0 {
		return nil, nil // no list
	}
	if at+listHeaderSize > uint64(len(descriptor)) {
		return nil, errDescriptor
	}
	count := int(binary.LittleEndian.Uint16(descriptor[at+4:]))
	rest := descriptor[at+listHeaderSize:]
	var grants []grant
	for range count {
		if len(rest) < 8 {
			return nil, errDescriptor
		}
		size := int(binary.LittleEndian.Uint16(rest[2:]))
		if size < 8 || size > len(rest) {
			return nil, errDescriptor
		}
		g, allows, err := parseACE(rest[:size])
		if err != nil {
			return nil, err
		}
		if allows {
			grants = append(grants, g)
		}
		rest = rest[size:]
	}
	return grants, nil
}

// parseACE reads one entry (MS-DTYP 2.4.4.2, 2.4.4.3).
func parseACE(ace []byte) (g grant, allows bool, err error) {
	const (
		allowed, allowedObject   = 0x00, 0x05
		inheritOnly              = 0x08
		objectType, inheritsType = 0x1, 0x2
	)
	if ace[0] != allowed && ace[0] != allowedObject {
		return grant{}, false, nil
	}
	g.below = ace[1]&inheritOnly != 0
	g.mask = binary.LittleEndian.Uint32(ace[4:])
	sid := ace[8:]
	if ace[0] == allowedObject {
		if len(sid) < 4 {
			return grant{}, false, errDescriptor
		}
		flags := binary.LittleEndian.Uint32(sid)
		sid = sid[4:]
		for _, flag := range []uint32{objectType, inheritsType} {
			if flags&flag == 0 {
				continue
			}
			if len(sid) < 16 {
				return grant{}, false, errDescriptor
			}
			if flag == objectType {
				if g.right, err = decodeGUID(sid[:16]); err != nil {
					return grant{}, false, err
				}
			}
			sid = sid[16:]
		}
	}
	// Bytes for alignment may follow the SID, whose second byte counts its parts.
	if len(sid) < 2 || len(sid) < 8+4*int(sid[1]) {
		return grant{}, false, errDescriptor
	}
	g.to, err = DecodeSID(sid[:8+4*int(sid[1])])
	return g, err == nil, err
}

// owner is to whom an object belongs; empty if the descriptor doesn't say.
func owner(descriptor []byte) (SID, error) {
	if len(descriptor) < 20 {
		return "", errDescriptor
	}
	at := uint64(binary.LittleEndian.Uint32(descriptor[4:]))
	if at == 0 {
		return "", nil
	}
	if at+8 > uint64(len(descriptor)) || at+8+4*uint64(descriptor[at+1]) > uint64(len(descriptor)) {
		return "", errDescriptor
	}
	return DecodeSID(descriptor[at : at+8+4*uint64(descriptor[at+1])])
}

// tooWide names what of the grants at a domain's root to the holder of some SIDs
// goes beyond what reading changes needs, each once (row E080).
func tooWide(grants []grant, holds []SID) []string {
	var names []string
	for _, g := range grants {
		if !slices.Contains(holds, g.to) {
			continue
		}
		extended := g.mask&accessControl != 0
		switch {
		case g.mask&(accessOwns|accessWrites) != 0 && g.below:
			names = append(names, "writing below the domain's root")
		case extended && g.right == rightResetPassword:
			names = append(names, "resetting passwords")
		case extended && g.right.IsZero() && g.below:
			names = append(names, "all extended rights below the domain's root")
		case g.below:
		case g.mask&accessOwns != 0:
			names = append(names, "control of the domain's root")
		case g.mask&accessWrites != 0:
			names = append(names, "writing at the domain's root")
		case extended && g.right.IsZero():
			names = append(names, "all extended rights")
		case extended && g.right == rightGetChangesAll:
			names = append(names, "Replicating Directory Changes All")
		case extended && g.right == rightGetChangesFiltered:
			names = append(names, "Replicating Directory Changes In Filtered Set")
		}
	}
	for _, sid := range holds {
		if name := privileged(sid); name != "" {
			names = append(names, "membership in "+name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// privileged names a group whose members have power over a domain or its
// controllers (MS-ADTS 3.1.1.6.1.2, MS-DTYP 2.4.2.4); "" for any other SID.
func privileged(sid SID) string {
	if sid.Domain() == "S-1-5-32" {
		return map[uint32]string{
			544: "Administrators", 548: "Account Operators", 549: "Server Operators", 550: "Print Operators", 551: "Backup Operators",
		}[sid.RID()]
	}
	if strings.HasPrefix(string(sid), "S-1-5-21-") {
		return map[uint32]string{512: "Domain Admins", 518: "Schema Admins", 519: "Enterprise Admins"}[sid.RID()]
	}
	return ""
}
