package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The test program is also the program whose power is cut: see TestMain.
const (
	victimFile  = "HARNESS_VICTIM_FILE"
	victimLevel = "HARNESS_VICTIM_SYNCHRONOUS"
)

// victim commits one number after the other, and says each that is committed.
func victim(file, synchronous string) error {
	db, err := openFile(file, "_journal_mode=WAL&_synchronous="+synchronous)
	if err != nil {
		return err
	}
	if _, err := db.Exec("CREATE TABLE n (i INTEGER PRIMARY KEY, filler BLOB)"); err != nil {
		return err
	}
	for i := 1; ; i++ {
		if _, err := db.Exec("INSERT INTO n VALUES (?, randomblob(700))", i); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// TestPowerCut shows that the power cut tells a program that syncs from one that
// doesn't: with synchronous=NORMAL SQLite loses what it had acknowledged.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		synchronous string
		loses       bool
	}{{"FULL", false}, {"NORMAL", true}} {
		t.Run(c.synchronous, func(t *testing.T) {
			// Enough for a checkpoint, which syncs the database file too.
			const commits = 3000
			file := filepath.Join(t.TempDir(), "data", "n.db")
			cutPower(t, file, c.synchronous, commits)
			db, err := openFile(file, "")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var n, last int
			err = db.QueryRow("SELECT count(*), coalesce(max(i), 0) FROM n").Scan(&n, &last)
			if lost := err != nil || last < commits; lost != c.loses {
				t.Errorf("%d acknowledged, %d there (%v), should lose some: %t", commits, last, err, c.loses)
			}
			if n != last {
				t.Errorf("%d rows up to %d", n, last)
			}
			if err := integrity(t.Context(), file); err != nil {
				t.Error(err)
			}
		})
	}
}

// cutPower runs the victim until it has said so many commits, and cuts.
func cutPower(t *testing.T, file, synchronous string, commits int) {
	data := filepath.Dir(file)
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := makePower(t.Context(), t.TempDir(), data)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.on(); err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), append(p.env(), victimFile+"="+file, victimLevel+"="+synchronous)...)
	cmd.Stderr = t.Output()
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for n := 0; n < commits && lines.Scan(); n++ {
	}
	kill()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the program ended by itself: %v", err)
	}
	if err := p.cut(); err != nil {
		t.Fatal(err)
	}
}
