package directory

import (
	"strconv"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// eventID is what of the log a token is about. The number alone doesn't say: after
// a restored backup other events get numbers that lost ones had.
type eventID struct{ seq, micros int64 }

func idOfEvent(seq int64, at time.Time) eventID { return eventID{seq, at.UnixMicro()} }

// microsBase is the base in which a time is written, so that ids stay short.
const microsBase = 36

// JTI is the id of a token: that of the stream, the event's number, and its time in
// microseconds, as it is stored. The same event has the same id whenever it is
// sent, and no other event has it, not even one that a restored backup gives the
// same number.
func JTI(x store.Stream, n Notice) string { return jtiOf(x, idOfEvent(n.Seq, n.Time)) }

func jtiOf(x store.Stream, id eventID) string {
	return x.PublicID + "." + strconv.FormatInt(id.seq, 10) + "." + strconv.FormatInt(id.micros, microsBase)
}

// eventOf reads the id of a token of the stream, in the form in which JTI writes it.
func eventOf(x store.Stream, jti string) (id eventID, ok bool) {
	rest, _ := strings.CutPrefix(jti, x.PublicID+".")
	seq, at, _ := strings.Cut(rest, ".")
	var errSeq, errAt error
	id.seq, errSeq = strconv.ParseInt(seq, 10, 64)
	id.micros, errAt = strconv.ParseInt(at, microsBase, 64)
	return id, errSeq == nil && errAt == nil && id.seq > 0 && jtiOf(x, id) == jti
}
