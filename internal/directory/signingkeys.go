package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

const (
	// keyRipens is how long a key is published before it signs: other servers look
	// for keys once a minute, and receivers may keep what they fetched for five.
	keyRipens = 10 * time.Minute
	// keepRetired is how long the public half of a key that signs no more stays
	// published, for those who read what it signed.
	keepRetired = 400 * 24 * time.Hour
)

// SigningKey is a key with which events are signed.
type SigningKey struct {
	ID     string
	Public []byte // a JWK
	// Private is the secret half of the key that signs; nil of the others.
	Private   []byte
	CreatedAt time.Time
}

// SigningKeys gives the keys of the deployment, the newest first; one of them signs:
// the newest that has been there for ten minutes, or else the newest. If there is
// none, or the newest is as old as life, create makes one. Once it signs, the
// others' private halves are forgotten. Servers that share a database end up with
// the same.
func (d *Directory) SigningKeys(ctx context.Context, life time.Duration, create func() (SigningKey, error)) ([]SigningKey, error) {
	var all []store.SigningKey
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		all, err = r.SigningKeys()
		return err
	})
	if err == nil && (d.keyDue(all, life) || len(d.outlived(all)) > 0) {
		all, err = d.tendKeys(ctx, life, create)
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	out := make([]SigningKey, len(all))
	for i, k := range all {
		out[i] = SigningKey{ID: k.ID, Public: k.Public, CreatedAt: k.CreatedAt}
	}
	i := d.signing(all) // once: a key may ripen at any moment
	if out[i].Private, err = d.unseal("signing key "+all[i].ID, all[i].Private); err != nil {
		return nil, fmt.Errorf("signing key %s: %w", all[i].ID, err)
	}
	return out, nil
}

// keyDue says whether another key has to be made.
func (d *Directory) keyDue(all []store.SigningKey, life time.Duration) bool {
	return len(all) == 0 || !all[0].RetiredAt.IsZero() || d.now().Sub(all[0].CreatedAt) >= life
}

// signing is the index of the key that signs, of which there is at least one.
func (d *Directory) signing(all []store.SigningKey) int {
	i := slices.IndexFunc(all, func(k store.SigningKey) bool { return k.RetiredAt.IsZero() && d.now().Sub(k.CreatedAt) >= keyRipens })
	return max(i, 0)
}

// outlived gives the keys behind which another one signs by now.
func (d *Directory) outlived(all []store.SigningKey) []store.SigningKey {
	if len(all) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all[d.signing(all)+1:]), func(k store.SigningKey) bool { return !k.RetiredAt.IsZero() })
}

// tendKeys retires the keys that sign no more, forgets those that nobody needs, and
// makes a new one if that is due, unless another server has done so meanwhile.
func (d *Directory) tendKeys(ctx context.Context, life time.Duration, create func() (SigningKey, error)) (all []store.SigningKey, err error) {
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
		now := d.now()
		old, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		for _, k := range d.outlived(old) {
			k.Private, k.RetiredAt = nil, now
			if err := tx.PutSigningKey(k); err != nil {
				return err
			}
		}
		for _, k := range old {
			if !k.RetiredAt.IsZero() && now.Sub(k.RetiredAt) > keepRetired {
				if err := tx.DeleteSigningKey(k.ID); err != nil {
					return err
				}
			}
		}
		if d.keyDue(old, life) {
			next := store.SigningKey{ID: fresh.ID, Public: fresh.Public, Private: sealed, CreatedAt: now}
			if err := tx.PutSigningKey(next); err != nil {
				return err
			}
		}
		all, err = tx.SigningKeys()
		return err
	})
	return all, err
}
