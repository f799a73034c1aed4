package cliconfig_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/workspace-scim/workspace/internal/cliconfig"
)

type flags struct {
	Server   []string
	Key      string        `type:"path"`
	More     []string      `type:"path"`
	Interval time.Duration `default:"60s"`
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestPathsInAFileAreOfItsDirectory holds for a file that is read alone and for
// one that a flag names; a flag's own path is of the working directory.
func TestPathsInAFileAreOfItsDirectory(t *testing.T) {
	name := write(t, "server: [ldaps://a, ldaps://b]\nkey: secret\nmore: [x, /y]\n")
	dir := filepath.Dir(name)
	var alone flags
	if err := cliconfig.Read(name, &alone); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone.Server, []string{"ldaps://a", "ldaps://b"}) || alone.Key != filepath.Join(dir, "secret") ||
		!slices.Equal(alone.More, []string{filepath.Join(dir, "x"), "/y"}) || alone.Interval != time.Minute {
		t.Errorf("%+v", alone)
	}
	var program struct {
		Config cliconfig.File `type:"path"`
		flags
	}
	parser, err := kong.New(&program)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"--config", name, "--more", "z"}); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("z")
	if err != nil {
		t.Fatal(err)
	}
	if program.Key != alone.Key || !slices.Equal(program.More, []string{here}) {
		t.Errorf("%+v", program)
	}
}

func TestFilesThatMakeNoSenseAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"serverr: [x]":   `there is no setting "serverr"`,
		"server: [":      "config",
		"interval: soon": "interval",
		"key: x\n" + strings.Repeat("# a comment\n", 1<<17): "more than 1 MiB",
	} {
		if err := cliconfig.Read(write(t, text), new(flags)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v, want %q", text, err, says)
		}
	}
	if err := cliconfig.Read(filepath.Join(t.TempDir(), "none.yaml"), new(flags)); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Error(err)
	}
}
