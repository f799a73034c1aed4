package main

import (
	"github.com/workspace-scim/workspace/internal/app"
)

// ServeCmd runs the server until SIGTERM or an interrupt.
type ServeCmd struct {
	app.Config
}

// Run fulfils kong.
func (c *ServeCmd) Run(p *program) error {
	s, err := app.New(p.ctx, p.database, c.Config, app.Options{
		Version: buildVersion(), Logger: p.log, Out: p.stdout,
	})
	if err != nil {
		return err
	}
	return s.Run(p.ctx)
}
