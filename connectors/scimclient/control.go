package scimclient

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// apiPath is where the API of connectors is.
const apiPath = "/api/v1"

func sourcePath(id, rest string) string { return apiPath + "/sources/" + url.PathEscape(id) + rest }

// Identity is what enrolling answers.
type Identity struct {
	Agent  string `json:"agent"`
	Source string `json:"source"`
	Token  string `json:"token"`
}

// Enrol spends an enrolment code. An uncertain one can't be repeated: the code
// may be spent.
func (c *Client) Enrol(ctx context.Context, code, name string) (Identity, error) {
	var id Identity
	_, err := c.call(ctx, request{method: http.MethodPost, path: apiPath + "/agents/enrol", once: true}, map[string]string{"code": code, "name": name}, &id)
	return id, err
}

// Heartbeat is what an agent tells; see docs/api.md.
type Heartbeat struct {
	Version       string    `json:"version"`
	OS            string    `json:"os"`
	State         string    `json:"state"`
	Configuration string    `json:"configuration"`
	StartedAt     time.Time `json:"startedAt"`
	CoLocated     bool      `json:"coLocated"`
	Acknowledged  int64     `json:"acknowledged"`
}

// Command is something that an agent is to do.
type Command struct {
	ID      int64  `json:"id"`
	Command string `json:"command"`
}

// Orders are what an agent is told.
type Orders struct {
	Source        string `json:"source"`
	Mode          string `json:"mode"`
	Configuration *struct {
		Version int64  `json:"version"`
		Hash    string `json:"hash"`
	} `json:"configuration"`
	Fenced   bool      `json:"fenced"`
	Agents   int       `json:"agents"` // that work for the source; 0: the server doesn't say
	Commands []Command `json:"commands"`
}

// Beat sends a heartbeat.
func (c *Client) Beat(ctx context.Context, agent string, h Heartbeat) (Orders, error) {
	var o Orders
	_, err := c.call(ctx, request{method: http.MethodPost, path: apiPath + "/agents/" + url.PathEscape(agent) + "/heartbeat"}, h, &o)
	return o, err
}

// Source is a source as the server shows it.
type Source struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	Mode          string `json:"mode"`
	Configuration *struct {
		Version  int64           `json:"version"`
		Hash     string          `json:"hash"`
		Document json.RawMessage `json:"document"`
	} `json:"configuration"`
}

// Source reads a source with its configuration.
func (c *Client) Source(ctx context.Context, id string) (Source, error) {
	var s Source
	_, err := c.call(ctx, request{method: http.MethodGet, path: sourcePath(id, "")}, nil, &s)
	return s, err
}

// Lease is a lease that is held.
type Lease struct {
	Partition string    `json:"partition"`
	Token     int64     `json:"token"`
	Run       string    `json:"run"`
	ExpiresAt time.Time `json:"expiresAt"` // by the server's clock
}

// Acquire gets the lease of a partition, or renews it: with token, only the one
// that has it. holder names who isn't an agent. The server's refusals are
// leaseHeld, configurationMismatch and fenced.
func (c *Client) Acquire(ctx context.Context, source, partition, holder, configuration string, ttl time.Duration, token int64) (Lease, error) {
	in := map[string]any{"ttl": int64(ttl / time.Second), "configuration": configuration}
	if holder != "" {
		in["holder"] = holder
	}
	if token != 0 {
		in["token"] = token
	}
	var l Lease
	_, err := c.call(ctx, request{
		method: http.MethodPost, path: sourcePath(source, "/leases/"+url.PathEscape(partition)), renews: token != 0,
	}, in, &l)
	return l, err
}

// Release ends the lease that the client is under.
func (c *Client) Release(ctx context.Context, source, partition string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: sourcePath(source, "/leases/"+url.PathEscape(partition))}, nil, nil)
	return err
}

// octets is the media type of checkpoints and plans.
const octets = "application/octet-stream"

// Checkpoint reads a partition's checkpoint with its ETag; nil and "" if there
// is none.
func (c *Client) Checkpoint(ctx context.Context, source, partition string) (data []byte, etag string, err error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: sourcePath(source, "/checkpoints/"+url.PathEscape(partition))})
	if NotFound(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	return a.body, a.header.Get("ETag"), nil
}

// SaveCheckpoint saves over the checkpoint that has this ETag, "" for none, and
// gives the new one. A save whose answer was lost is found out by what is there.
func (c *Client) SaveCheckpoint(ctx context.Context, source, partition, etag string, data []byte) (string, error) {
	h := map[string]string{"If-None-Match": "*"}
	if etag != "" {
		h = map[string]string{"If-Match": etag}
	}
	a, err := c.do(ctx, request{
		method: http.MethodPut, path: sourcePath(source, "/checkpoints/"+url.PathEscape(partition)), mediaType: octets, body: data, header: h,
	})
	if Is(err, "versionMismatch") {
		// Only the holder of the lease can save: if it is what was to be saved,
		// it was this client, whose first try had no answer.
		now, tag, readErr := c.Checkpoint(ctx, source, partition)
		if readErr == nil && tag != etag && string(now) == string(data) {
			return tag, nil
		}
	}
	if err != nil {
		return "", err
	}
	return a.header.Get("ETag"), nil
}

// Counts are the objects of a run by what became of them.
type Counts struct {
	Created   int64            `json:"created"`
	Updated   int64            `json:"updated"`
	Disabled  int64            `json:"disabled"`
	Deleted   int64            `json:"deleted"`
	Unchanged int64            `json:"unchanged"`
	Failed    int64            `json:"failed"`
	Skipped   map[string]int64 `json:"skipped,omitempty"`
}

// Plus adds counts up.
func (c Counts) Plus(o Counts) Counts {
	c.Created += o.Created
	c.Updated += o.Updated
	c.Disabled += o.Disabled
	c.Deleted += o.Deleted
	c.Unchanged += o.Unchanged
	c.Failed += o.Failed
	skipped := maps.Clone(c.Skipped)
	for code, n := range o.Skipped {
		if skipped == nil {
			skipped = map[string]int64{}
		}
		skipped[code] += n
	}
	c.Skipped = skipped
	return c
}

// Run is a run as the server shows it.
type Run struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	State     string `json:"state"`
	Partition string `json:"partition"`
	Done      int64  `json:"done"`
	Counts    Counts `json:"counts"`
	Detail    string `json:"detail"`
	PlanHash  string `json:"planHash"`
	PlanSize  int64  `json:"planSize"`
	Version   int64  `json:"version"`
}

// RunChange is what is told of a run; nil for what stays.
type RunChange struct {
	State  *string    `json:"state,omitempty"`
	Phase  *string    `json:"phase,omitempty"`
	Done   *int64     `json:"done,omitempty"`
	Total  *int64     `json:"total,omitempty"`
	Counts *Counts    `json:"counts,omitempty"`
	Detail *string    `json:"detail,omitempty"`
	NextAt *time.Time `json:"nextAt,omitempty"`
}

// StartRun begins a run under the lease. Begun twice, the first is abandoned.
func (c *Client) StartRun(ctx context.Context, source, kind string) (Run, error) {
	var n Run
	_, err := c.call(ctx, request{method: http.MethodPost, path: sourcePath(source, "/runs")}, map[string]string{"kind": kind}, &n)
	return n, err
}

// RunningRun gives the run of a partition that is said to go on, nil for none.
func (c *Client) RunningRun(ctx context.Context, source, partition string) (*Run, error) {
	all, err := c.runs(ctx, source, partition, "running")
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// OpenRuns gives the runs of a partition that wait: held or approved.
func (c *Client) OpenRuns(ctx context.Context, source, partition string) ([]Run, error) {
	held, err := c.runs(ctx, source, partition, "held")
	if err != nil {
		return nil, err
	}
	approved, err := c.runs(ctx, source, partition, "approved")
	return append(held, approved...), err
}

func (c *Client) runs(ctx context.Context, source, partition, state string) ([]Run, error) {
	var list struct{ Items []Run }
	_, err := c.call(ctx, request{method: http.MethodGet, path: sourcePath(source, "/runs?limit=500&state="+state)}, nil, &list)
	return slices.DeleteFunc(list.Items, func(n Run) bool { return n.Partition != partition }), err
}

// GetRun reads a run.
func (c *Client) GetRun(ctx context.Context, id string) (Run, error) {
	var n Run
	_, err := c.call(ctx, request{method: http.MethodGet, path: apiPath + "/runs/" + url.PathEscape(id)}, nil, &n)
	return n, err
}

// UpdateRun moves a run on. A change of the state whose answer was lost is found
// out by the state that it has. A detail is cut to what the server takes.
func (c *Client) UpdateRun(ctx context.Context, id string, change RunChange) (Run, error) {
	if change.Detail != nil {
		detail := line(*change.Detail, maxDetail)
		change.Detail = &detail
	}
	var n Run
	_, err := c.call(ctx, request{method: http.MethodPatch, path: apiPath + "/runs/" + url.PathEscape(id)}, change, &n)
	if change.State != nil && Is(err, "runState") {
		if now, readErr := c.GetRun(ctx, id); readErr == nil && now.State == *change.State {
			return now, nil
		}
	}
	return n, err
}

// CancelRun cancels a run as it was read, and gives it as it is then: where
// somebody decided about it since, or wrote to it, it isn't cancelled but as that
// left it. One that is gone has no state.
func (c *Client) CancelRun(ctx context.Context, n Run, detail string) (Run, error) {
	state := "cancelled"
	detail = line(detail, maxDetail)
	q := request{
		method: http.MethodPatch, path: apiPath + "/runs/" + url.PathEscape(n.ID), header: map[string]string{"If-Match": strconv.Quote(strconv.FormatInt(n.Version, 10))},
	}
	var now Run
	_, err := c.call(ctx, q, RunChange{State: &state, Detail: &detail}, &now)
	if Is(err, "versionMismatch") || Is(err, "runState") {
		now, err = c.GetRun(ctx, n.ID)
	}
	if NotFound(err) {
		return Run{}, nil
	}
	return now, err
}

// MaxPlan is how many bytes a plan has at most.
const MaxPlan = 64 << 20

// SavePlan uploads the plan of a running run.
func (c *Client) SavePlan(ctx context.Context, id string, plan []byte) (Run, error) {
	var n Run
	a, err := c.do(ctx, request{method: http.MethodPut, path: apiPath + "/runs/" + url.PathEscape(id) + "/plan", mediaType: octets, body: plan})
	if err == nil {
		err = json.Unmarshal(a.body, &n)
	}
	return n, err
}

// Plan reads the plan of a run and checks it against the hash that was approved.
func (c *Client) Plan(ctx context.Context, n Run) ([]byte, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: apiPath + "/runs/" + url.PathEscape(n.ID) + "/plan"})
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(a.body); hex.EncodeToString(sum[:]) != n.PlanHash {
		return nil, errors.Join(io.ErrUnexpectedEOF, errors.New("the plan doesn't have the hash that was approved"))
	}
	return a.body, nil
}

// Report is what became of one object; without a code it is well again.
type Report struct {
	Anchor  string `json:"anchor"`
	Code    string `json:"code,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Display string `json:"display,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Retry   string `json:"retry,omitempty"`
}

// The bounds of reports (docs/api.md).
const (
	maxReports = 500
	maxAnchor  = 256
	maxDisplay = 256
	maxDetail  = 1000
	maxCode    = 64
)

// ReportObjects reports what became of objects, in batches.
func (c *Client) ReportObjects(ctx context.Context, run string, all []Report) error {
	for i := range all {
		r := &all[i]
		r.Anchor, r.Code, r.Display, r.Detail = line(r.Anchor, maxAnchor), line(r.Code, maxCode), line(r.Display, maxDisplay), line(r.Detail, maxDetail)
	}
	for part := range slices.Chunk(all, maxReports) {
		in := map[string]any{"objects": part}
		if _, err := c.call(ctx, request{method: http.MethodPost, path: apiPath + "/runs/" + url.PathEscape(run) + "/objects"}, in, nil); err != nil {
			return err
		}
	}
	return nil
}

// Problem is one of the source's problems.
type Problem struct {
	Anchor, Code, Detail, Retry string
}

// HasProblems says whether the source has any.
func (c *Client) HasProblems(ctx context.Context, source string) (bool, error) {
	var list struct{ Items []Problem }
	_, err := c.call(ctx, request{method: http.MethodGet, path: sourcePath(source, "/problems?limit=1")}, nil, &list)
	return len(list.Items) > 0, err
}

// ProblemsOf gives the problems of objects by their anchors.
func (c *Client) ProblemsOf(ctx context.Context, source string, anchors []string) ([]Problem, error) {
	var all []Problem
	for part := range slices.Chunk(anchors, maxReports) {
		var list struct{ Items []Problem }
		in := map[string]any{"anchors": part}
		if _, err := c.call(ctx, request{method: http.MethodPost, path: sourcePath(source, "/problems/.search")}, in, &list); err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
	}
	return all, nil
}

// Departed tells that the directory has deleted objects which the server doesn't
// have, in batches: what waits for them doesn't any more.
func (c *Client) Departed(ctx context.Context, source string, anchors []string) error {
	// The server keeps no other anchors.
	anchors = slices.DeleteFunc(slices.Clone(anchors), func(a string) bool { return a == "" || line(a, maxTerm) != a })
	for part := range slices.Chunk(anchors, maxReports) {
		in := map[string]any{"anchors": part}
		if _, err := c.call(ctx, request{method: http.MethodPost, path: sourcePath(source, "/departed")}, in, nil); err != nil {
			return err
		}
	}
	return nil
}

// line makes a text that may stand in a report: of at most n bytes, whole
// characters, without control characters.
func line(s string, n int) string {
	out := make([]rune, 0, min(len(s), n))
	size := 0
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == 0xfffd {
			r = ' '
		}
		k := len(string(r))
		if size += k; size > n {
			break
		}
		out = append(out, r)
	}
	return string(out)
}
