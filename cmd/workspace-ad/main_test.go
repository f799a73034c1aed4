//go:build !windows

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
// what is unsafe (W021) or makes no sense, such as an interval below 30 s (W015),
// each with the way out.
func TestEnrol(t *testing.T) {
	app := apptest.Start(t)
	app.AddSource(store.SourceAD, "corp")
	ctx := context.Background()
	code := enrolmentCode(t, app, "corp")
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
	domain := []string{"--server", "ldaps://dc.invalid", "--account", "svc@contoso.com", "--password-file", filepath.Join(t.TempDir(), "password")}
	do(1, "enrol the agent first", append([]string{"run"}, domain...)...)
	do(1, "use https://", "enrol", code, "--url", "http://scim.contoso.com")
	do(0, "This is now the agent", "enrol", code, "--url", app.URL)
	do(1, "already", "enrol", code, "--url", app.URL)
	do(1, "shorter than 30s", append([]string{"run", "--interval", "1s"}, domain...)...)
	do(1, "Servers: 0 are named", "run")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("identity file %v %v", info, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	do(1, "chmod 600", append([]string{"once"}, domain...)...)
}

// The environment has a flag's name in capitals, with nothing else changed.
func TestAFlagIsFoundInTheEnvironmentByItsName(t *testing.T) {
	var cli CLI
	parser, err := newParser(&cli, os.Stdout, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range parser.Model.Flags {
		want := "WORKSPACE_AD_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if len(flag.Envs) > 0 && flag.Envs[0] != want {
			t.Errorf("--%s is %q, want %s", flag.Name, flag.Envs, want)
		}
	}
}

// enrolmentCode is a code for one agent of a source.
func enrolmentCode(t *testing.T, app *apptest.App, source string) string {
	t.Helper()
	ctx := context.Background()
	admin, err := app.Directory.Administrator(ctx, "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := app.Directory.SourceStates(ctx, admin, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		if s.Source.Name != source {
			continue
		}
		code, _, err := app.Directory.AddCode(ctx, admin, s.Source.PublicID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	t.Fatalf("no source %q", source)
	return ""
}
