package directory

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/workspace-scim/workspace/store"
)

// The bounds of what a support bundle holds of verifications.
const (
	bundleReport        = 4 << 20 // bytes that are read of a verification's report
	bundleDiscrepancies = 5000    // of a verification
)

// discrepancies are those of the newest verifications of each source that found
// any, one by the server and one by a connector, without the values.
func (b *bundle) discrepancies() error {
	out := map[string][]map[string]any{}
	for _, s := range b.sources {
		var all []store.Run
		if err := b.look(func(r store.Reader) (err error) {
			all, err = r.Runs(store.RunQuery{Tenant: s.Tenant, Source: s.ID, Limit: bundleRuns})
			return err
		}); err != nil {
			return err
		}
		seen := map[bool]bool{}
		for _, n := range all {
			byConnector := n.Token != 0
			if n.Kind != verifyKind || n.PlanHash == nil || seen[byConnector] {
				continue
			}
			seen[byConnector] = true
			list, err := b.report(n)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				out[n.PublicID] = list
			}
		}
	}
	return b.file("discrepancies.json", out)
}

// report reads the first discrepancies of a verification. A report that is too old
// to be kept has none.
func (b *bundle) report(n store.Run) ([]map[string]any, error) {
	var text []byte
	err := b.d.Plan(b.ctx, b.actor, n.PublicID, func(_ store.Run, part []byte) error {
		if text = append(text, part...); len(text) > bundleReport {
			return errEnough
		}
		return nil
	})
	if err = ignoreNotFound(err); err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	var out []map[string]any
	for line := range bytes.Lines(text) {
		if len(out) == bundleDiscrepancies || !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		out = append(out, withoutValues(line))
	}
	return out, nil
}

// reportWords are the fields of discrepancies that name what is about whom, in the
// reports of the server and of connectors; all others hold values.
var reportWords = []string{"kind", "source", "subject", "object", "anchor", "attribute"}

// withoutValues gives a line of a verification's report: what differs, of which
// object, and how many members, but no value.
func withoutValues(line []byte) map[string]any {
	var x map[string]any
	out := map[string]any{}
	if json.Unmarshal(line, &x) != nil {
		return out
	}
	for _, key := range reportWords {
		if s, ok := x[key].(string); ok {
			out[key] = ours(s)
		}
	}
	for _, key := range []string{"missingMembers", "extraMembers"} {
		if n, ok := x[key].(float64); ok {
			out[key] = n
		}
	}
	if all, ok := x["attributes"].([]any); ok {
		var paths []string
		for _, a := range all {
			a, _ := a.(map[string]any)
			path, _ := a["path"].(string)
			paths = append(paths, ours(path))
		}
		out["attributes"] = paths
	}
	return out
}
