package dirsync

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// attributeUSN is the number of an object's last change at the controller that
// is asked, of a link of its own too (MS-ADTS 3.1.1.1.9).
const attributeUSN = "usnchanged"

// usnCookie is what a read in ModeUSNChanged continues from.
type usnCookie struct {
	seen      uint64    // changes up to this number were told
	deletions bool      // and deletions among them
	fullAt    time.Time // the controller's, when all was read
}

const usnCookieSize = 8 + 1 + 8

func (c usnCookie) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, usnCookieSize), c.seen)
	deletions := byte(0)
	if c.deletions {
		deletions = 1
	}
	return binary.BigEndian.AppendUint64(append(b, deletions), uint64(c.fullAt.Unix()))
}

func decodeUSNCookie(b []byte) (c usnCookie, ok bool) {
	if len(b) != usnCookieSize || b[8] > 1 {
		return usnCookie{}, false
	}
	return usnCookie{
		seen: binary.BigEndian.Uint64(b), deletions: b[8] == 1,
		fullAt: time.Unix(int64(binary.BigEndian.Uint64(b[9:])), 0).UTC(),
	}, true
}

// compares says whether an increment wouldn't do, because deletions weren't
// told: as soon as they can be, and every now and then while they can't.
func (c usnCookie) compares(deletions bool, now time.Time, every time.Duration) bool {
	if deletions {
		return !c.deletions
	}
	return now.Sub(c.fullAt).Abs() >= every // a clock that was set back, too
}

// usnRead is the state of a read in ModeUSNChanged.
type usnRead struct {
	since uint64 // higher numbers are asked for; 0 for everything
	page  []byte // cookie of the page that is asked for (RFC 2696)
	// again says that what changed during a full read is being read: an object
	// that moved meanwhile may be passed over by a search in pages, and would seem
	// to be gone.
	again bool
	next  usnCookie
}

// beginUSN decides what is asked for. The number in the next checkpoint was read
// before the search, so what changes during it comes again.
func (r *Changes) beginUSN() {
	from, ok := decodeUSNCookie(r.cookie)
	r.cookie = nil
	switch {
	case r.Full != Incremental:
	case !ok:
		r.Full = FullCheckpointDamaged
	case from.compares(r.Deletions, r.Facts.Time, r.session.config.CompareEvery):
		r.Full = FullComparison
	}
	r.usn = &usnRead{next: usnCookie{seen: r.Facts.HighestUSN, fullAt: r.Facts.Time}}
	if r.Full == Incremental {
		r.usn.since, r.usn.next.fullAt = from.seen, from.fullAt
	}
	// Tombstones tell what is gone, and absence what no tombstone can tell.
	r.Absence = !r.Deletions
}

// askUSN asks for a page of what changed, deleted objects included.
func (r *Changes) askUSN(filter string, attributes []string) error {
	if r.usn.since > 0 {
		filter = fmt.Sprintf("(&(uSNChanged>=%d)%s)", r.usn.since+1, filter)
	}
	// One that was deleted for good since the last read shows with the second
	// control only, which includes the first (MS-ADTS 3.1.1.3.4.1).
	deleted := oidShowDeleted
	if r.Facts.supports(oidShowRecycled) {
		deleted = oidShowRecycled
	}
	answer, err := r.conn.search(r.ctx, "read of changes", query{
		base: r.Facts.DomainRoot, scope: scopeSubtree, filter: filter, attributes: append(attributes, "objectGUID", "parentGUID"),
		controls: [][]byte{extendedDN(), pagedControl(r.usn.page), control(deleted, nil)},
	})
	if err != nil {
		return err
	}
	r.answer, r.told = answer, false
	return nil
}

// turnPage ends a page, asks for what follows it, and says whether anything does.
func (r *Changes) turnPage() (more bool, err error) {
	u := r.usn
	u.page, err = r.answer.nextPage(u.page, r.told)
	r.answer = nil
	if err != nil {
		return false, err
	}
	if len(u.page) == 0 {
		if r.Full == Incremental || u.again {
			return false, nil
		}
		u.again, u.since = true, r.Facts.HighestUSN
	}
	return true, r.ask()
}

// closeUSN gives the checkpoint after the last page. Deletions were told if the
// account could see them before and still can.
func (r *Changes) closeUSN() (Change, error) {
	sees, err := r.conn.seesDeleted(r.ctx, r.Facts.DomainRoot)
	if err != nil {
		return Change{}, err
	}
	r.usn.next.deletions = r.Deletions && sees
	return Change{Checkpoint: r.checkpoint(false, r.usn.next.encode())}, nil
}

// parseUSN reads an entry. An increment says of an object that came back that it
// did, because the links to it are gone, which is told of no object that had one.
func (r *Changes) parseUSN(e *entry) (Change, error) {
	r.told = true
	o, err := r.session.config.parseWhole(e)
	if err != nil {
		return Change{Unreadable: err}, nil
	}
	// Who was ever restored keeps lastKnownParent.
	if r.Full == Incremental && !o.Life.Deleted() && o.LastParent != (Link{}) {
		restored, err := r.session.restoredSince(r.ctx, o.GUID, r.usn.since)
		if err != nil {
			return Change{}, err
		}
		if restored {
			o.Life = LifeRestored
		}
	}
	return Change{Object: o}, nil
}

// restoredSince says whether an object that exists was deleted or restored after
// a number of its controller. Where the account may not read that, it says so.
func (s *Session) restoredSince(ctx context.Context, id GUID, usn uint64) (bool, error) {
	const attribute = "replPropertyMetaData"
	var metadata []byte
	err := s.withLookup(ctx, func(c *conn) error {
		e, err := c.one(ctx, "read of when an object was restored", query{base: "<GUID=" + id.String() + ">", attributes: []string{attribute}})
		if err == nil {
			metadata = []byte(e.text(attribute))
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil // gone again; its tombstone comes with the next read
	}
	if err != nil {
		return false, err
	}
	at, known := localUSN(metadata, attidIsDeleted)
	return !known || at > usn, nil
}

// attidIsDeleted is isDeleted in metadata (MS-ADTS 3.1.1.1.9, MS-DRSR 5.16.4).
const attidIsDeleted = 0x00020030

// localUSN gives the number of an attribute's last change at this controller out
// of replPropertyMetaData: version 1, then entries with the attribute, its
// version, time, originating controller and number, and the local number.
func localUSN(metadata []byte, attid uint32) (usn uint64, known bool) {
	const header, size, localAt, version = 16, 48, 40, 1
	if len(metadata) < header || binary.LittleEndian.Uint32(metadata) != version {
		return 0, false
	}
	for rest := metadata[header:]; len(rest) >= size; rest = rest[size:] {
		if binary.LittleEndian.Uint32(rest) == attid {
			return binary.LittleEndian.Uint64(rest[localAt:]), true
		}
	}
	return 0, false
}
