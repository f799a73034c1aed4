package dirsync

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// mostCheckpoint bounds a checkpoint: a cookie has 24 bytes for each controller
// that the domain ever had.
const mostCheckpoint = 256 << 10

// checkpoint is a cookie, DirSync's or a usnCookie, with what must be known to
// use it safely. The cookie alone doesn't do: Samba takes a broken one for a good
// one, a controller that was set back answers a cookie from its lost future with
// nothing, and a cookie knows nothing of the attributes that it was made with.
type checkpoint struct {
	mode       Mode
	full       bool // the answer after this one still belongs to a full read
	domain     GUID
	invocation GUID   // of the controller that gave the cookie
	highestUSN uint64 // of that controller, before the cookie was asked for
	asked      [16]byte
	cookie     []byte
}

var errCheckpoint = errors.New("dirsync: the checkpoint is damaged")

// A checkpoint is: magic, mode and full as bytes, domain, invocation, highestUSN,
// asked, cookie, and SHA-256 of all that.
const (
	checkpointMagic = "WDS1"
	checkpointHead  = len(checkpointMagic) + 2 + 16 + 16 + 8 + 16
)

// modeBytes stand for the modes.
var modeBytes = map[Mode]byte{ModeDirSync: 'r', ModeObjectSecurity: 'o', ModeUSNChanged: 'u'}

func (c checkpoint) encode() []byte {
	b := append(make([]byte, 0, checkpointHead+len(c.cookie)+sha256.Size), checkpointMagic...)
	full := byte(0)
	if c.full {
		full = 1
	}
	b = append(b, modeBytes[c.mode], full)
	b = append(append(b, c.domain[:]...), c.invocation[:]...)
	b = binary.BigEndian.AppendUint64(b, c.highestUSN)
	b = append(append(b, c.asked[:]...), c.cookie...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func decodeCheckpoint(b []byte) (checkpoint, error) {
	if len(b) < checkpointHead+sha256.Size || len(b) > mostCheckpoint || string(b[:len(checkpointMagic)]) != checkpointMagic {
		return checkpoint{}, errCheckpoint
	}
	b, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(b); !bytes.Equal(sum, want[:]) {
		return checkpoint{}, errCheckpoint
	}
	rest := b[len(checkpointMagic):]
	var c checkpoint
	for mode, letter := range modeBytes {
		if letter == rest[0] {
			c.mode = mode
		}
	}
	if c.mode == "" || rest[1] > 1 {
		return checkpoint{}, errCheckpoint
	}
	c.full = rest[1] == 1
	rest = rest[2:]
	rest = rest[copy(c.domain[:], rest):]
	rest = rest[copy(c.invocation[:], rest):]
	c.highestUSN, rest = binary.BigEndian.Uint64(rest), rest[8:]
	rest = rest[copy(c.asked[:], rest):]
	c.cookie = bytes.Clone(rest)
	return c, nil
}

// CheckpointController is the invocation id of the controller that a checkpoint
// was given by; known is false for one that is damaged, or empty.
func CheckpointController(b []byte) (id GUID, known bool) {
	c, err := decodeCheckpoint(b)
	return c.invocation, err == nil
}

// CheckpointRolledBack says whether a controller's last change is older than what
// a checkpoint knows of it: see FullRolledBack, which a read that was asked for
// everything doesn't tell. It is false for a checkpoint that is damaged, or empty.
func CheckpointRolledBack(b []byte, f Facts) bool {
	c, err := decodeCheckpoint(b)
	seen, _ := c.seenAt(f.InvocationID)
	return err == nil && seen > f.HighestUSN
}

// seenAt is the highest update sequence number of a controller that the
// checkpoint knows, by invocation id; known is false if it knows none.
func (c checkpoint) seenAt(id GUID) (seen uint64, known bool) {
	all, _ := usns(c.cookie)
	seen, known = all[id]
	if c.invocation == id {
		seen, known = max(seen, c.highestUSN), true
	}
	return seen, known
}

// askedFor is a hash of what is asked for. A cookie says nothing of it: an
// attribute that is asked for anew would show nothing until it changes.
func (c Config) askedFor() (sum [16]byte) {
	links := make([]string, 0, len(c.Links))
	for _, name := range c.asked() {
		if c.isLink(name) {
			links = append(links, name)
		}
	}
	all := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", strings.Join(c.asked(), " "), strings.Join(links, " "), changesFilter))
	copy(sum[:], all[:])
	return sum
}

// usns are the highest update sequence numbers that a cookie has seen, by the
// invocation id of the controller that gave them. A cookie is opaque (MS-ADTS
// 3.1.1.3.4.1.3); that of today's Windows and of Samba can be read (MS-DRSR
// 5.115.2.1). known is false for one that can't.
func usns(cookie []byte) (seen map[GUID]uint64, known bool) {
	const (
		magic         = "MSDS"
		version       = 3
		extraAt       = 24 // length of the up-to-dateness vector
		highestAt     = 44
		invocationAt  = 52
		vectorAt      = 68
		vectorHead    = 16 // version, reserved, count, reserved
		vectorVersion = 1
		cursorSize    = 24 // invocation id and number
	)
	if len(cookie) < vectorAt || string(cookie[:4]) != magic || binary.LittleEndian.Uint32(cookie[4:]) != version {
		return nil, false
	}
	extra := uint64(binary.LittleEndian.Uint32(cookie[extraAt:]))
	vector := cookie[vectorAt:]
	if extra != uint64(len(vector)) {
		return nil, false
	}
	invocation, err := decodeGUID(cookie[invocationAt:vectorAt])
	if err != nil {
		return nil, false
	}
	seen = map[GUID]uint64{invocation: binary.LittleEndian.Uint64(cookie[highestAt:])}
	if len(vector) == 0 {
		return seen, true
	}
	if len(vector) < vectorHead || binary.LittleEndian.Uint32(vector) != vectorVersion {
		return nil, false
	}
	count := uint64(binary.LittleEndian.Uint32(vector[8:]))
	if vector = vector[vectorHead:]; count*cursorSize != uint64(len(vector)) {
		return nil, false
	}
	for ; len(vector) > 0; vector = vector[cursorSize:] {
		id, err := decodeGUID(vector[:16])
		if err != nil {
			return nil, false
		}
		seen[id] = max(seen[id], binary.LittleEndian.Uint64(vector[16:]))
	}
	return seen, true
}
