package directory

import (
	"encoding/json"
	"fmt"

	"github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// tellMode says that a source isn't active, if it isn't.
func (e *explainer) tellMode(s store.Source) {
	code := map[store.Mode]string{store.ModeDisabled: "sourceDisabled", store.ModeStaging: "sourceStaging"}[s.Mode]
	if code != "" {
		e.add(StepImport, code, fmt.Sprintf("The source %s is in the mode %s: nothing that it brings now is written.", s.Name, s.Mode), "Activate it.", "source", s.Name)
	}
}

// tellScope shows what the source's configuration says of its scope, and how the
// last run went.
func (e *explainer) tellScope(s store.Source) error {
	state, err := stateOf(e.r, s)
	if err != nil {
		return err
	}
	if c := state.Configuration; c != nil {
		var doc struct{ Scope json.RawMessage }
		if err := json.Unmarshal(c.Document, &doc); err == nil && doc.Scope != nil {
			e.add(StepImport, "scope", fmt.Sprintf("Version %d of the configuration of %s limits what is brought.", c.Version, s.Name), "", "source", s.Name, "scope", doc.Scope)
		}
	}
	if n := state.LastRun; n != nil {
		e.add(StepImport, "lastRun", fmt.Sprintf("The last run of %s, a %s one, is %s.", s.Name, n.Kind, n.State), "", "source", s.Name, "run", n.PublicID, "state", string(n.State), "startedAt", n.StartedAt, "detail", n.Detail)
	}
	return nil
}

// tellMapping shows what the configuration of a source that is pulled makes of
// the attribute. A configuration without a mapping leaves it to the connector's
// own.
func (e *explainer) tellMapping() error {
	for _, p := range e.parties {
		c, err := e.r.Configuration(p.source.ID, 0)
		if err := ignoreNotFound(err); err != nil {
			return err
		}
		var doc struct {
			Mapping struct{ Users, Groups []json.RawMessage }
		}
		if c.Document == nil || p.link.State != store.Linked || json.Unmarshal(c.Document, &doc) != nil {
			continue
		}
		all := doc.Mapping.Users
		if e.t.Kind == schema.Group {
			all = doc.Mapping.Groups
		}
		if all == nil {
			continue
		}
		var made []json.RawMessage
		for _, m := range all {
			if e.fills(m) {
				made = append(made, m)
			}
		}
		if made == nil {
			e.add(StepImport, "unmapped", fmt.Sprintf("Version %d of the configuration of %s maps nothing to it, so it isn't brought.", c.Version, p.source.Name), "Add it to the mapping.", "source", p.source.Name)
			continue
		}
		e.add(StepImport, "mapped", fmt.Sprintf("Version %d of the configuration of %s says what it is made of.", c.Version, p.source.Name), "", "source", p.source.Name, "mapping", made)
	}
	return nil
}

// fills says whether an entry of a mapping is about the attribute that is asked
// about, or a part of it.
func (e *explainer) fills(entry json.RawMessage) bool {
	var m struct{ Target string }
	if json.Unmarshal(entry, &m) != nil {
		return false
	}
	path, err := filter.ParseAttrPath([]byte(m.Target))
	if err != nil {
		return false
	}
	a := e.t.Find(path)
	return a != nil && !a.Extension && a.Top() == e.attr.Top()
}
