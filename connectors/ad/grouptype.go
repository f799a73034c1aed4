package ad

import (
	"fmt"
	"strconv"
)

// Bits of groupType (MS-ADTS 2.2.12).
const (
	groupBuiltin     = 0x1
	groupGlobal      = 0x2
	groupDomainLocal = 0x4
	groupUniversal   = 0x8
	groupSecurity    = 0x80000000
)

// groupBits is groupType as a set of bits.
func (s subject) groupBits() (bits int64, ok bool, faults []fault) {
	text, ok := s.first("groupType")
	if !ok {
		return 0, false, nil
	}
	bits, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false, []fault{{codeBadNumber, fmt.Sprintf("groupType is %.40q; want a number", text)}}
	}
	return bits, true, nil
}

func (s subject) groupKind() (any, []fault) {
	bits, ok, faults := s.groupBits()
	mail, _ := s.first("mail")
	switch {
	case !ok:
		return nil, faults
	case bits&groupSecurity == 0:
		return "distribution", nil
	case mail != "":
		return "mailEnabledSecurity", nil
	}
	return "security", nil
}

func (s subject) groupScope() (any, []fault) {
	bits, _, faults := s.groupBits()
	switch {
	case bits&groupGlobal != 0:
		return "global", nil
	case bits&groupDomainLocal != 0:
		return "domainLocal", nil
	case bits&groupUniversal != 0:
		return "universal", nil
	}
	return nil, faults
}
