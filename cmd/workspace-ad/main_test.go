package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// TestEnrol makes an identity file that only its owner can read, and refuses
// what is unsafe or makes no sense, each with the way out.
func TestEnrol(t *testing.T) {
	app := apptest.Start(t)
	app.AddSource(store.SourceAD, "corp")
	ctx := context.Background()
	admin, err := app.Directory.Administrator(ctx, "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := app.Directory.SourceStates(ctx, admin, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, s := range sources {
		if s.Source.Name == "corp" {
			id = s.Source.PublicID
		}
	}
	code, _, err := app.Directory.AddCode(ctx, admin, id, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "identity.json")
	do := func(status int, says string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if got := run(ctx, append([]string{"--identity", file}, args...), &out, &out); got != status || !strings.Contains(out.String(), says) {
			t.Errorf("%v: %d %s, want %d and %q", args, got, &out, status, says)
		}
		if strings.Contains(out.String(), code) {
			t.Errorf("%v prints the code", args)
		}
	}
	do(1, "enrol the agent first", "run")
	do(1, "use https://", "enrol", code, "--url", "http://scim.contoso.com")
	do(0, "This is now the agent", "enrol", code, "--url", app.URL)
	do(1, "already", "enrol", code, "--url", app.URL)
	do(1, "shorter than 30 s", "run", "--interval", "1s")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("identity file %v %v", info, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	do(1, "chmod 600", "once")
}
