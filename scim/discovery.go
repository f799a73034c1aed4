package scim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	scimschema "github.com/elimity-com/scim/schema"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/schema"
)

type object = map[string]any

// getServiceProviderConfig announces what the server does (RFC 7643 §5, RFC
// 9865 §3, RFC 9967 §4).
func (s *Server) getServiceProviderConfig(r *request) error {
	if err := r.noFilter(); err != nil {
		return err
	}
	return r.respondJSON(object{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          object{"supported": true},
		"bulk":           object{"supported": true, "maxOperations": s.limits.BulkOperations, "maxPayloadSize": s.limits.BulkBody},
		"filter":         object{"supported": true, "maxResults": s.limits.MaxPageSize},
		"changePassword": object{"supported": false},
		"sort":           object{"supported": true},
		"etag":           object{"supported": true},
		"pagination": object{
			"cursor": true, "index": true, "defaultPaginationMethod": "index",
			"defaultPageSize": s.limits.PageSize, "maxPageSize": s.limits.MaxPageSize,
		},
		// RFC 9967 §4.
		"securityEvents": object{"asyncRequest": "request", "eventUris": directory.EventURIs(r.actor.Admin)},
		"authenticationSchemes": []object{
			{
				"type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": true,
				"description": "A static token of the source, or an access token from the token endpoint /oauth2/token (client credentials), in the Authorization header.",
				"specUri":     "https://www.rfc-editor.org/rfc/rfc6750",
			},
		},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": r.base + "/ServiceProviderConfig"},
	})
}

// listResourceTypes answers GET /ResourceTypes (RFC 7644 §4).
func (s *Server) listResourceTypes(r *request) error {
	if err := r.noFilter(); err != nil {
		return err
	}
	var all []object
	types, _ := r.announced()
	for _, t := range types {
		all = append(all, r.resourceType(t))
	}
	return r.respondList(all)
}

func (s *Server) getResourceType(r *request) error {
	id := r.param("id")
	types, _ := r.announced()
	for _, t := range types {
		if strings.EqualFold(t.Name, id) {
			return r.respondJSON(r.resourceType(t))
		}
	}
	return errScim(http.StatusNotFound, "", "There is no such resource type.")
}

func (r *request) resourceType(t *schema.ResourceType) object {
	var extensions []object
	for _, e := range t.Extensions {
		extensions = append(extensions, object{"schema": e.Name, "required": false})
	}
	return object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
		"id":      t.Name, "name": t.Name, "endpoint": t.Endpoint, "description": t.Description,
		"schema": t.URN, "schemaExtensions": extensions,
		"meta": object{"resourceType": "ResourceType", "location": r.base + "/ResourceTypes/" + t.Name},
	}
}

// listSchemas answers GET /Schemas (RFC 7644 §4).
func (s *Server) listSchemas(r *request) error {
	if err := r.noFilter(); err != nil {
		return err
	}
	var all []object
	_, schemas := r.announced()
	for _, sc := range schemas {
		all = append(all, r.schema(sc))
	}
	return r.respondList(all)
}

func (s *Server) getSchema(r *request) error {
	id := r.param("id")
	_, schemas := r.announced()
	for _, sc := range schemas {
		if strings.EqualFold(sc.ID, id) {
			return r.respondJSON(r.schema(sc))
		}
	}
	return errScim(http.StatusNotFound, "", "There is no such schema.")
}

func (r *request) schema(sc scimschema.Schema) object {
	m := sc.ToMap()
	m["schemas"] = []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}
	m["meta"] = object{"resourceType": "Schema", "location": r.base + "/Schemas/" + sc.ID}
	return m
}

// announced gives the resource types that this client can use, and the schemas.
func (r *request) announced() ([]*schema.ResourceType, []scimschema.Schema) {
	return r.set.Announced(r.actor.Admin)
}

// noFilter refuses a filter on discovery (RFC 7644 §4: 403).
func (r *request) noFilter() error {
	if r.query.Has("filter") {
		return errScim(http.StatusForbidden, "", "Discovery can't be filtered.")
	}
	return nil
}

// param gives a part of the path, unescaped once.
func (r *request) param(name string) string {
	v := r.c.Param(name)
	if u, err := url.PathUnescape(v); err == nil {
		return u
	}
	return v
}

func (r *request) respondList(all []object) error {
	return r.respondJSON(object{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(all), "itemsPerPage": len(all), "startIndex": 1, "Resources": all,
	})
}

func (r *request) respondJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, b)
}
