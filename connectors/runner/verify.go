package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// The kinds of discrepancies between a source and what Workspace holds of it
// (row H053).
const (
	Missing   = "missing"   // the source has it, and Workspace doesn't hold it for the source
	Extra     = "extra"     // Workspace holds it for the source, which doesn't have it
	Attribute = "attribute" // attributes have other values
	Member    = "member"    // a group has other members
	Refused   = "refused"   // Workspace refuses what the source has
)

// Discrepancy is what of one object isn't the same in the source and in
// Workspace.
type Discrepancy struct {
	Kind   string          `json:"kind"`
	Object connectors.Kind `json:"object,omitempty"`
	Anchor string          `json:"anchor"`
	Name   string          `json:"name,omitempty"`
	// Attributes are those that differ.
	Attributes []Difference `json:"attributes,omitempty"`
	// MissingMembers are those that Workspace lacks, ExtraMembers those that the
	// source doesn't have.
	MissingMembers int    `json:"missingMembers,omitempty"`
	ExtraMembers   int    `json:"extraMembers,omitempty"`
	Detail         string `json:"detail,omitempty"` // why it is refused, or is extra
}

// Difference is an attribute with both values, as encoding/json has them; nil for
// none.
type Difference struct {
	Path      string `json:"path"`
	Workspace any    `json:"workspace"`
	Source    any    `json:"source"`
}

// Verification is how a source and Workspace compare.
type Verification struct {
	Run string // the id of the run, which holds the report as its plan
	// Agree and Differ count objects, Found the discrepancies by their kinds.
	Agree, Differ int64
	Found         map[string]int64
	// SHA256 is of the report, in hex; "" of an empty one.
	SHA256 string
}

// VerifyPartition is the partition whose lease a verification is under. It holds
// nothing up: whoever pulls has another one's.
const VerifyPartition = "verify"

// maxReport is how many bytes a report has at most; what is found after that is
// only counted.
const maxReport = 32 << 20

// Verify compares, object by object, what a source has with what Workspace holds:
// everything is read, and what a full pull would do is what differs ([Preview]).
// It is a run of kind verify under a lease of [VerifyPartition], and writes nothing
// else. The report has a JSON line for each discrepancy, in the order in which
// they are found; the server keeps it as the run's plan, and its hash in the log.
// Of config.Part only Of counts.
func Verify(ctx context.Context, config Config, lease scimclient.Lease, src connectors.Source) (v Verification, report []byte, err error) {
	control := config.Client.Under(lease, "")
	n, err := control.StartRun(ctx, config.Source, "verify")
	if err != nil {
		return v, nil, err
	}
	v.Run, v.Found = n.ID, map[string]int64{}
	if report, err = v.compare(ctx, config, src); err == nil && len(report) > 0 {
		n, err = control.SavePlan(ctx, v.Run, report)
		v.SHA256 = n.PlanHash
	}
	return v, report, errors.Join(err, v.end(ctx, control, err))
}

// compare reads everything and gives the report.
func (v *Verification) compare(ctx context.Context, config Config, src connectors.Source) ([]byte, error) {
	var report bytes.Buffer
	out := json.NewEncoder(&report)
	out.SetEscapeHTML(false)
	r, err := Preview(ctx, config, src, false, func(l Line) error {
		found := discrepancies(l)
		if len(found) > 0 {
			v.Differ++
		}
		for _, d := range found {
			v.Found[d.Kind]++
			if report.Len() > maxReport {
				continue
			}
			if err := out.Encode(d); err != nil {
				return err
			}
		}
		return nil
	})
	v.Agree = r.Counts.Unchanged
	return report.Bytes(), err
}

// end ends the run, unless the lease is lost: then it is somebody else's to end.
func (v *Verification) end(ctx context.Context, control *scimclient.Client, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	all := v.Agree + v.Differ
	state, detail := "succeeded", fmt.Sprintf("Compared %d objects: %d agree, %d differ.", all, v.Agree, v.Differ)
	if failure != nil {
		state, detail = "failed", failure.Error()
	}
	_, err := control.UpdateRun(ctx, v.Run, scimclient.RunChange{
		State: &state, Detail: &detail, Done: &all, Counts: &scimclient.Counts{Unchanged: v.Agree, Failed: v.Differ, Skipped: v.Found},
	})
	if failure != nil {
		return nil // what went wrong first is what is told
	}
	return err
}

// discrepancies are what a line of a preview says of an object: what a full pull
// would do is what isn't so yet.
func discrepancies(l Line) []Discrepancy {
	d := Discrepancy{Object: l.Kind, Anchor: l.Anchor, Name: l.Name}
	switch l.Verb {
	case "created", "linked", "revived", "held":
		d.Kind = Missing
	case "deleted":
		d.Kind, d.Detail = Extra, l.Why
	case "refused":
		d.Kind, d.Detail = Refused, l.Why
	case "updated", "enabled", "disabled":
		var all []Discrepancy
		if len(l.Fields) > 0 {
			a := d
			a.Kind = Attribute
			for _, f := range l.Fields {
				a.Attributes = append(a.Attributes, Difference{f.Path, f.Before, f.After})
			}
			all = append(all, a)
		}
		if l.Joining+l.Leaving > 0 {
			d.Kind, d.MissingMembers, d.ExtraMembers = Member, l.Joining, l.Leaving
			all = append(all, d)
		}
		return all
	default:
		return nil // what isn't brought, or in part
	}
	return []Discrepancy{d}
}
