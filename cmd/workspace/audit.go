package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/progressbar"
)

// AuditCmd holds the log against its seals.
type AuditCmd struct {
	Verify AuditVerifyCmd `cmd:"" help:"Work the seals of the log out again; what isn't as it was sealed is printed, and the exit status is 1."`
	Head   AuditHeadCmd   `cmd:"" help:"Print the last seal of the log, to be kept elsewhere."`
}

// AuditVerifyCmd verifies the log of one tenant.
type AuditVerifyCmd struct {
	Tenant string   `required:"" placeholder:"SLUG" help:"The tenant."`
	Head   []string `placeholder:"SEQ:SHA256" help:"A head that was kept elsewhere; may be repeated."`
}

// Run fulfils kong.
func (c *AuditVerifyCmd) Run(p *program) error {
	var heads []directory.LogHead
	for _, text := range c.Head {
		h, err := parseHead(text)
		if err != nil {
			return err
		}
		heads = append(heads, h)
	}
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		tell := func(progressbar.Progress) {}
		if bar := progressbar.New(p.stderr); bar != nil {
			tell = bar.Tell
		}
		r, err := d.VerifyLog(p.ctx, a, heads, func(events int64) { tell(progressbar.Progress{Phase: "reading", Done: events, Unit: "events"}) })
		tell(progressbar.Progress{})
		if err != nil {
			return err
		}
		for _, f := range r.Faults {
			fmt.Fprintf(p.stdout, "Events after %d up to %d: %s\n", f.After, f.UpTo, f.Detail)
		}
		fmt.Fprintf(p.stderr, "%d events under %d seals were read; %d events came since. The last seal is %d:%x.\n", r.Events, r.Seals, r.Unsealed, r.Last.Seq, r.Last.Hash)
		if len(r.Faults) > 0 {
			return fmt.Errorf("the log isn't what was sealed, in %d places", len(r.Faults))
		}
		return nil
	})
}

// parseHead reads what AuditHeadCmd prints.
func parseHead(text string) (h directory.LogHead, err error) {
	seq, sum, _ := strings.Cut(text, ":")
	h.Seq, err = strconv.ParseInt(seq, 10, 64)
	if err == nil {
		h.Hash, err = hex.DecodeString(sum)
	}
	if err != nil || h.Seq <= 0 || len(h.Hash) != sha256.Size {
		return h, fmt.Errorf("%q is no head such as workspace audit head prints: SEQ:SHA256", text)
	}
	return h, nil
}

// AuditHeadCmd prints the head of one tenant's log.
type AuditHeadCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *AuditHeadCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		s, err := d.SealedHead(p.ctx, a)
		if err != nil {
			return err
		}
		if s.Seq == 0 {
			return fmt.Errorf("nothing is sealed yet: a server seals the log some seconds after something came")
		}
		fmt.Fprintf(p.stdout, "%d:%x\n", s.Seq, s.Hash)
		return nil
	})
}
