package adtest

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os/exec"
)

//go:embed load.py
var loadScript string

// Load adds and modifies objects as the LDIF says (RFC 2849; a record without a
// changetype is added), all of them or none, as the system and past the
// controller, which may run or not. It is for many objects at once: a user takes
// some 4 ms of processor time, a third of what one takes over LDAP.
func (d *DC) Load(ctx context.Context, ldif io.Reader) error {
	load := exec.CommandContext(ctx, python, "-c", loadScript, configFile(d.dir))
	load.Stdin = ldif
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("adtest: loading: %w\n%s", err, tail(out))
	}
	return nil
}
