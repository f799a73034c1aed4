package inbound

import (
	"net/http"
	"slices"

	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The parts of a synchronizationSchema of Graph that clients read: which
// attributes users have at either end, and which becomes which.
type syncSchema struct {
	Context     string          `json:"@odata.context"`
	ID          string          `json:"id"`
	Version     string          `json:"version"`
	Rules       []syncRule      `json:"synchronizationRules"`
	Directories []syncDirectory `json:"directories"`
}

type syncDirectory struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Objects []syncObject `json:"objects"`
}

type syncObject struct {
	Name       string          `json:"name"`
	Attributes []syncAttribute `json:"attributes"`
}

type syncAttribute struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Anchor      bool   `json:"anchor"`
	CaseExact   bool   `json:"caseExact"`
	MultiValued bool   `json:"multivalued"`
	Required    bool   `json:"required"`
	Mutability  string `json:"mutability"`
}

type syncRule struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Source   string       `json:"sourceDirectoryName"`
	Target   string       `json:"targetDirectoryName"`
	Mappings []syncObjMap `json:"objectMappings"`
}

type syncObjMap struct {
	Enabled    bool          `json:"enabled"`
	Source     string        `json:"sourceObjectName"`
	Target     string        `json:"targetObjectName"`
	Attributes []syncAttrMap `json:"attributeMappings"`
}

type syncAttrMap struct {
	Target   string         `json:"targetAttributeName"`
	Matching int            `json:"matchingPriority"` // from 1, of those that users are matched by
	Source   syncAttrSource `json:"source"`
}

type syncAttrSource struct {
	Type       string `json:"type"`
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

const (
	apiDirectory = "API"
	ownDirectory = "Workspace"
)

// getSchema answers what a record may have. Each attribute becomes the one of the
// same name, unless the source has rules of its own.
func (s *Server) getSchema(r *request) error {
	source, err := r.job()
	if err != nil {
		return err
	}
	set, err := s.dir.Schema(r.c.Request().Context(), r.actor.Tenant)
	if err != nil {
		return err
	}
	match := s.dir.UploadMatch(set.User, source)
	var attributes []syncAttribute
	var mappings []syncAttrMap
	for _, a := range writable(set.User.Root) {
		attributes = append(attributes, syncAttribute{
			Name: a.Path, Type: typeName(a), Anchor: a == match, CaseExact: a.CaseExact, MultiValued: a.MultiValued, Required: a.Required, Mutability: "ReadWrite",
		})
		m := syncAttrMap{Target: a.Path, Source: syncAttrSource{Type: "Attribute", Name: a.Path, Expression: "[" + a.Path + "]"}}
		if a == match {
			m.Matching = 1
		}
		mappings = append(mappings, m)
	}
	own, err := s.ownMappings(r, source)
	if err != nil {
		return err
	}
	if own != nil {
		mappings = own
	}
	users := []syncObject{{Name: schema.UserURN, Attributes: attributes}}
	return r.json(http.StatusOK, syncSchema{
		Context: r.context("servicePrincipals('" + source.PublicID + "')/synchronization/jobs('" + jobID(source) + "')/schema/$entity"),
		ID:      jobID(source), Version: "1",
		Directories: []syncDirectory{{apiDirectory, apiDirectory, users}, {ownDirectory, ownDirectory, users}},
		Rules: []syncRule{{
			ID: jobID(source), Name: "USER_INBOUND_USER", Source: apiDirectory, Target: ownDirectory,
			Mappings: []syncObjMap{{Enabled: true, Source: schema.UserURN, Target: schema.UserURN, Attributes: mappings}},
		}},
	})
}

// ownMappings gives the flows of a source that has rules; nil if it has none.
func (s *Server) ownMappings(r *request, source store.Source) (all []syncAttrMap, err error) {
	m, err := s.dir.Mapping(r.c.Request().Context(), r.actor, source.PublicID, 0)
	if err != nil || m.Document == nil {
		return nil, err
	}
	rules, err := mapping.Parse(m.Document)
	if err != nil {
		return nil, err
	}
	for _, f := range rules.Flows {
		from := syncAttrSource{Type: "Attribute", Name: f.Source, Expression: "[" + f.Source + "]"}
		switch f.Kind {
		case mapping.Constant:
			from = syncAttrSource{Type: "Constant", Name: string(f.Value), Expression: string(f.Value)}
		case mapping.Expression:
			from = syncAttrSource{Type: "Function", Expression: f.Expression}
		}
		all = append(all, syncAttrMap{Target: f.Target, Source: from, Matching: 1 + slices.Index(rules.Match, f.Target)})
	}
	return all, nil
}

// writable gives the attributes below one that a record may have, in order: of a
// complex one its parts.
func writable(of *schema.Attribute) []*schema.Attribute {
	var out []*schema.Attribute
	for _, a := range of.Subs {
		switch {
		case a.Mutability == schema.ReadOnly || a.Backing != schema.InDocument || a.Returned == schema.ReturnedNever:
		case a.Type == schema.Complex:
			out = append(out, writable(a)...)
		default:
			out = append(out, a)
		}
	}
	return out
}

// typeName is the type as Graph calls it.
func typeName(a *schema.Attribute) string {
	switch a.Type {
	case schema.Boolean:
		return "Boolean"
	case schema.Integer:
		return "Integer"
	case schema.DateTime:
		return "DateTime"
	case schema.Binary:
		return "Binary"
	case schema.Reference:
		return "Reference"
	}
	return "String"
}
