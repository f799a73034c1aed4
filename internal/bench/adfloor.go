package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// asked is config with all that the default mapping asks for.
func (d *adDomain) asked() (dirsync.Config, error) {
	document, err := ad.ParseDocument(json.RawMessage(nil))
	if err != nil {
		return dirsync.Config{}, err
	}
	source, err := ad.New(ad.Config{Directory: d.config(), Document: document})
	if err != nil {
		return dirsync.Config{}, err
	}
	return source.Directory(), nil
}

// readAll connects and reads everything with nothing but DirSync, and forgets
// it. It gives the last checkpoint and the number of objects.
func readAll(ctx context.Context, config dirsync.Config) (checkpoint []byte, objects int, err error) {
	session, err := dirsync.Open(ctx, config)
	if err != nil {
		return nil, 0, err
	}
	defer session.Close()
	return readChanges(ctx, session, nil)
}

// readChanges is readAll for what changed after a checkpoint.
func readChanges(ctx context.Context, session *dirsync.Session, after []byte) (checkpoint []byte, objects int, err error) {
	changes, err := session.Changes(ctx, after)
	if err != nil {
		return nil, 0, err
	}
	defer changes.Close()
	for {
		c, err := changes.Next()
		switch {
		case errors.Is(err, io.EOF):
			return checkpoint, objects, nil
		case err != nil:
			return nil, 0, err
		case c.Unreadable != nil:
			return nil, 0, c.Unreadable
		case c.Object != nil:
			objects++
		default:
			checkpoint = c.Checkpoint
		}
	}
}
