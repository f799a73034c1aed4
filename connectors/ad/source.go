package ad

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// Config is what a source is made from.
type Config struct {
	// Directory says where the domain is and as whom it is read. Attributes and
	// Links are left empty: they follow from the document.
	Directory dirsync.Config
	// Document says what is brought.
	Document Document
}

// Source reads one domain. Between pulls it keeps nothing but its connections,
// for which it has a Close.
type Source struct {
	directory dirsync.Config
	rules     rules
	sum       [sha256.Size]byte

	mu   sync.Mutex
	kept keptSession
}

var _ connectors.Source = (*Source)(nil)

// New makes a source. It opens no file and no connection; what is wrong with
// the configuration is said by its field's name.
func New(c Config) (*Source, error) {
	if c.Directory.Attributes != nil || c.Directory.Links != nil {
		return nil, errors.New("ad: Directory: Attributes and Links follow from the document; leave them empty")
	}
	if err := c.Document.Check(); err != nil {
		return nil, err
	}
	rules, err := compile(c.Document)
	if err != nil {
		return nil, err
	}
	c.Directory.Attributes, c.Directory.Links = rules.attributes(), []string{linkMember, linkManager}
	if err := c.Directory.Check(); err != nil {
		return nil, err
	}
	return &Source{directory: c.Directory, rules: rules, sum: c.Document.sum()}, nil
}

// Links that are read.
const (
	linkMember  = "member"
	linkManager = "manager"
)

// Directory is the configuration that the domain is read by, with all the
// attributes, for [dirsync.Preflight].
func (s *Source) Directory() dirsync.Config { return s.directory }

// Reasons of full pulls besides those of dirsync; docs/ad.md explains them.
const (
	fullConfigurationChanged = "configurationChanged"
	fullScopeGroupsChanged   = "scopeGroupsChanged"
)

// ErrScopeMissing means that a container or group that the scope names isn't
// there, or the account can't see it. Nothing is told, because all that it held
// would seem to be out of scope. The way out is to name another one, or none.
var ErrScopeMissing = errors.New("ad: the scope names what the directory doesn't have")

// Pull fulfils [connectors.Source]. A full pull gives one checkpoint, at its end,
// so that its absences stand for the whole of it.
func (s *Source) Pull(ctx context.Context, after []byte, to connectors.Sink) error {
	for {
		session, used, err := s.open(ctx)
		if err != nil {
			return err
		}
		p := &pull{rules: s.rules, mode: s.directory.Mode, session: session, to: to, skipped: map[string]int{}, untold: map[dirsync.GUID]string{}}
		if err = p.run(ctx, s, after); err == nil {
			s.swap(session)
			return nil
		}
		_ = session.Close() // whatever it was, the next one begins anew
		if !used || p.begun || ctx.Err() != nil || errors.As(err, new(*dirsync.BindError)) {
			return err // a refused account was tried once and that is enough: see dirsync.Open
		}
		// Nothing was told: it may be the controller, and another one may answer.
	}
}

// begin decides where to continue and opens the stream, before anything is
// looked up.
func (p *pull) begin(ctx context.Context, s *Source, after []byte) (connectors.Pull, error) {
	facts := p.session.facts()
	reason, old, err := s.continued(after, facts)
	if err != nil {
		return connectors.Pull{}, err
	}
	if reason == "" && len(old.directory) > 0 {
		forgotten, err := p.forgotten(ctx, old.lookedAt, facts.Time)
		if err != nil {
			return connectors.Pull{}, err
		}
		if forgotten {
			reason = fullDeletionsForgotten
		}
	}
	before := old.directory
	if reason != "" {
		old.directory = nil
	}
	if p.reached, _, err = p.scopeGroups(ctx); err != nil {
		return connectors.Pull{}, err
	}
	reached, err := p.reachedSum(ctx)
	if err != nil {
		return connectors.Pull{}, err
	}
	if reason == "" && len(old.directory) > 0 && old.reached != reached {
		reason, old.directory = fullScopeGroupsChanged, nil
	}
	if p.changes, err = p.session.Changes(ctx, old.directory); err != nil {
		return connectors.Pull{}, err
	}
	if p.changes.Full == dirsync.FullContinued {
		return connectors.Pull{}, fmt.Errorf("ad: %w", errCheckpoint) // none of ours: see Pull
	}
	p.full = p.changes.Full != dirsync.Incremental
	if p.full && reason == "" {
		reason = string(p.changes.Full)
	}
	p.now = p.changes.Facts.Time
	p.next = checkpoint{domain: p.changes.Facts.DomainGUID, document: s.sum, reached: reached, lookedAt: p.now}
	if !p.full {
		p.next.nextExpiry, p.lookedAt = old.nextExpiry, old.lookedAt
	}
	p.doubted = p.doubt(old, before, s.mustCompare(old, facts.Time)) && p.full
	p.absence = p.full && p.changes.Absence && !p.doubted
	return connectors.Pull{Full: p.full, Reason: reason, Absence: p.absence, Notes: p.notes()}, nil
}

// continued says whether a checkpoint can be continued, as far as that doesn't
// take the directory's changes. If there is a reason why not, it can't.
func (s *Source) continued(after []byte, f dirsync.Facts) (reason string, old checkpoint, err error) {
	if len(after) == 0 {
		return "", checkpoint{}, nil
	}
	old, err = decodeCheckpoint(after)
	switch {
	case err != nil:
		return string(dirsync.FullCheckpointDamaged), checkpoint{}, nil
	case old.domain != f.DomainGUID:
		return "", checkpoint{}, fmt.Errorf("%w: it is of the domain with objectGUID %v, and %s is of %s, %v",
			dirsync.ErrForeignDomain, old.domain, f.Server, f.DomainRoot, f.DomainGUID)
	case old.document != s.sum:
		return fullConfigurationChanged, old, nil
	case s.mustCompare(old, f.Time):
		return string(dirsync.FullComparison), old, nil
	}
	return "", old, nil
}

// mostSkew is how far clocks may be apart without a word.
const mostSkew = 5 * time.Minute

// notes are what weakens this pull.
func (p *pull) notes() (notes []connectors.Note) {
	if !p.changes.Deletions {
		notes = append(notes, connectors.Note{Code: "deletionsHidden", Sentence: "The account doesn't see deleted objects, so a deletion is noticed by a full pull only; let it list and read CN=Deleted Objects."})
	}
	if note, weaker := p.weaker(); weaker {
		notes = append(notes, note)
	}
	if p.outlived != nil {
		notes = append(notes, *p.outlived)
	}
	switch {
	case p.doubted && p.next.setBack:
		notes = append(notes, connectors.Note{Code: "controllerSetBack", Sentence: "The controller was set back to an older state and may lack what it told before: nothing is taken to be gone until another controller is read. Take it out of service; if it's the only one, ask for a resync."})
	case p.doubted:
		notes = append(notes, connectors.Note{Code: "controllerChanged", Sentence: "Another controller is read than a while before, which may lack what that one told: nothing is taken to be gone until a later pull compares."})
	}
	if skew := p.changes.Facts.Skew.Abs(); skew >= mostSkew {
		notes = append(notes, connectors.Note{Code: "clockSkew", Sentence: fmt.Sprintf("The clocks here and at the controller differ by %v; whether accounts have expired is judged by the controller's.", skew)})
	}
	return notes
}
