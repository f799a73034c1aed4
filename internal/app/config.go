package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// Database says where the data is. Every command of the program takes it.
type Database struct {
	// Database is sqlite:PATH or a URL postgres://…; relative paths are of the
	// working directory.
	Database string `placeholder:"URL" default:"sqlite:workspace.db" help:"Where the data is: sqlite:PATH or postgres://USER@HOST/NAME (default ${default})."`
	// DatabaseFile names a file that holds what Database would say, for a URL
	// with a password. It wins over Database.
	DatabaseFile string `type:"path" placeholder:"FILE" help:"File that holds the database URL, for one with a password; it wins over --database."`
}

// URL is the database's URL, read from the file if there is one.
func (d Database) URL() (string, error) {
	u := d.Database
	if d.DatabaseFile != "" {
		b, err := os.ReadFile(d.DatabaseFile)
		if err != nil {
			return "", fmt.Errorf("database-file: %w", err)
		}
		u = strings.TrimSpace(string(b))
	}
	if u == "" {
		return "", errors.New("database: empty")
	}
	return u, nil
}

// Config is how the server runs. Each field is a flag of `workspace serve`, an
// environment variable WORKSPACE_… and a key under serve: in the configuration
// file. The zero value is refused only where a field says so.
type Config struct {
	// Listen is the address to listen on, host:port; port 0 takes a free one.
	Listen string `placeholder:"HOST:PORT" default:"127.0.0.1:8080" help:"Address to listen on (default ${default})."`
	// BaseURL is how clients reach the server, scheme and host and at most a
	// path, without /scim/v2; links in answers begin with it. Empty: what the
	// request was sent to.
	BaseURL string `name:"base-url" placeholder:"URL" help:"How clients reach the server, e.g. https://scim.contoso.com; links begin with it. Default: what the request was sent to."`
	// TLSCert and TLSKey are PEM files; both or neither. With them the server
	// speaks TLS 1.2 and above only, and takes over changed files by itself.
	TLSCert string `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate chain (PEM); the server then speaks TLS only. A changed file is taken over by itself."`
	TLSKey  string `name:"tls-key" type:"path" placeholder:"FILE" help:"Private key (PEM) of the certificate."`
	// TrustedProxies are the networks (CIDR) of the proxies in front, whose
	// X-Forwarded-For and X-Forwarded-Proto are believed. Empty: nobody's are.
	TrustedProxies []string `name:"trusted-proxy" placeholder:"CIDR" help:"Network of a proxy in front whose X-Forwarded-For and X-Forwarded-Proto are believed; repeatable. Default: none."`
	// Rate is how many requests a second one source may send, 0 for the
	// default of 5000; beyond it the answer is 429 with Retry-After.
	Rate int `placeholder:"N" default:"5000" help:"Requests a second that one source may send; beyond it 429 (default ${default})."`
	// AccessTokenLife is how long an OAuth access token lives, 1 to 6 hours (what
	// Entra asks for); 0 for 1 hour.
	AccessTokenLife time.Duration `name:"access-token-life" placeholder:"DURATION" default:"1h" help:"How long an OAuth access token lives, 1h to 6h (default ${default})."`
	// MaxUpload is how large a file of people may be that is uploaded by the API, in
	// MiB; 0 for 1024. It lies in the temporary directory while it is accepted.
	MaxUpload int `name:"max-upload" placeholder:"MIB" default:"1024" help:"How many MiB a CSV file may have that is uploaded by the API (default ${default})."`
	// SecretKey is a file with 32 random bytes in base64, with which secrets that
	// have to be read again (keys that sign events, what pushes authorize
	// themselves with) are sealed in the database. Empty: they are stored as they
	// are. All servers of a database need the same.
	SecretKey string `name:"secret-key" type:"path" placeholder:"FILE" help:"File with 32 random bytes in base64; the keys that sign events and the secrets of pushes are sealed with it in the database. Default: they are stored as they are."`
	// PushNetworks are networks (CIDR) to which security events may be pushed
	// besides public addresses; PushHTTP allows endpoints without TLS.
	PushNetworks []string `name:"push-network" placeholder:"CIDR" help:"Network to which security events may be pushed besides public addresses, e.g. 10.0.0.0/8; repeatable. Default: none."`
	PushHTTP     bool     `name:"push-http" help:"Allow pushes of security events to endpoints without TLS."`
	// AD are files of connectors that bring Active Directory domains from inside
	// the server.
	AD []string `name:"ad" type:"path" placeholder:"FILE" help:"YAML file of a connector for Active Directory inside the server (docs/ad.md); repeatable."`
	Switches
	// FirstRun makes, on an empty database only, a tenant "default" with an
	// Entra source and a token, and prints what to do with them.
	FirstRun bool `help:"On an empty database make a tenant, an Entra source and a token, and print the next step."`
}

// Switches are the features that are on for the tenants that weren't told
// otherwise.
type Switches struct {
	// Features are names of features; none by default.
	Features []string `placeholder:"NAME" help:"Feature that is on for each tenant that wasn't told otherwise: groupReconciliation; repeatable. Default: none."`
}

func (s Switches) check() error {
	for _, name := range s.Features {
		if !slices.Contains(directory.FeatureNames(), name) {
			return fmt.Errorf("features: there is no feature %q", name)
		}
	}
	return nil
}

// defaults fills what the zero value means.
func (c Config) defaults() Config {
	if c.Rate == 0 {
		c.Rate = 5000
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = 1024
	}
	if c.AccessTokenLife == 0 {
		c.AccessTokenLife = time.Hour
	}
	return c
}

// pushNetworks gives the networks that pushes may reach besides public ones.
func (c Config) pushNetworks() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range c.PushNetworks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("push-network: %w", err)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// readSecretKey gives the secret key, nil for none.
func (c Config) readSecretKey() ([]byte, error) {
	if c.SecretKey == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.SecretKey)
	if err != nil {
		return nil, fmt.Errorf("secret-key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != directory.SecretKeyLength {
		// The error would quote the file.
		return nil, fmt.Errorf("secret-key: %s doesn't hold %d bytes in base64", c.SecretKey, directory.SecretKeyLength)
	}
	return key, nil
}

// check names the field that is wrong.
func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("tls-cert and tls-key: give both or neither")
	}
	if c.BaseURL != "" {
		u, err := url.Parse(c.BaseURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return fmt.Errorf("base-url: %q is no URL of a server", c.BaseURL)
		}
	}
	for _, p := range c.TrustedProxies {
		if _, _, err := net.ParseCIDR(p); err != nil {
			return fmt.Errorf("trusted-proxy: %w", err)
		}
	}
	if _, err := c.pushNetworks(); err != nil {
		return err
	}
	if err := c.Switches.check(); err != nil {
		return err
	}
	if c.Rate < 1 {
		return fmt.Errorf("rate: %d is less than 1", c.Rate)
	}
	if c.MaxUpload < 1 || c.MaxUpload > 1<<20 {
		return fmt.Errorf("max-upload: %d is not within 1 and 1048576", c.MaxUpload)
	}
	if c.AccessTokenLife < time.Hour || c.AccessTokenLife > 6*time.Hour {
		return fmt.Errorf("access-token-life: %s is not within 1h to 6h", c.AccessTokenLife)
	}
	return nil
}
