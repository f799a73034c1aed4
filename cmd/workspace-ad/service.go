package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"

	"github.com/alecthomas/kong"
	"github.com/kardianos/service"

	"github.com/workspace-scim/workspace/connectors/ad/adconfig"
)

// ServiceName says which service is meant.
type ServiceName struct {
	Service string `default:"workspace-ad" placeholder:"NAME" help:"Name of the service, where a machine has several agents (default ${default})."`
}

// InstallCmd makes a service of the agent and starts it.
type InstallCmd struct {
	ServiceName
	User  string `placeholder:"NAME" help:"Account that the service runs as. Default: on Linux the owner of the identity file, on Windows the service's own virtual account."`
	Start bool   `default:"true" negatable:"" help:"Start it at once (default)."`
	Print bool   `help:"Print the systemd unit and install nothing."`
}

// StartCmd starts the service.
type StartCmd struct{ ServiceName }

// StopCmd stops the service.
type StopCmd struct{ ServiceName }

// UninstallCmd stops the service and takes it away.
type UninstallCmd struct{ ServiceName }

// Run fulfils kong. What the service would fail at is said here, and nothing is
// installed then.
func (c *InstallCmd) Run(p *program, k *kong.Context) error {
	if _, err := p.agent(); err != nil {
		return err
	}
	if err := filesExist(p.cli.Domain); err != nil {
		return err
	}
	user, err := serviceUser(c.User, c.Service, p.cli.Identity)
	if err != nil {
		return err
	}
	arguments, err := serviceArguments(k)
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := unit(executable, arguments, user)
	if err != nil {
		return err
	}
	if c.Print {
		_, err := fmt.Fprint(p.stdout, text)
		return err
	}
	s, err := c.control(nil, &service.Config{
		UserName: user, Executable: executable, Arguments: arguments,
		Option: service.KeyValue{"SystemdScript": text, "OnFailure": "restart", "OnFailureDelayDuration": "5s", "DelayedAutoStart": true},
	})
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	fmt.Fprintf(p.stdout, "The service %s is installed and runs as %s.\n", c.Service, user)
	if !c.Start {
		return nil
	}
	return s.Start()
}

// filesExist looks for the files that are opened at each bind only.
func filesExist(d adconfig.Domain) error {
	for _, f := range []struct{ flag, name string }{
		{"password-file", d.PasswordFile}, {"keytab", d.Keytab}, {"ldap-ca", d.LDAPCA}, {"kerberos-conf", d.KerberosConf},
	} {
		if f.name == "" {
			continue
		}
		if _, err := os.Stat(f.name); err != nil {
			return fmt.Errorf("%s: %w", f.flag, err)
		}
	}
	return nil
}

// Run fulfils kong.
func (c *StartCmd) Run(*program) error { return c.do(service.Service.Start) }

// Run fulfils kong.
func (c *StopCmd) Run(*program) error { return c.do(service.Service.Stop) }

// Run fulfils kong. A service that doesn't run is taken away all the same.
func (c *UninstallCmd) Run(*program) error {
	return c.do(func(s service.Service) error {
		if status, err := s.Status(); err == nil && status == service.StatusRunning {
			if err := s.Stop(); err != nil {
				return err
			}
		}
		return s.Uninstall()
	})
}

func (n ServiceName) do(what func(service.Service) error) error {
	s, err := n.control(nil, &service.Config{})
	if err != nil {
		return err
	}
	return what(s)
}

// errNoSystemd tells who has no systemd what to do.
var errNoSystemd = errors.New("there is no systemd here: let the supervisor that you have run workspace-ad run with the same flags (workspace-ad install --print shows a unit for systemd)")

// control gives the service as the system's manager has it.
func (n ServiceName) control(i service.Interface, c *service.Config) (service.Service, error) {
	c.Name, c.DisplayName, c.Description = n.Service, n.Service, "Workspace agent for Active Directory"
	s, err := service.New(i, c)
	switch {
	case runtime.GOOS != "linux" && runtime.GOOS != "windows":
		return nil, errors.New("a service can be made on Linux and Windows only: let the supervisor that you have run workspace-ad run")
	case errors.Is(err, service.ErrNoServiceSystemDetected), err == nil && runtime.GOOS == "linux" && s.Platform() != "linux-systemd":
		return nil, errNoSystemd
	}
	return s, err
}

// serviceUser is the account that the service runs as: one that may read the
// identity file.
func serviceUser(wanted, name, identity string) (string, error) {
	if runtime.GOOS == "windows" {
		if wanted == "" {
			wanted = `NT SERVICE\` + name // Windows makes it with the service, without a password
		}
		return wanted, nil
	}
	owner, err := ownerOf(identity)
	if err != nil {
		return "", err
	}
	if wanted != "" && wanted != owner {
		return "", fmt.Errorf("the identity file %s is %s's, so that %s can't read it: chown %s %s", identity, owner, wanted, wanted, identity)
	}
	return owner, nil
}

// serviceArguments are the arguments by which the service does what the flags
// of this command line, and of its environment, say. Paths are absolute. What
// the configuration file says stays with the file.
func serviceArguments(k *kong.Context) ([]string, error) {
	given, inFile := map[*kong.Flag]bool{}, map[*kong.Flag]bool{}
	for _, at := range k.Path {
		if at.Flag != nil {
			given[at.Flag], inFile[at.Flag] = !at.Resolved, at.Resolved
		}
	}
	out := []string{"run"}
	for _, flag := range k.Model.Flags {
		for _, env := range flag.Envs {
			if _, ok := os.LookupEnv(env); ok {
				given[flag] = true
			}
		}
		switch value := flag.Target; {
		case flag.Name == "help", inFile[flag], !given[flag] && flag.Name != "identity":
		case value.Kind() == reflect.Bool:
			out = append(out, fmt.Sprintf("--%s=%t", flag.Name, value.Bool()))
		case value.Kind() == reflect.Slice:
			for i := range value.Len() {
				out = append(out, fmt.Sprintf("--%s=%v", flag.Name, value.Index(i)))
			}
		case flag.Tag.Type == "path":
			path, err := filepath.Abs(value.String())
			if err != nil {
				return nil, err
			}
			out = append(out, "--"+flag.Name+"="+path)
		default:
			out = append(out, fmt.Sprintf("--%s=%v", flag.Name, value))
		}
	}
	return out, nil
}
