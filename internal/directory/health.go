package directory

import (
	"context"

	"github.com/workspace-scim/workspace/store"
)

// maxHealth is of how many sources the health is told; they are the oldest.
const maxHealth = 5000

// SourceHealth gives how the sources of all tenants are doing that connectors
// bring, for whoever runs the server. It is one query, whose cost follows the
// number of sources alone.
func (d *Directory) SourceHealth(ctx context.Context) (all []store.SourceHealth, err error) {
	err = d.store.Look(ctx, func(r store.Reader) error {
		all, err = r.SourceHealth(d.now().Add(-aliveFor), maxHealth)
		return err
	})
	return all, err
}
