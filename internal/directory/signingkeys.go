package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// keepRetired is how long the public half of a key that signs no more stays
// published, for those who read what it signed.
const keepRetired = 400 * 24 * time.Hour

// SigningKey is a key with which events are signed.
type SigningKey struct {
	ID     string
	Public []byte // a JWK
	// Private is the secret half; nil of a key that signs no more.
	Private   []byte
	CreatedAt time.Time
}

// SigningKeys gives the keys of the deployment, the newest first: that one signs.
// If there is none, or the newest is as old as life, make makes one, and the
// others' private halves are forgotten. Servers that share a database end up with
// the same.
func (d *Directory) SigningKeys(ctx context.Context, life time.Duration, create func() (SigningKey, error)) ([]SigningKey, error) {
	var all []store.SigningKey
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		all, err = r.SigningKeys()
		return err
	})
	if err == nil && d.keysOld(all, life) {
		all, err = d.replaceKey(ctx, life, create)
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	out := make([]SigningKey, len(all))
	for i, k := range all {
		private, err := d.unseal("signing key "+k.ID, k.Private)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		out[i] = SigningKey{k.ID, k.Public, private, k.CreatedAt}
	}
	return out, nil
}

func (d *Directory) keysOld(all []store.SigningKey, life time.Duration) bool {
	return len(all) == 0 || !all[0].RetiredAt.IsZero() || d.now().Sub(all[0].CreatedAt) >= life
}

// replaceKey makes a new key unless another server has done so meanwhile.
func (d *Directory) replaceKey(ctx context.Context, life time.Duration, create func() (SigningKey, error)) (all []store.SigningKey, err error) {
	fresh, err := create()
	if err != nil {
		return nil, err
	}
	sealed, err := d.seal("signing key "+fresh.ID, fresh.Private)
	if err != nil {
		return nil, err
	}
	err = d.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.LockSigningKeys(); err != nil {
			return err
		}
		old, err := tx.SigningKeys()
		if err != nil || !d.keysOld(old, life) {
			all = old
			return err
		}
		now := d.now()
		next := store.SigningKey{ID: fresh.ID, Public: fresh.Public, Private: sealed, CreatedAt: now}
		all = []store.SigningKey{next}
		for _, k := range old {
			if !k.RetiredAt.IsZero() && now.Sub(k.RetiredAt) > keepRetired {
				if err := tx.DeleteSigningKey(k.ID); err != nil {
					return err
				}
				continue
			}
			if k.RetiredAt.IsZero() {
				k.Private, k.RetiredAt = nil, now
				if err := tx.PutSigningKey(k); err != nil {
					return err
				}
			}
			all = append(all, k)
		}
		return tx.PutSigningKey(next)
	})
	return all, err
}
