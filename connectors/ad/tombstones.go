package ad

import (
	"context"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// fullDeletionsForgotten is the reason of a full pull after a checkpoint that is
// so old that the directory may have forgotten deletions since, of objects and of
// members: an increment would never tell them.
const fullDeletionsForgotten = "deletionsForgotten"

// replicationMargin is how long before the checkpoint a deletion may have been made
// that reached this controller after it. Its lifetime counts from when it was made.
const replicationMargin = 24 * time.Hour

// forgotten says whether the directory may have forgotten deletions since a pull,
// by the controller's clock at both times, which a checkpoint that was saved again
// or restored from a backup keeps. The forest is asked only if that is possible.
func (p *pull) forgotten(ctx context.Context, since, now time.Time) (bool, error) {
	age := now.Sub(since)
	if age < dirsync.LeastTombstoneLifetime-replicationMargin {
		return false, nil
	}
	lifetime, err := p.session.TombstoneLifetime(ctx)
	if err != nil || age < lifetime-replicationMargin {
		return false, err
	}
	p.outlived = &connectors.Note{Code: fullDeletionsForgotten, Sentence: fmt.Sprintf(
		"The last pull was %d days ago and the directory remembers deletions for %d, so everything is read and compared.", days(age), days(lifetime))}
	if p.mode != dirsync.ModeDirSync {
		p.outlived.Sentence = fmt.Sprintf(
			"The last pull was %d days ago and the directory remembers deletions for %d: everything is read, but what was deleted and forgotten stays, because this way of tracking doesn't take absence for a deletion. Compare by hand.", days(age), days(lifetime))
	}
	return true, nil
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }
