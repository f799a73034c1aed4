package scimclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scimPath is where the SCIM endpoint of a server is.
const scimPath = "/scim/v2"

const scimType = "application/scim+json"

// Limits are the server's bounds (RFC 7643 §5).
type Limits struct {
	BulkOperations int // of one bulk request
	BulkBytes      int // of its body
	PageSize       int // resources of a page
}

// The bounds that count where the server's are larger, or unknown.
const (
	mostOperations = 1000
	mostBytes      = 4 << 20
	mostPage       = 1000
)

// Limits asks for the server's bounds, once.
func (c *Client) Limits(ctx context.Context) (Limits, error) {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	if c.limits.known {
		return c.limits.Limits, nil
	}
	var doc struct {
		Bulk   struct{ MaxOperations, MaxPayloadSize int }
		Filter struct{ MaxResults int }
	}
	if _, err := c.call(ctx, request{method: http.MethodGet, path: scimPath + "/ServiceProviderConfig"}, nil, &doc); err != nil {
		return Limits{}, err
	}
	within := func(n, most int) int {
		if n <= 0 || n > most {
			return most
		}
		return n
	}
	c.limits.Limits = Limits{
		BulkOperations: within(doc.Bulk.MaxOperations, mostOperations),
		BulkBytes:      within(doc.Bulk.MaxPayloadSize, mostBytes),
		PageSize:       within(doc.Filter.MaxResults, mostPage),
	}
	c.limits.known = true
	return c.limits.Limits, nil
}

// Ref is a resource of the source as lists tell it.
type Ref struct {
	ID         string
	ExternalID string
	Version    string // the ETag
	Name       string // userName or displayName, where it was asked for
}

// refsPerFilter bounds the terms of one filter: Workspace takes 4 KiB and 200
// nodes.
const refsPerFilter = 50

// maxTerm is the length of an externalId or id that is looked up.
const maxTerm = 1024

// FindExternal looks resources up by externalId. Those that aren't there are
// left out; the order is the server's.
func (c *Client) FindExternal(ctx context.Context, endpoint string, ids []string) ([]Ref, error) {
	return c.find(ctx, endpoint, "externalId", ids, "externalId,meta.version")
}

// FindID looks resources up by id, with their names.
func (c *Client) FindID(ctx context.Context, endpoint string, ids []string) ([]Ref, error) {
	return c.find(ctx, endpoint, "id", ids, "externalId,meta.version,displayName,userName")
}

func (c *Client) find(ctx context.Context, endpoint, attribute string, values []string, attributes string) ([]Ref, error) {
	var out []Ref
	for part := range terms(attribute, values) {
		if endpoint == Groups {
			attributes = strings.TrimSuffix(attributes, ",userName")
		}
		page, err := c.search(ctx, endpoint, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"},
			"filter":  part, "attributes": strings.Split(attributes, ","), "count": 2 * refsPerFilter,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, page.refs()...)
	}
	return out, nil
}

// FindReferring looks up the resources whose attribute, such as "members.value",
// has this value.
func (c *Client) FindReferring(ctx context.Context, endpoint, attribute, value string) ([]Ref, error) {
	var out []Ref
	for filter := range terms(attribute, []string{value}) {
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, err := c.search(ctx, endpoint, map[string]any{
				"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"},
				"filter":  filter, "attributes": []string{"externalId", "meta.version"}, "count": mostPage, "cursor": cursor,
			})
			if err != nil {
				return nil, err
			}
			out, cursor = append(out, page.refs()...), page.NextCursor
		}
	}
	return out, nil
}

// terms gives filters that ask for any of the values, each of at most
// refsPerFilter terms and 3 KiB.
func terms(attribute string, values []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var b strings.Builder
		n := 0
		for _, v := range values {
			if len(v) > maxTerm || v == "" {
				continue // no resource can have it
			}
			quoted, err := json.Marshal(v)
			if err != nil {
				continue
			}
			if n == refsPerFilter || n > 0 && b.Len()+len(quoted) > 3<<10 {
				if !yield(b.String()) {
					return
				}
				b.Reset()
				n = 0
			}
			if n > 0 {
				b.WriteString(" or ")
			}
			b.WriteString(attribute + " eq " + string(quoted))
			n++
		}
		if n > 0 {
			yield(b.String())
		}
	}
}

// The endpoints of the resource types that connectors bring.
const (
	Users  = "/Users"
	Groups = "/Groups"
)

// listResponse is a ListResponse (RFC 7644 §3.4.2) with cursors (RFC 9865).
type listResponse struct {
	TotalResults int
	NextCursor   string
	Resources    []struct {
		ID, ExternalID, UserName, DisplayName string
		Meta                                  struct{ Version string }
	}
}

func (l listResponse) refs() []Ref {
	out := make([]Ref, 0, len(l.Resources))
	for _, r := range l.Resources {
		name := r.DisplayName
		if name == "" {
			name = r.UserName
		}
		out = append(out, Ref{r.ID, r.ExternalID, r.Meta.Version, name})
	}
	return out
}

func (c *Client) search(ctx context.Context, endpoint string, body map[string]any) (listResponse, error) {
	var page listResponse
	// A search is a POST that changes nothing (RFC 7644 §3.4.3), and keeps what
	// is asked for out of URLs and their logs.
	_, err := c.call(ctx, request{method: http.MethodPost, path: scimPath + endpoint + "/.search", mediaType: scimType}, body, &page)
	return page, err
}

// Each calls fn for every resource of an endpoint that the source sees, page by
// page, with its externalId and version and nothing else.
func (c *Client) Each(ctx context.Context, endpoint string, fn func(Ref) error) error {
	l, err := c.Limits(ctx)
	if err != nil {
		return err
	}
	for cursor, first := "", true; first || cursor != ""; first = false {
		q := url.Values{"cursor": {cursor}, "count": {strconv.Itoa(l.PageSize)}, "attributes": {"externalId,meta.version"}}
		var page listResponse
		if _, err := c.call(ctx, request{method: http.MethodGet, path: scimPath + endpoint + "?" + q.Encode()}, nil, &page); err != nil {
			return err
		}
		if page.NextCursor == cursor && cursor != "" {
			return errors.New("the server's list doesn't move on")
		}
		for _, r := range page.refs() {
			if err := fn(r); err != nil {
				return err
			}
		}
		cursor = page.NextCursor
	}
	return nil
}

// Count says how many resources of an endpoint the source sees.
func (c *Client) Count(ctx context.Context, endpoint string) (int, error) {
	var page listResponse
	_, err := c.call(ctx, request{method: http.MethodGet, path: scimPath + endpoint + "?count=0"}, nil, &page)
	return page.TotalResults, err
}

// MemberCount says how many members a group has in the source's view. It reads
// them, at most maxAnswer bytes.
func (c *Client) MemberCount(ctx context.Context, id string) (int, error) {
	var doc struct {
		Members []struct{} `json:"members"`
	}
	_, err := c.call(ctx, request{method: http.MethodGet, path: scimPath + Groups + "/" + url.PathEscape(id) + "?attributes=members"}, nil, &doc)
	return len(doc.Members), err
}

// ServerTime is the server's clock as its last answer told it, for comparing.
func (c *Client) ServerTime(ctx context.Context) (time.Time, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: scimPath + "/ServiceProviderConfig"})
	if err != nil {
		return time.Time{}, err
	}
	t, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}, errors.New("the server's answer has no date")
	}
	return t, nil
}

// Operation is one write.
type Operation struct {
	Method  string // POST, PUT, PATCH, DELETE
	Path    string // "/Users", "/Users/{id}"
	Version string // only if it has this ETag; "" for any
	Data    json.RawMessage
}

// Outcome is what became of an operation.
type Outcome struct {
	Status  int
	ID      string // of the resource
	Version string // its ETag now; "" where the server doesn't say
	// Err is nil for a status of 2xx. It is an [*Error], or what happened to the
	// request that the operation was in; see [Uncertain] and [Temporary].
	Err error
}

// Event is what a dry run would have told.
type Event struct {
	Type, Subject string
	Before, After map[string]any
}

// bulkOverhead is what a bulk body has beside its operations' data, per
// operation at most but for the path.
const bulkOverhead = 120

// Write carries operations out in their order, in as few requests as the
// server's limits allow, and gives an outcome for each. A bulk request that is
// refused as too large is sent in halves. One operation alone is
// sent as it is. The error is that of a request which the server refused as a
// whole for good, such as a lost lease; then the outcomes up to it are there.
func (c *Client) Write(ctx context.Context, ops []Operation) ([]Outcome, error) {
	out, _, err := c.write(ctx, ops, false)
	return out, err
}

// DryRun tells what Write would do, and which events it would tell, by the id
// of their subject. Nothing is written. Each request is by itself: operations of
// a later one don't see what those of an earlier one would have made.
func (c *Client) DryRun(ctx context.Context, ops []Operation) ([]Outcome, map[string][]Event, error) {
	return c.write(ctx, ops, true)
}

func (c *Client) write(ctx context.Context, ops []Operation, dryRun bool) ([]Outcome, map[string][]Event, error) {
	l, err := c.Limits(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := make([]Outcome, 0, len(ops))
	events := map[string][]Event{}
	most := l.BulkOperations
	for len(ops) > 0 {
		n, size := 0, bulkOverhead
		for n < len(ops) && n < most {
			size += len(ops[n].Data) + len(ops[n].Path) + len(ops[n].Version) + bulkOverhead
			if n > 0 && size > l.BulkBytes {
				break
			}
			n++
		}
		var got []Outcome
		if n == 1 && !dryRun && len(ops[0].Data) < 512<<10 {
			got, err = c.single(ctx, ops[0])
		} else {
			got, err = c.bulk(ctx, ops[:n], dryRun, events)
		}
		if n > 1 && tooLarge(got) {
			most = n / 2
			continue
		}
		out = append(out, got...)
		if err != nil {
			return out, events, err
		}
		ops = ops[n:]
	}
	return out, events, nil
}

// tooLarge says whether a bulk request was refused for its size: what stands
// before the server may take less than the server announces.
func tooLarge(got []Outcome) bool {
	var e *Error
	return len(got) > 0 && got[0].Status == 0 && errors.As(got[0].Err, &e) && e.Status == http.StatusRequestEntityTooLarge
}

// whole says whether an error is about the request and who sent it, not about
// an object.
func whole(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Temporary() {
		return false
	}
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return true
	case e.Reason == "fenced", e.Reason == "leaseRequired":
		return true
	}
	return false
}

// single sends one operation as a request of its own.
func (c *Client) single(ctx context.Context, op Operation) ([]Outcome, error) {
	q := request{method: op.Method, path: scimPath + op.Path, body: op.Data, once: op.Method == http.MethodPost}
	if op.Data != nil {
		q.mediaType = scimType
	}
	if op.Version != "" {
		q.header = map[string]string{"If-Match": op.Version}
	}
	a, err := c.do(ctx, q)
	if whole(err) || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	if err != nil {
		status := 0
		var e *Error
		if errors.As(err, &e) {
			status = e.Status
		}
		return []Outcome{{Status: status, ID: lastPart(op.Path), Err: err}}, nil
	}
	id := lastPart(op.Path)
	if op.Method == http.MethodPost {
		id = lastPart(a.header.Get("Location"))
	}
	return []Outcome{{Status: a.status, ID: id, Version: a.header.Get("ETag")}}, nil
}

// lastPart is the id at the end of a path or a location; "" for an endpoint.
func lastPart(path string) string {
	part := path[strings.LastIndexByte(path, '/')+1:]
	if slices.Contains([]string{Users, Groups}, "/"+part) {
		return ""
	}
	return part
}

type bulkOperation struct {
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	BulkID  string          `json:"bulkId,omitempty"`
	Version string          `json:"version,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// bulk sends operations as one bulk request (RFC 7644 §3.7).
func (c *Client) bulk(ctx context.Context, ops []Operation, dryRun bool, events map[string][]Event) ([]Outcome, error) {
	in := struct {
		Schemas    []string        `json:"schemas"`
		Operations []bulkOperation `json:"Operations"`
	}{Schemas: []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}}
	once := false
	for i, op := range ops {
		b := bulkOperation{op.Method, op.Path, "", op.Version, op.Data}
		if op.Method == http.MethodPost {
			b.BulkID = strconv.Itoa(i)
			once = !dryRun
		}
		in.Operations = append(in.Operations, b)
	}
	path := scimPath + "/Bulk"
	if dryRun {
		path += "?dryRun=true"
	}
	var doc struct {
		Operations []struct {
			Location, Version, Status string
			Response                  struct{ ScimType, Reason, Detail string }
		}
		DryRun struct{ Events []Event } `json:"urn:workspace:scim:api:messages:2.0:DryRun"`
	}
	_, err := c.call(ctx, request{method: http.MethodPost, path: path, mediaType: scimType, once: once}, in, &doc)
	switch {
	case whole(err), ctx.Err() != nil:
		return nil, errors.Join(err, ctx.Err())
	case err == nil && len(doc.Operations) != len(ops):
		return nil, errors.New("the server's answer to a bulk request doesn't have an answer for each operation")
	case err != nil:
		out := make([]Outcome, len(ops))
		for i := range out {
			out[i].ID, out[i].Err = lastPart(ops[i].Path), err
		}
		return out, nil
	}
	out := make([]Outcome, len(ops))
	for i, o := range doc.Operations {
		status, err := strconv.Atoi(o.Status)
		if err != nil {
			return nil, errors.New("the server's answer to a bulk request has an operation without a status")
		}
		out[i] = Outcome{Status: status, ID: lastPart(o.Location), Version: o.Version}
		if status/100 == 2 {
			continue
		}
		refused := &Error{Status: status, ScimType: o.Response.ScimType, Reason: o.Response.Reason, Detail: o.Response.Detail}
		if out[i].Err = error(refused); whole(refused) {
			return out[:i], refused
		}
		if status == http.StatusServiceUnavailable && ops[i].Method == http.MethodPost {
			out[i].Err = &uncertainError{refused}
		}
	}
	for _, e := range doc.DryRun.Events {
		events[e.Subject] = append(events[e.Subject], e)
	}
	return out, nil
}
