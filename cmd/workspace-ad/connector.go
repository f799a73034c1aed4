package main

import (
	"encoding/json"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// Directory says where the domain is, and as whom it is read. It is all that
// the server doesn't know: what is brought is in the source's configuration.
type Directory struct {
	Server         []string `name:"server" required:"" placeholder:"URL" help:"A domain controller, ldaps://HOST, or ldap://HOST with StartTLS; several in order of preference."`
	ServerName     string   `placeholder:"NAME" help:"Name that the controllers' certificates have, if not their own."`
	LDAPCA         string   `name:"ldap-ca" type:"path" placeholder:"FILE" help:"PEM file with the only certificates that the controllers' may be signed by."`
	Account        string   `required:"" placeholder:"NAME" help:"Account to read as: name@domain, DOMAIN\\name, or a DN."`
	PasswordFile   string   `required:"" type:"path" placeholder:"FILE" help:"File with the account's password; read at each bind."`
	ObjectSecurity bool     `help:"Without the right Replicating Directory Changes: weaker, see docs/ad.md."`
}

func (d Directory) config() dirsync.Config {
	c := dirsync.Config{
		Servers: d.Server, ServerName: d.ServerName, CAFile: d.LDAPCA, Account: d.Account, PasswordFile: d.PasswordFile,
	}
	if d.ObjectSecurity {
		c.Mode = dirsync.ModeObjectSecurity
	}
	return c
}

// source makes the connector of the agent for a configuration.
func (d Directory) source(configuration json.RawMessage) (connectors.Source, error) {
	document, err := ad.ParseDocument(configuration)
	if err != nil {
		return nil, err
	}
	source, err := ad.New(ad.Config{Directory: d.config(), Document: document})
	if err != nil {
		return nil, err // not a nil *ad.Source in an interface
	}
	return source, nil
}
