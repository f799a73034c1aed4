package dirsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// changesFilter selects what is reported. It names classes only: a controller
// judges an object as it is now, so with any other condition an object that
// stops fulfilling it would vanish without a word, deletions first of all.
const changesFilter = "(|(objectClass=user)(objectClass=group)(objectClass=contact)(objectClass=organizationalUnit)" +
	"(objectClass=container)(objectClass=builtinDomain)(objectClass=domainDNS)(objectClass=foreignSecurityPrincipal))"

// Reason is why a read is a full one. It is a code of docs/ad.md.
type Reason string

const (
	// Incremental is no full read: what changed since the checkpoint.
	Incremental Reason = ""
	// FullInitial is the first read, or one that was asked for by giving no
	// checkpoint.
	FullInitial Reason = "initial"
	// FullContinued goes on with a full read of which the checkpoint was given in
	// the middle. What was told before the checkpoint isn't told again.
	FullContinued Reason = "continued"
	// FullCheckpointDamaged means that the checkpoint isn't one that was given.
	FullCheckpointDamaged Reason = "checkpointDamaged"
	// FullCookieRefused means that the server doesn't take its cookie.
	FullCookieRefused Reason = "cookieRefused"
	// FullAttributesChanged means that other attributes are asked for than
	// before.
	FullAttributesChanged Reason = "attributesChanged"
	// FullModeChanged means that Config.Mode is another than before.
	FullModeChanged Reason = "modeChanged"
	// FullOtherController means that the checkpoint knows nothing of this
	// controller: it's new, or it was restored from a backup.
	FullOtherController Reason = "otherController"
	// FullRolledBack means that the controller was set back to an older state
	// without its knowing. Other controllers don't notice either: it must be taken
	// out of service (Microsoft, "Detect and recover from USN rollback").
	FullRolledBack Reason = "rolledBack"
	// FullComparison means that what is gone may not have been told since the last
	// full read. In ModeUSNChanged that is so while the account doesn't see
	// deletions: after Config.CompareEvery, or when it sees them again. A consumer
	// gives the same reason when it reads everything some time after a change of
	// controller.
	FullComparison Reason = "comparison"
)

// Changes is a read of changes that goes on. It is for one goroutine.
type Changes struct {
	// Full says whether everything is told, and why.
	Full Reason
	// Deletions says that the account sees deleted objects. If it's false, an
	// object that is gone is never told: compare with a full read now and then.
	Deletions bool
	// Absence says that an object that isn't told by a full read, from its
	// beginning to its end, is gone. It's false where the account sees only what
	// it may read; but true in ModeUSNChanged if Deletions is false, because there
	// is no other way then to notice a deletion.
	Absence bool
	// Facts are what the controller said just before.
	Facts Facts

	session *Session
	ctx     context.Context // of the whole read
	conn    *conn
	answer  *answer
	first   *pending // was read ahead
	cookie  []byte   // that the answer continues from
	usn     *usnRead // nil where DirSync is used
	told    bool     // the answer had an object
	more    bool     // another answer is to be asked for
	err     error    // the end
}

// pending is what answer.next gave.
type pending struct {
	entry *entry
	err   error
}

// Change is one thing that a read gives: an object, an object that couldn't be
// understood, or a checkpoint.
type Change struct {
	Object *Object
	// Unreadable is what is wrong with an object. The read goes on.
	Unreadable error
	// Checkpoint closes a page: it stands for all that was told before it. Keep
	// it when all that is settled, and no sooner. Its bytes mean nothing to
	// others; it has at most 256 KiB.
	Checkpoint []byte
}

// Changes begins to read what changed after a checkpoint, or everything if it
// is nil. It returns when the server has begun to answer, which for everything
// may take as long as a search may; ctx bounds the whole read. The caller reads
// on with Next, in its own time: the server waits, and nothing is lost or kept
// here. Only one read is possible at a time.
//
// A checkpoint that can't be continued leads to a full read, which Full tells,
// before anything is given. Errors: *RightError, *BindError, ErrForeignDomain,
// ErrOtherController, ErrIncomplete, *ResultError. After each, reading again
// from the same checkpoint is safe: the same changes come again.
func (s *Session) Changes(ctx context.Context, after []byte) (*Changes, error) {
	s.changesMu.Lock()
	defer s.changesMu.Unlock()
	if s.reading {
		return nil, errors.New("dirsync: a read of changes goes on; end it first")
	}
	for try := 0; ; try++ {
		used := s.changes
		c, err := s.renew(ctx, used)
		if err != nil {
			s.changes = nil
			return nil, err
		}
		s.changes = c
		r, err := s.begin(ctx, c, after)
		if err == nil {
			s.reading = true
			return r, nil
		}
		// A connection that lay idle may have been closed by the server.
		if try > 0 || used != c || ctx.Err() != nil || !errors.Is(err, ErrIncomplete) {
			return nil, err
		}
	}
}

// begin decides between an increment and a full read and asks for its first
// answer.
func (s *Session) begin(ctx context.Context, c *conn, after []byte) (*Changes, error) {
	facts, err := c.facts(ctx, c.known)
	if err != nil {
		return nil, err
	}
	r := &Changes{Facts: *facts, session: s, ctx: ctx, conn: c, Absence: s.config.Mode == ModeDirSync}
	if r.Full, r.cookie, err = s.config.decide(after, facts); err != nil {
		return nil, err
	}
	if r.Deletions, err = c.seesDeleted(ctx, facts.DomainRoot); err != nil {
		return nil, err
	}
	// [W] A Windows server shows a replica everything, whatever it may read
	// (MS-ADTS 3.1.1.3.4.1.3); Samba filters by what the account may read.
	r.Deletions = r.Deletions || !facts.Samba && s.config.Mode == ModeDirSync
	if s.config.Mode == ModeUSNChanged {
		r.beginUSN()
	}

	if err := r.ask(); err != nil {
		return nil, err
	}
	e, err := r.answer.next()
	if len(r.cookie) > 0 && isResult(err, refusedCookie...) {
		r.Full, r.cookie = FullCookieRefused, nil
		if err := r.ask(); err != nil {
			return nil, err
		}
		e, err = r.answer.next()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, r.explain(err)
	}
	r.first = &pending{e, err}
	return r, nil
}

// refusedCookie are the results by which a server refuses a cookie before the
// first object: 12 on Samba; which one on Windows isn't written anywhere, so
// each that may mean it leads to a full read, where it comes again if it meant
// something else.
var refusedCookie = []int{resultCriticalExtension, resultUnwillingToPerform, resultOperationsError, resultProtocolError}

// decide says whether a checkpoint can be continued at a controller.
func (c Config) decide(after []byte, f *Facts) (Reason, []byte, error) {
	if len(after) == 0 {
		return FullInitial, nil, nil
	}
	cp, err := decodeCheckpoint(after)
	if err != nil {
		return FullCheckpointDamaged, nil, nil
	}
	if cp.domain != f.DomainGUID {
		return "", nil, fmt.Errorf("%w: it is of the domain with objectGUID %v, and %s is of %s, %v",
			ErrForeignDomain, cp.domain, f.Server, f.DomainRoot, f.DomainGUID)
	}
	seen, known := cp.seenAt(f.InvocationID)
	switch {
	case seen > f.HighestUSN:
		return FullRolledBack, nil, nil
	case !known:
		// The server would answer with everything, without saying so.
		return FullOtherController, nil, nil
	case cp.mode != c.Mode:
		return FullModeChanged, nil, nil
	case cp.asked != c.askedFor():
		return FullAttributesChanged, nil, nil
	case cp.full:
		return FullContinued, cp.cookie, nil
	}
	return Incremental, cp.cookie, nil
}

// seesDeleted says whether the account may read deleted objects: isDeleted of
// their container is shown to those who may, and to no others.
func (c *conn) seesDeleted(ctx context.Context, root string) (bool, error) {
	e, err := c.one(ctx, "read of CN=Deleted Objects", query{
		base: "CN=Deleted Objects," + root, attributes: []string{"isDeleted"},
		controls: [][]byte{control(oidShowDeleted, nil)},
	})
	if errors.Is(err, ErrNotFound) || isResult(err, resultInsufficientAccess) {
		return false, nil
	}
	return err == nil && e.text("isDeleted") == "TRUE", err
}

// Flags of the control (MS-ADTS 3.1.1.3.4.1.3).
const (
	flagObjectSecurity    = 0x1
	flagAncestorsFirst    = 0x800
	flagIncrementalValues = 0x80000000
)

// ask asks for the answer that follows the cookie.
func (r *Changes) ask() error {
	return r.askFor(changesFilter, r.session.config.asked())
}

func (r *Changes) askFor(filter string, attributes []string) error {
	if r.usn != nil {
		return r.askUSN(filter, attributes)
	}
	config := r.session.config
	flags := uint32(flagIncrementalValues | flagAncestorsFirst)
	if config.Mode == ModeObjectSecurity {
		flags |= flagObjectSecurity
	}
	value := tlv(tagSequence, integer(int32(flags)), integer(int32(config.PageBytes)), tlv(tagOctets, r.cookie))
	answer, err := r.conn.search(r.ctx, "read of changes", query{
		base: r.Facts.DomainRoot, scope: scopeSubtree, filter: filter, attributes: attributes,
		controls: [][]byte{control(oidDirSync, value), extendedDN()},
	})
	if err != nil {
		return err
	}
	r.answer, r.told, r.more = answer, false, false
	return nil
}

// Next gives the next object or checkpoint. After the last checkpoint it gives
// io.EOF; any other error ends the read without a checkpoint for what was told
// since the last one, and comes again if Next is called again.
func (r *Changes) Next() (Change, error) {
	if r.err != nil {
		return Change{}, r.err
	}
	change, err := r.next()
	if err != nil {
		r.finish(err)
	}
	return change, err
}

func (r *Changes) next() (Change, error) {
	if r.answer == nil {
		if !r.more {
			return Change{}, io.EOF
		}
		if err := r.ask(); err != nil {
			return Change{}, err
		}
	}
	e, err := r.entry()
	switch {
	case errors.Is(err, io.EOF) && r.usn != nil:
		return r.closeUSN()
	case errors.Is(err, io.EOF):
		return r.closePage()
	case err != nil:
		return Change{}, r.explain(err)
	case r.usn != nil:
		return r.parseUSN(e)
	}
	r.told = true
	object, err := r.session.config.parseObject(e, r.Full != Incremental)
	if err != nil {
		return Change{Unreadable: err}, nil
	}
	return Change{Object: object}, nil
}

// entry gives the next entry, and io.EOF where a checkpoint may be given.
func (r *Changes) entry() (*entry, error) {
	for {
		var p pending
		if r.first != nil {
			p, r.first = *r.first, nil
		} else {
			p.entry, p.err = r.answer.next()
		}
		if !errors.Is(p.err, io.EOF) || r.usn == nil {
			return p.entry, p.err
		}
		if more, err := r.turnPage(); err != nil {
			return nil, err
		} else if !more {
			return nil, io.EOF
		}
	}
}

// closePage reads the control that closes an answer. Without it the answer isn't
// complete, whatever its result says.
func (r *Changes) closePage() (Change, error) {
	value, found := r.answer.control(oidDirSync)
	r.answer = nil
	if !found {
		return Change{}, fmt.Errorf("%w: %s closed the answer without the DirSync control", ErrIncomplete, r.Facts.Server)
	}
	more, cookie, err := parseDirSync(value)
	if err != nil {
		return Change{}, fmt.Errorf("%w: DirSync control of %s: %w", ErrIncomplete, r.Facts.Server, err)
	}
	if more && !r.told && bytes.Equal(cookie, r.cookie) {
		return Change{}, fmt.Errorf("%w: %s says that there is more and gives nothing", ErrIncomplete, r.Facts.Server)
	}
	r.more, r.cookie = more, cookie
	return Change{Checkpoint: r.checkpoint(more && r.Full != Incremental, cookie)}, nil
}

func (r *Changes) checkpoint(full bool, cookie []byte) []byte {
	config := r.session.config
	return checkpoint{
		mode: config.Mode, full: full, domain: r.Facts.DomainGUID,
		invocation: r.Facts.InvocationID, highestUSN: r.Facts.HighestUSN, asked: config.askedFor(), cookie: cookie,
	}.encode()
}

// parseDirSync reads the control's value in an answer (MS-ADTS 3.1.1.3.4.1.3):
// more, a number that isn't used, and the cookie.
func parseDirSync(value []byte) (more bool, cookie []byte, err error) {
	body, _, err := cutTag(value, tagSequence)
	if err != nil {
		return false, nil, err
	}
	flag, rest, err := cutInteger(body, tagInteger)
	if err != nil {
		return false, nil, err
	}
	if _, rest, err = cutInteger(rest, tagInteger); err != nil {
		return false, nil, err
	}
	cookie, _, err = cutTag(rest, tagOctets)
	if err == nil && (len(cookie) == 0 || len(cookie) > mostCheckpoint/2) {
		err = fmt.Errorf("a cookie of %d bytes", len(cookie))
	}
	return flag != 0, cookie, err
}

// explain says what a server's result means for a read of changes.
func (r *Changes) explain(err error) error {
	config := r.session.config
	switch {
	case isResult(err, resultInsufficientAccess) && config.Mode == ModeDirSync:
		return fmt.Errorf("%w (%w)", &RightError{Account: config.Account, DomainRoot: r.Facts.DomainRoot}, err)
	case isResult(err, resultTimeLimit, resultSizeLimit, resultAdminLimit):
		return fmt.Errorf("%w: the server ran into a limit of its own; ask for fewer attributes, or raise its query policy: %w", ErrIncomplete, err)
	case isResult(err, resultBusy, resultUnavailable):
		return fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return err
}

// finish ends the read.
func (r *Changes) finish(err error) {
	r.err = err
	s := r.session
	s.changesMu.Lock()
	defer s.changesMu.Unlock()
	s.reading = false
}

// Close ends a read before its end. It may be called at any time between calls
// of Next, and more than once.
func (r *Changes) Close() error {
	if r.err == nil {
		r.conn.net.interrupt() // what is under way can't be told from what follows
		r.finish(fmt.Errorf("%w: it was closed", ErrIncomplete))
	}
	return nil
}

// supports says whether a controller knows a control.
func (f *Facts) supports(oid string) bool { return slices.Contains(f.controls, oid) }

// controls are those without which changes can't be read.
func (c Config) controls() []string {
	if c.Mode == ModeUSNChanged {
		return []string{oidPaged, oidExtendedDN, oidShowDeleted}
	}
	return []string{oidDirSync, oidExtendedDN}
}
