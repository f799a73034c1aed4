package inbound

import (
	"net/http"

	"github.com/workspace-scim/workspace/scim/schema"
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
	Matching int            `json:"matchingPriority"` // 1 for the one that users are matched by
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
// same name.
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
