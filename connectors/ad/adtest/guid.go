package adtest

import (
	"encoding/binary"
	"fmt"
)

// GUID gives an object's objectGUID in the text of RFC 4122, as connectors name
// it: Windows keeps the first three parts in little-endian order.
func (d *Domain) GUID(dn string) string {
	d.t.Helper()
	b := []byte(d.Read(dn, "objectGUID")[0])
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]),
		binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}
