package app

import (
	"fmt"

	"github.com/workspace-scim/workspace/connectors/ad/adconfig"
	"github.com/workspace-scim/workspace/internal/cliconfig"
	"github.com/workspace-scim/workspace/internal/embedded"
	"github.com/workspace-scim/workspace/store"
)

// adFile is a configuration file of a connector inside the server: an agent's,
// with the names of tenant and source in place of an identity.
type adFile struct {
	Tenant string `required:"" placeholder:"SLUG"`
	Source string `required:"" placeholder:"NAME"`
	adconfig.Domain
}

// readAD reads the files of Config.AD.
func (c Config) readAD() ([]adFile, error) {
	all := make([]adFile, len(c.AD))
	for i, name := range c.AD {
		if err := cliconfig.Read(name, &all[i]); err != nil {
			return nil, fmt.Errorf("ad: %w", err)
		}
		if err := all[i].Check(); err != nil {
			return nil, fmt.Errorf("ad: %s: %w", name, err)
		}
	}
	return all, nil
}

// embed makes the connectors of the server, once its handler is there.
func (s *Server) embed(files []adFile, o Options) {
	for _, f := range files {
		e := embedded.Options{
			Directory: s.directory, Handler: s.http.Handler, Tenant: f.Tenant, Source: f.Source, Kind: store.SourceAD,
			New: f.Domain.Source, Interval: f.Interval, Version: o.Version, Log: s.log,
		}
		if o.Clock != nil {
			e.Now = o.Clock.Now
		}
		s.connectors = append(s.connectors, embedded.New(e))
	}
}
