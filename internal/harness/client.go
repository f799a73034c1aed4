package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// URNs of SCIM (RFC 7643 §8.7, RFC 7644 §8.2).
const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	workspaceURN  = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	bulkURN       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
)

// object is a JSON object.
type object = map[string]any

// client speaks SCIM to one server with one token. It is safe for concurrent
// use.
type client struct {
	http  *http.Client
	base  string // the server's URL
	token string
}

func newClient(url, token string) *client {
	return &client{
		http:  &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		base:  url,
		token: token,
	}
}

// answer is a whole answer; an answer that breaks off is an error.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// ok says whether the request was carried out.
func (a answer) ok() bool { return a.status/100 == 2 }

// decode reads the body.
func (a answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("status %d, body %.200q: %w", a.status, a.body, err)
	}
	return nil
}

// send sends a request; path is below /scim/v2, body is nil for none, and header
// are names and values.
func (c *client) send(ctx context.Context, method, path string, body any, header ...string) (answer, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/scim/v2"+path, content)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	began := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b, time.Since(began)}, err
}

// get reads a resource or a list into v; any other answer than 200 is an error.
func (c *client) get(ctx context.Context, path string, v any) error {
	a, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, a.status, a.body)
	}
	return a.decode(v)
}

// create makes a resource and gives its id; any other answer than 201 is an
// error.
func (c *client) create(ctx context.Context, path string, body any) (string, error) {
	a, err := c.send(ctx, http.MethodPost, path, body)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusCreated {
		return "", fmt.Errorf("POST %s: %d %s", path, a.status, a.body)
	}
	return a.id()
}

// id reads the id of a resource that came back.
func (a answer) id() (string, error) {
	var r struct{ ID string }
	if err := a.decode(&r); err != nil {
		return "", err
	}
	if r.ID == "" {
		return "", fmt.Errorf("no id in %.200q", a.body)
	}
	return r.ID, nil
}
