package main

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// W020: the list of agents says which of them are on the server's machine.
func TestW020TheListNamesAgentsOnTheServersMachine(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		s := serve(t, database, "--first-run")
		workspace := func(args ...string) string {
			t.Helper()
			out, err := exec.Command("workspace", append(args, "--database", database, "--tenant", "default")...).Output()
			if err != nil {
				t.Fatalf("workspace %v: %v", args, err)
			}
			return strings.TrimSpace(string(out))
		}
		workspace("source", "add", "--kind", "ad", "--name", "corp")
		url := strings.TrimSuffix(s.scim, "/scim/v2")
		beat := func(name string, coLocated bool) {
			t.Helper()
			c, err := scimclient.New(scimclient.Config{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			id, err := c.Enrol(t.Context(), workspace("agent", "code", "--source", "corp"), name)
			if err != nil {
				t.Fatal(err)
			}
			c, err = scimclient.New(scimclient.Config{URL: url, Token: func() string { return id.Token }, Transport: http.DefaultTransport})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Beat(t.Context(), id.Agent, scimclient.Heartbeat{State: "idle", CoLocated: coLocated}); err != nil {
				t.Fatal(err)
			}
		}
		beat("near", true)
		beat("far", false)
		lines := strings.Split(workspace("agent", "list"), "\n")
		if !strings.HasSuffix(lines[0], " NOTE") || len(lines) != 3 {
			t.Fatalf("%q", lines)
		}
		for _, line := range lines[1:] {
			if near := strings.Contains(line, " near "); near != strings.HasSuffix(line, " coLocated") {
				t.Errorf("%s", line)
			}
		}
	})
}
