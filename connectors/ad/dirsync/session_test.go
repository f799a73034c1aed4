package dirsync

import (
	"errors"
	"testing"
)

// Who still holds an object of a session that was closed, such as a change that
// is written while the read of changes fails, gets an error, and no connection
// that nobody would close.
func TestAClosedSessionDoesNotConnectAgain(t *testing.T) {
	f := newFake(t, func(f *fakeDC) { f.search = func(fakeQuery) [][]byte { return [][]byte{fakeDone(resultNoSuchObject)} } })
	s := f.session()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Object(t.Context(), fakeDomain); !errors.Is(err, errClosed) {
		t.Errorf("a lookup: %v", err)
	}
	if _, err := s.Changes(t.Context(), nil); !errors.Is(err, errClosed) {
		t.Errorf("a read of changes: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.binds != 1 {
		t.Errorf("%d binds, want that of Open alone", f.binds)
	}
}
