package feed

import (
	"context"
	"fmt"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// typeRun is the type of signed statements about runs.
const typeRun = "workspace-run+jwt"

// statement is what a deployment says of a run, signed. It has no aud and no exp:
// it is kept, and read by whoever is shown it.
type statement struct {
	Issuer   string `json:"iss"` // the tenant's, as in the tokens of streams
	IssuedAt int64  `json:"iat"`
	Source   string `json:"source"` // the id of the run's source
	Run      any    `json:"run"`
}

// SignRun makes a signed statement about a run of a tenant (row H053): a JWT of the
// type workspace-run+jwt, verified by the keys that verify events. server is the URL
// of the server, shown is the run as it is shown: with the hash of its plan, which
// of a verification is the report.
func (f *Feed) SignRun(ctx context.Context, t store.Tenant, server string, source store.Source, shown any) (string, error) {
	token, err := f.keys.sign(ctx, typeRun, statement{directory.TenantIssuer(f.Server(server), t), f.dir.Now().Unix(), source.PublicID, shown})
	if err != nil {
		return "", fmt.Errorf("statement: %w", err)
	}
	return token, nil
}
