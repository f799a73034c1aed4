package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// installed writes what an enrolled agent has into a directory and gives the
// names of its identity and its configuration file.
func installed(t *testing.T) (identity, config string) {
	t.Helper()
	dir := t.TempDir()
	identity, config = filepath.Join(dir, "identity.json"), filepath.Join(dir, "agent.yaml")
	if err := (agent.Identity{URL: "https://scim.contoso.com", Agent: "a", Source: "s", Token: "ws_g1"}).Save(identity); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		config: "server: [ldaps://dc1, ldaps://dc2]\npassword-file: password\n", filepath.Join(dir, "password"): "secret\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return identity, config
}

// The service does what this command line, its environment and the file say, in
// whatever directory it is started.
func TestE086TheServiceDoesWhatTheFlagsSay(t *testing.T) {
	identity, config := installed(t)
	t.Chdir(filepath.Dir(identity))
	t.Setenv("WORKSPACE_AD_SERVER_NAME", "dc.contoso.com")
	var cli CLI
	parser, err := newParser(&cli, os.Stdout, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse([]string{"--log-format", "json", "--config", "agent.yaml", "install", "--account", `CONTOSO\s%v$c "x"`, "--tracking", "usnChanged"})
	if err != nil {
		t.Fatal(err)
	}
	arguments, err := serviceArguments(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	if err := os.Unsetenv("WORKSPACE_AD_SERVER_NAME"); err != nil {
		t.Fatal(err)
	}
	var again CLI
	if parser, err = newParser(&again, os.Stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
	if command, err = parser.Parse(arguments); err != nil || command.Command() != "run" {
		t.Fatalf("%q: %v", arguments, err)
	}
	if !reflect.DeepEqual(again.Domain, cli.Domain) || again.Identity != identity || string(again.Config) != config || again.Logging != cli.Logging {
		t.Errorf("%q make\n%+v, want\n%+v", arguments, again, cli)
	}
	if strings.Contains(strings.Join(arguments, " "), "dc1") {
		t.Errorf("%q repeat what is in the file", arguments)
	}
	text, err := unit("/opt/work space/workspace-ad", arguments, "svc")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`ExecStart="/opt/work space/workspace-ad" "run" "--config=` + config + `" "--log-format=json"`, `"--account=CONTOSO\\s%%v$$c \"x\""`,
		"\nUser=svc\n", "\nRestart=always\n", "\nNoNewPrivileges=yes\n", "\nProtectSystem=strict\n", "\nPrivateTmp=yes\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	if _, err := unit("/x", []string{"run\nUser=root"}, "svc"); err == nil {
		t.Error("a line break in an argument is taken")
	}
}

// What the service would fail at is said when it is installed, and by whoever
// has no systemd.
func TestInstallRefusesWhatCouldNotRun(t *testing.T) {
	identity, config := installed(t)
	do := func(status int, says string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if got := run(context.Background(), append([]string{"--identity", identity}, args...), &out, &out); got != status || !strings.Contains(out.String(), says) {
			t.Errorf("%v: %d %s, want %d and %q", args, got, &out, status, says)
		}
	}
	with := []string{"--config", config, "--account", "svc@contoso.com", "--print"}
	do(0, "[Service]", append([]string{"install"}, with...)...)
	do(1, "chown nobody", append([]string{"install", "--user", "nobody"}, with...)...)
	do(1, "password-file", append([]string{"install", "--password-file", "/no/such/file"}, with...)...)
	do(1, "ldap-ca", append([]string{"install", "--ldap-ca", "/no/such/file"}, with...)...)
	ticket := []string{"install", "--server", "ldaps://dc1.contoso.com", "--account", "svc@contoso.com", "--bind", "kerberos", "--print"}
	do(0, "[Service]", append(ticket, "--keytab", identity)...)
	do(1, "keytab:", append(ticket, "--keytab", "/no/such/file")...)
	do(1, "kerberos-conf:", append(ticket, "--keytab", identity, "--kerberos-conf", "/no/such/file")...)
	do(1, "Account: none", "install", "--config", config, "--print")
	if _, err := os.Stat("/run/systemd/system"); errors.Is(err, fs.ErrNotExist) {
		do(1, "there is no systemd here", append([]string{"install"}, with[:4]...)...)
		do(1, "there is no systemd here", "start")
	}
}

// E016, W017, W018, E002: the agent is one static binary. It works in the
// foreground, says what it does on standard output, listens nowhere and is
// connected to its server alone; told to end by SIGTERM or Ctrl-C, it ends in
// order within 10 s, though its domain controller doesn't answer. W020: once it
// says that its server is on the same machine, here and there.
func TestE016OneStaticBinaryEndsWhenItIsTold(t *testing.T) {
	binary := built(t)
	program, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("it asks for a loader")
		}
	}
	app := apptest.Start(t)
	app.AddSource(store.SourceAD, "corp")
	_, config := installed(t)
	identity := filepath.Join(t.TempDir(), "identity.json")
	var out bytes.Buffer // read when the process has ended
	start := func(args ...string) *exec.Cmd {
		t.Helper()
		out.Reset()
		c := exec.Command(binary, append([]string{"--identity", identity}, args...)...)
		c.Stdout, c.Stderr = &out, os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := start("enrol", enrolmentCode(t, app, "corp"), "--url", app.URL).Wait(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		began := time.Now()
		working := start("run", "--config", config, "--account", "svc@contoso.com", "--server", "ldaps://127.0.0.1:1")
		defer func() { _ = working.Process.Kill() }() // it may have ended
		if a := heard(t, app, began); !a.CoLocated {
			t.Errorf("it isn't said to be on the server's machine: %+v", a)
		}
		listening, connected := sockets(t, working.Process.Pid)
		if server := remote(t, app.URL); len(listening) > 0 || len(connected) == 0 || slices.ContainsFunc(connected, func(a string) bool { return a != server }) {
			t.Errorf("it listens at %q and is connected to %q, its server is %s", listening, connected, server)
		}
		if err := working.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(10*time.Second, func() { _ = working.Process.Kill() })
		if err := working.Wait(); err != nil {
			t.Errorf("told to end by %v: %v", end, err)
		}
		late.Stop()
		if n := strings.Count(out.String(), "code=coLocated"); n != 1 {
			t.Errorf("it says %d times that it is on the server's machine:\n%s", n, &out)
		}
	}
}

// heard waits for a heartbeat of the only agent, and gives what the server knows
// of it.
func heard(t *testing.T, app *apptest.App, since time.Time) store.Agent {
	t.Helper()
	admin, err := app.Directory.Administrator(t.Context(), "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		agents, err := app.Directory.Agents(t.Context(), admin, "", 10)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v %v", agents, err)
		}
		if len(agents) == 1 && agents[0].SeenAt.After(since) {
			return agents[0]
		}
	}
}
