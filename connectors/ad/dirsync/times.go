package dirsync

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// fileTimeEpoch is 1601-01-01 in seconds before 1970-01-01.
const fileTimeEpoch = 11644473600

// ParseFileTime reads a time in units of 100 ns since 1601 (MS-DTYP 2.3.3), as
// accountExpires and pwdLastSet hold. The values 0 and 2⁶³-1 mean never
// (MS-ADA1 2.2): then never is true and at is the zero time.
func ParseFileTime(s string) (at time.Time, never bool, err error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, false, fmt.Errorf("dirsync: %.40q is no time in units of 100 ns since 1601", s)
	}
	if n == 0 || n == math.MaxInt64 {
		return time.Time{}, true, nil
	}
	const perSecond = 1e7
	return time.Unix(n/perSecond-fileTimeEpoch, n%perSecond*100).UTC(), false, nil
}

// FileTime is the value that stands for a time after 1601, for filters on such
// attributes.
func FileTime(at time.Time) int64 {
	return (at.Unix()+fileTimeEpoch)*1e7 + int64(at.Nanosecond()/100)
}

// ParseGeneralizedTime reads a GeneralizedTime (RFC 4517 §3.3.13) such as
// 20261122195156.0Z or 202611221951+0100. Windows writes the first form
// (MS-ADTS 3.1.1.2.2.2); people write the others into attributes of their own. A
// time without a zone is refused, because nobody knows which is meant.
func ParseGeneralizedTime(s string) (time.Time, error) {
	bad := func() (time.Time, error) {
		return time.Time{}, fmt.Errorf("dirsync: %.40q is no GeneralizedTime, such as 20261122195156.0Z", s)
	}
	digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	layouts := map[int]string{10: "2006010215", 12: "200601021504", 14: "20060102150405"}
	layout, known := layouts[digits]
	if !known {
		return bad()
	}
	zone := strings.IndexAny(s, "Z+-")
	if zone < digits {
		return bad()
	}
	fraction := s[digits:zone]
	if fraction != "" {
		// The fraction belongs to the last field that is given; we take seconds'.
		if digits != 14 || len(fraction) < 2 || len(fraction) > 10 || (fraction[0] != '.' && fraction[0] != ',') {
			return bad()
		}
		layout += "." + strings.Repeat("0", len(fraction)-1)
	}
	switch zoneText := s[zone:]; {
	case zoneText == "Z":
		layout += "Z"
	case len(zoneText) == 3:
		layout += "-07"
	default:
		layout += "-0700"
	}
	at, err := time.Parse(layout, strings.Replace(s, ",", ".", 1))
	if err != nil {
		return bad()
	}
	return at.UTC(), nil
}
