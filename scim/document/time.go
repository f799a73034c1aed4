package document

import (
	"fmt"
	"time"
)

// TimeFormat is how Workspace writes a date and time: xsd:dateTime in UTC with
// milliseconds (RFC 7643 §2.3.5).
const TimeFormat = "2006-01-02T15:04:05.000Z"

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"}

// ParseTime reads an xsd:dateTime; one without a zone is UTC, and a bare date,
// which HR tools send, is its midnight.
func ParseTime(s string) (time.Time, error) {
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no date and time", s)
}
