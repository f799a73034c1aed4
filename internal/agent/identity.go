// Package agent assembles one agent process: who it is, what the server tells
// it to do, and the cycles of its connector. All that lasts between two starts
// is the identity file; everything else is the server's.
package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Identity is who an agent is: what enrolling gave it.
type Identity struct {
	URL    string `json:"url"` // the server's
	Agent  string `json:"agent"`
	Source string `json:"source"`
	Token  string `json:"token"` // a secret
}

// LoadIdentity reads an identity file. One that others can read is refused,
// where the system has such rights.
func LoadIdentity(file string) (Identity, error) {
	var id Identity
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return id, fmt.Errorf("there is no identity file %s: enrol the agent first (workspace-ad enrol CODE)", file)
	}
	if err != nil {
		return id, err
	}
	if os.PathSeparator == '/' && info.Mode().Perm()&0o077 != 0 {
		return id, fmt.Errorf("the identity file %s has the mode %04o, and it holds a secret: chmod 600 it", file, info.Mode().Perm())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return id, err
	}
	if json.Unmarshal(text, &id) != nil || id.URL == "" || id.Agent == "" || id.Source == "" || id.Token == "" {
		return Identity{}, fmt.Errorf("the identity file %s is damaged: delete it and enrol the agent again", file)
	}
	return id, nil
}

// Save writes the identity file with mode 0600, whole or not at all. One that
// is there stays: it may be the only copy of a token that works.
func (id Identity) Save(file string) error {
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("there is an identity file %s already: move it away to enrol the agent again", file)
	}
	text, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".identity-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
