package csvupload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"gopkg.in/yaml.v3"
)

// The codes of files of which no row is read, besides those of csvrecords.
const (
	codeColumn  = "unknownColumn"  // a column is no attribute that can be written
	codeMapping = "invalidMapping" // the rules can't be used
)

// ParseRules reads rules of internal/mapping from YAML or JSON. What is wrong with
// them is a *directory.Violation.
func ParseRules(document []byte) (mapping.Rules, error) {
	if len(document) > mapping.MaxRules {
		return mapping.Rules{}, refusedRules(fmt.Errorf("they have more than %d bytes", mapping.MaxRules))
	}
	var node yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(document))
	if err := dec.Decode(&node); err != nil {
		return mapping.Rules{}, refusedRules(err)
	}
	if repeats(&node) {
		return mapping.Rules{}, refusedRules(errors.New("they use an alias (*name), which could make them any size; write it out"))
	}
	var v map[string]any
	if err := node.Decode(&v); err != nil {
		return mapping.Rules{}, refusedRules(err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return mapping.Rules{}, refusedRules(errors.New("something follows the first document"))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return mapping.Rules{}, refusedRules(err)
	}
	r, err := mapping.Parse(text)
	if err != nil {
		return r, refusedRules(err)
	}
	return r, nil
}

// repeats says whether a document has an alias.
func repeats(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, repeats)
}

func refusedRules(err error) error {
	return &directory.Violation{Rule: codeMapping, Detail: "The rules can't be used: " + strings.ReplaceAll(err.Error(), "\n", "; ") + ".", Way: "See docs/mapping.md."}
}

// ownRules says whether a source has rules of its own. Others can't be given with a
// file then: they would work on what the source's own are for.
func ownRules(ctx context.Context, d *directory.Directory, a directory.Actor, s store.Source, t *schema.ResourceType, given *mapping.Rules) (bool, error) {
	own, err := d.Mapping(ctx, a, s.PublicID, 0)
	if err != nil || own.Document == nil {
		return false, err
	}
	if given == nil {
		return true, nil
	}
	if m, err := mapping.Compile(t, *given); err == nil && m.Version() == own.Version {
		return true, nil
	}
	return false, &directory.Violation{Rule: codeMapping, Detail: "The source has rules of its own, and they aren't these.", Way: "Upload the file without rules, or change those of the source."}
}

// plainRules are those of a file whose columns are called as the attributes that
// they fill. userName is there for the sake of rules; without a column it is never
// filled.
func plainRules(header []string, match string) mapping.Rules {
	r := mapping.Rules{Match: []string{match}}
	for _, h := range header {
		r.Flows = append(r.Flows, mapping.Flow{Target: h, Kind: mapping.Direct, Source: h})
	}
	if !slices.ContainsFunc(header, func(h string) bool { return strings.EqualFold(h, "userName") }) {
		r.Flows = append(r.Flows, mapping.Flow{Target: "userName", Kind: mapping.Direct, Source: "userName"})
	}
	return r
}

// compilePlain makes the rules of a file without any ready.
func compilePlain(t *schema.ResourceType, header []string, match string) (*mapping.Mapping, error) {
	m, err := mapping.Compile(t, plainRules(header, match))
	var faults mapping.Faults
	if !errors.As(err, &faults) {
		return m, err
	}
	var wrong []string
	for _, f := range faults {
		var i int
		if _, err := fmt.Sscanf(f.At, "flows[%d]", &i); err == nil && i < len(header) {
			wrong = append(wrong, fmt.Sprintf("column %d, %.60q: %s", i+1, header[i], f.Message))
		}
	}
	if wrong == nil {
		return nil, &directory.Violation{
			Rule: directory.RuleMatchMissing, Attribute: match, Detail: "The header has no " + match + ", by which the users of this source are matched.",
			Way: "Add the column, or change the source's policy match.",
		}
	}
	return nil, &directory.Violation{Rule: codeColumn, Detail: "Columns are no attributes: " + strings.Join(wrong, "; ") + ".", Way: "Rename them, leave them out, or give rules for them (--map)."}
}

// compileRules makes the rules that were given with a file ready.
func compileRules(t *schema.ResourceType, header []string, match string, r mapping.Rules) (*mapping.Mapping, error) {
	if len(r.Match) == 0 {
		r.Match = []string{match}
	}
	if len(r.Match) > 1 || !strings.EqualFold(r.Match[0], match) {
		return nil, refusedRules(fmt.Errorf("they match by %s, and the source by %s", strings.Join(r.Match, ", "), match))
	}
	for _, f := range r.Flows {
		has := func(h string) bool { return strings.EqualFold(h, strings.TrimSpace(f.Source)) }
		if f.Kind == mapping.Direct && !slices.ContainsFunc(header, has) {
			return nil, refusedRules(fmt.Errorf("the flow of %s reads %.100q, and the file has no such column", f.Target, f.Source))
		}
	}
	m, err := mapping.Compile(t, r)
	if err != nil {
		return nil, refusedRules(err)
	}
	return m, nil
}
