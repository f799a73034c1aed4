package ad

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// checkpoint is dirsync's, with what else has to be as it was, or is looked at
// again, for an increment to be right.
type checkpoint struct {
	domain dirsync.GUID
	// document stands for mapping, scope and policies (Document.sum).
	document [sha256.Size]byte
	// reached stands for the groups whose members are in scope.
	reached [sha256.Size]byte
	// lookedAt is the controller's time by which accounts had expired or not.
	// nextExpiry is when the next one does, the zero time for never: nothing
	// changes in the directory then.
	lookedAt, nextExpiry time.Time
	// switchedAt is when another controller was read than before, which may have
	// been behind it; the zero time if all was compared since.
	switchedAt time.Time
	// setBack says that the controller was set back to an older state, and no other
	// was read since. switchedAt is zero then.
	setBack   bool
	directory []byte
}

var errCheckpoint = errors.New("ad: the checkpoint is damaged")

// A checkpoint is: magic, domain, document, reached, lookedAt, nextExpiry and
// switchedAt in seconds since 1970 (0 for never; wasSetBack), dirsync's, and
// SHA-256 of all that. The first version had no switchedAt.
const (
	checkpointMagic = "WAD2"
	firstMagic      = "WAD1"
	checkpointHead  = len(checkpointMagic) + 16 + 2*sha256.Size + 2*8
	mostCheckpoint  = 1 << 20
	wasSetBack      = math.MaxUint64 // in place of switchedAt
)

func (c checkpoint) encode() []byte {
	b := append(make([]byte, 0, checkpointHead+8+len(c.directory)+sha256.Size), checkpointMagic...)
	b = append(b, c.domain[:]...)
	b = append(b, c.document[:]...)
	b = append(b, c.reached[:]...)
	b = binary.BigEndian.AppendUint64(b, seconds(c.lookedAt))
	b = binary.BigEndian.AppendUint64(b, seconds(c.nextExpiry))
	switched := seconds(c.switchedAt)
	if c.setBack {
		switched = wasSetBack
	}
	b = binary.BigEndian.AppendUint64(b, switched)
	b = append(b, c.directory...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func seconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.Unix(), 1))
}

func fromSeconds(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

func decodeCheckpoint(b []byte) (checkpoint, error) {
	if len(b) < checkpointHead+sha256.Size || len(b) > mostCheckpoint {
		return checkpoint{}, errCheckpoint
	}
	b, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(b); !bytes.Equal(sum, want[:]) {
		return checkpoint{}, errCheckpoint
	}
	var c checkpoint
	magic, rest := string(b[:len(checkpointMagic)]), b[len(checkpointMagic):]
	rest = rest[copy(c.domain[:], rest):]
	rest = rest[copy(c.document[:], rest):]
	rest = rest[copy(c.reached[:], rest):]
	c.lookedAt, rest = fromSeconds(binary.BigEndian.Uint64(rest)), rest[8:]
	c.nextExpiry, rest = fromSeconds(binary.BigEndian.Uint64(rest)), rest[8:]
	switch {
	case magic == checkpointMagic && len(rest) >= 8:
		if n := binary.BigEndian.Uint64(rest); n == wasSetBack {
			c.setBack = true
		} else {
			c.switchedAt = fromSeconds(n)
		}
		rest = rest[8:]
	case magic != firstMagic:
		return checkpoint{}, errCheckpoint
	}
	c.directory = bytes.Clone(rest)
	return c, nil
}
