package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// resource is a user or a group as the server gives it.
type resource struct {
	ID          string
	UserName    string
	ExternalID  string `json:"externalId"`
	DisplayName string
	Title       string
	Emails      []struct{ Value string }
	Enterprise  struct{ Department string } `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	Groups      []struct{ Value string }
	Members     []struct{ Value string }
	Meta        struct{ ResourceType, Version string }
}

// state reads the record's key and state from the displayName.
func (r *resource) state() (key string, n int) {
	key, number, _ := strings.Cut(r.DisplayName, " state ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return r.DisplayName, -1
	}
	return key, n
}

// attributes are the values as record.attributes names them.
func (r *resource) attributes() map[string]string {
	if r.Meta.ResourceType == "Group" {
		return map[string]string{"displayName": r.DisplayName, "externalId": r.ExternalID}
	}
	mail := ""
	for _, e := range r.Emails {
		mail += e.Value
	}
	return map[string]string{
		"userName": r.UserName, "externalId": r.ExternalID, "displayName": r.DisplayName,
		"title": r.Title, "mail": mail, "department": r.Enterprise.Department,
	}
}

// page is a ListResponse (RFC 7644 §3.4.2, RFC 9865).
type page struct {
	TotalResults int
	NextCursor   string `json:"nextCursor"`
	Resources    []*resource
}

// all reads every resource of an endpoint, page by page, and checks that the
// total is the number of resources and that none comes twice.
func (c *client) all(ctx context.Context, kind string, byCursor bool) (map[string]*resource, error) {
	found := map[string]*resource{}
	query, next := url.Values{"count": {"200"}}, ""
	for n := 0; ; {
		if byCursor {
			query.Set("cursor", next)
		} else {
			query.Set("startIndex", strconv.Itoa(n+1))
		}
		var p page
		if err := c.get(ctx, "/"+kind+"?"+query.Encode(), &p); err != nil {
			return nil, err
		}
		for _, r := range p.Resources {
			if found[r.ID] != nil {
				return nil, fmt.Errorf("%s: %s is listed twice", kind, r.ID)
			}
			found[r.ID] = r
		}
		n += len(p.Resources)
		next = p.NextCursor
		if len(p.Resources) == 0 || byCursor && next == "" {
			if n != p.TotalResults {
				return nil, fmt.Errorf("%s: totalResults is %d, the pages have %d", kind, p.TotalResults, n)
			}
			return found, nil
		}
	}
}

// find gives the ids that a filter finds.
func (c *client) find(ctx context.Context, kind, filter string) ([]string, error) {
	var p page
	if err := c.get(ctx, "/"+kind+"?"+url.Values{"filter": {filter}, "attributes": {"id"}}.Encode(), &p); err != nil {
		return nil, err
	}
	ids := make([]string, len(p.Resources))
	for i, r := range p.Resources {
		ids[i] = r.ID
	}
	return ids, nil
}
