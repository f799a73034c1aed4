package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/workspace-scim/workspace/scim"
)

// nameMap is the scenario of all users × all products.
const nameMap = "compatibility map of 100 products"

const (
	mapProducts = 100
	mapGroups   = 20 // each product names three of them
)

// catalog measures the compatibility map on the largest server of each database:
// who of all its users may have which of its products.
func (b *bench) catalog(ctx context.Context) ([]figure, error) {
	b.tell("compatibility")
	var figures []figure
	for _, w := range b.largest() {
		c, err := w.stock(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: the catalog: %w", w, err)
		}
		all := gathering{unit: 1}
		for range b.rounds {
			s, err := side{w.server, func(*client) error { return mapped(c) }}.measure(ctx, 1, b.round())
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", nameMap, w, err)
			}
			all.add(s)
		}
		c.close()
		figures = append(figures, all.figure(nameMap, w, 1))
	}
	return figures, nil
}

// stock makes the products, of groups that the cloud and the workspace own in
// turn, and gives the administrator's connection.
func (w *world) stock(ctx context.Context) (*client, error) {
	admin, err := administer(ctx, w.program, w.url, [][]string{{"token", "add", "--tenant", tenantName, "--admin"}})
	if err != nil {
		return nil, err
	}
	mine, err := connect(ctx, w.server.address, admin)
	if err != nil {
		return nil, err
	}
	source, err := connect(ctx, w.server.address, w.token)
	if err != nil {
		return nil, err
	}
	defer source.close()
	var groups []string
	for n := range mapGroups {
		by := []*client{mine, source}[n%2]
		id, err := newResource(by, scimGroups, fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Of products %d","externalId":"bench-product-%[1]d"}`, n))
		if err != nil {
			return nil, err
		}
		groups = append(groups, id)
	}
	for n := range mapProducts {
		body := fmt.Appendf(nil, `{"schemas":["urn:workspace:scim:schemas:core:2.0:CatalogProduct"],"displayName":"Product %d","groups":[{"value":%q},{"value":%q},{"value":%q}]}`,
			n, groups[n%mapGroups], groups[(n+1)%mapGroups], groups[(n+7)%mapGroups])
		if _, err := newResource(mine, scim.Prefix+"/CatalogProducts", body); err != nil {
			return nil, err
		}
	}
	return mine, nil
}

// newResource creates a resource and gives its id.
func newResource(c *client, path string, body []byte) (id string, err error) {
	answer, err := c.want(http.StatusCreated, http.MethodPost, path, body)
	if err != nil {
		return "", err
	}
	var made struct{ ID string }
	err = json.Unmarshal(answer, &made)
	return made.ID, err
}

// mapped reads the map and holds that it is of all products.
func mapped(c *client) error {
	answer, err := c.want(http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v1/compatibility/map?limit=%d", mapProducts), nil)
	if err != nil {
		return err
	}
	var got struct{ Items []json.RawMessage }
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	if len(got.Items) != mapProducts {
		return fmt.Errorf("a map of %d products", len(got.Items))
	}
	return nil
}
