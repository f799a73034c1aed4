package main

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/runner"
)

// What the directory holds can't speak to the terminal, and a long value is cut.
func TestALineIsPlainText(t *testing.T) {
	got := describe(runner.Line{
		Verb: "updated", Kind: connectors.User, Name: "Zoë \x1b[31m\u202eeve\n", Joining: 2, Leaving: 1,
		Fields: []runner.Field{{Path: "title", After: "A"}, {Path: "note", Before: strings.Repeat("ü", 200)}},
	})
	want := "updated  User   Zoë  [31m eve   title none -> \"A\", note \"" + strings.Repeat("ü", 79) + "… -> none, members +2, members -1"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := describe(runner.Line{Verb: "deleted", Anchor: "6f1c", Why: "absent"}); got != "deleted  object 6f1c  absent" {
		t.Errorf("%q", got)
	}
}
