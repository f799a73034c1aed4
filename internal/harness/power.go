package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// shimSource is loaded into the server before libc (LD_PRELOAD).
//
//go:embed shim/powercut.c
var shimSource []byte

// power is a disk whose power can be cut: the files in data are what programs
// see, those in disk what has been fsynced. The shim copies from the one to the
// other at each fsync. While the file fail exists, the disk has errors.
type power struct {
	library, data, disk, fail string
}

func newPower(t *trial) (*power, error) {
	p, err := makePower(t.ctx, t.dir, filepath.Join(t.dir, "data"))
	if err != nil {
		return nil, err
	}
	return p, p.on()
}

// makePower compiles the shim into dir; data is the directory that it watches.
func makePower(ctx context.Context, dir, data string) (*power, error) {
	p := &power{library: filepath.Join(dir, "powercut.so"), data: data, disk: filepath.Join(dir, "disk"), fail: filepath.Join(dir, "fail")}
	source := filepath.Join(dir, "powercut.c")
	if err := os.WriteFile(source, shimSource, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", p.library, source, "-ldl", "-pthread")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the power cut: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return p, nil
}

// env is what a program needs in its environment.
func (p *power) env() []string {
	return []string{"LD_PRELOAD=" + p.library, "POWERCUT_DATA=" + p.data, "POWERCUT_DISK=" + p.disk, "POWERCUT_FAIL=" + p.fail}
}

// on begins with everything on the disk.
func (p *power) on() error { return mirror(p.data, p.disk) }

// cut leaves what was fsynced. The programs must have ended.
func (p *power) cut() error { return mirror(p.disk, p.data) }

// The errors of a disk.
const (
	diskFull   = "full" // writes fail with ENOSPC
	diskBroken = "sync" // fsync fails with EIO
)

// breaks makes the disk fail from now on; mends ends that.
func (p *power) breaks(how string) error {
	if err := os.WriteFile(p.fail+".new", []byte(how), 0o644); err != nil {
		return err
	}
	return os.Rename(p.fail+".new", p.fail)
}

func (p *power) mends() error { return os.Remove(p.fail) }

// mirror makes the directory to hold the files of from and no others.
func mirror(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyFile(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
