package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/connectors/runner"
)

// VerifyCmd compares the directory with what the server holds.
type VerifyCmd struct {
	Report string `type:"path" placeholder:"FILE" help:"File for the report, which must not exist; standard output if it isn't named."`
}

// Run fulfils kong: a JSON line for each discrepancy. It is an error if there is
// one.
func (c *VerifyCmd) Run(p *program) (err error) {
	a, err := p.agent()
	if err != nil {
		return err
	}
	to := p.stdout
	if c.Report != "" {
		f, err := os.OpenFile(c.Report, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = f
	}
	v, report, err := a.Verify(p.ctx)
	if err != nil {
		return err
	}
	if _, err := to.Write(report); err != nil {
		return err
	}
	p.log.Info("verified", "run", v.Run, "agree", v.Agree, "differ", v.Differ, "found", counted(v), "sha256", v.SHA256)
	if v.Differ > 0 {
		return fmt.Errorf("the directory and Workspace differ: %s", counted(v))
	}
	return nil
}

// counted names discrepancies by their kinds.
func counted(v runner.Verification) string {
	if len(v.Found) == 0 {
		return "no discrepancy"
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(v.Found)) {
		all = append(all, fmt.Sprintf("%d %s", v.Found[kind], kind))
	}
	return strings.Join(all, ", ")
}
