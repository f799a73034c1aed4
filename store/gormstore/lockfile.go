package gormstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// fileLock is a lock that ends with the process, however that ends.
type fileLock struct{ f *os.File }

// lockFile takes the lock, or says who has it.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("gormstore: lock file: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 200))
		err = fmt.Errorf("gormstore: another server (%s) uses this database, says %s: %w", strings.TrimSpace(string(holder)), path, err)
		return nil, errors.Join(err, f.Close())
	}
	host, _ := os.Hostname()
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("gormstore: lock file: %w", err), f.Close())
	}
	return &fileLock{f}, nil
}

// release gives the lock back. The file stays: removing it would let a third
// process lock a new file of the same name beside a second one that waits.
func (l *fileLock) release() error { return l.f.Close() }
