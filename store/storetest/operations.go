package storetest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func operationChecks() []check {
	return []check{
		{"an open store answers a ping", pingAnswers},
		{"a backup is a new file, or the error says what to use", backupOrAdvice},
		{"a backup never overwrites a file", backupKeepsFiles},
	}
}

func pingAnswers(t *testing.T, s store.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func backupOrAdvice(t *testing.T, s store.Store) {
	newWorld(t, s).user(0, "anna", "")
	file := filepath.Join(t.TempDir(), "copy.db")
	err := s.Backup(t.Context(), file)
	if errors.Is(err, store.ErrUnsupported) {
		if len(err.Error()) <= len(store.ErrUnsupported.Error()) {
			t.Errorf("error %q doesn't say what to use instead", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("the backup is %v, %v", info, err)
	}
}

func backupKeepsFiles(t *testing.T, s store.Store) {
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), file); err == nil {
		t.Error("a backup over an existing file succeeded")
	}
	if b, err := os.ReadFile(file); string(b) != "keep me" {
		t.Errorf("the file now holds %q, %v", b, err)
	}
}
