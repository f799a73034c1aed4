package inbound

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// entry is one record in the provisioning log, as Graph's
// provisioningObjectSummary has it.
type entry struct {
	ID               string         `json:"id"`
	ActivityDateTime time.Time      `json:"activityDateTime"`
	TenantID         string         `json:"tenantId"`
	JobID            string         `json:"jobId"`
	CycleID          string         `json:"cycleId"`
	ChangeID         string         `json:"changeId"`
	Action           string         `json:"provisioningAction"`
	Duration         int64          `json:"durationInMilliseconds"` // from acceptance to the end
	Status           entryStatus    `json:"provisioningStatusInfo"`
	LegacyStatus     entryStatus    `json:"statusInfo"` // as the beta version called it
	SourceIdentity   identity       `json:"sourceIdentity"`
	TargetIdentity   identity       `json:"targetIdentity"`
	InitiatedBy      initiator      `json:"initiatedBy"`
	ServicePrincipal namedPrincipal `json:"servicePrincipal"`
	SourceSystem     system         `json:"sourceSystem"`
	TargetSystem     system         `json:"targetSystem"`
}

type entryStatus struct {
	Status string            `json:"status"`
	Error  *errorInformation `json:"errorInformation"`
}

type errorInformation struct {
	Code   string `json:"errorCode"`
	Reason string `json:"reason"`
	Detail string `json:"additionalDetails"`
}

type identity struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Type        string `json:"identityType"`
}

type initiator struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Type        string `json:"initiatorType"`
}

type namedPrincipal struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

type system struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

func (r *request) showEntry(s store.Source, u store.UploadRecord) entry {
	p := showPrincipal(s)
	st := entryStatus{Status: string(u.Status)}
	if u.Code != "" || u.Detail != "" {
		st.Error = &errorInformation{u.Code, u.Detail, u.Detail}
	}
	return entry{
		ID: entryID(u), ActivityDateTime: u.SettledAt, TenantID: r.actor.Tenant.Slug, JobID: jobID(s), CycleID: u.Run,
		ChangeID: u.Txn, Action: u.Action, Duration: u.SettledAt.Sub(u.AcceptedAt).Milliseconds(), Status: st, LegacyStatus: st,
		SourceIdentity:   identity{u.ExternalID, u.Display, "User"},
		TargetIdentity:   identity{u.Subject, u.Display, "User"},
		InitiatedBy:      initiator{u.Actor, p.DisplayName, "application"},
		ServicePrincipal: namedPrincipal{p.ID, p.DisplayName},
		SourceSystem:     system{p.ID, p.DisplayName},
		TargetSystem:     system{r.actor.Tenant.Slug, r.actor.Tenant.DisplayName},
	}
}

func entryID(u store.UploadRecord) string { return u.Run + "-" + strconv.Itoa(u.Position) }

// logProperties are what the log can be asked for.
var logProperties = map[string]operators{
	"jobid": equality, "cycleid": {"eq", "ne"}, "serviceprincipal/id": equality, "sourceidentity/id": equality, "targetidentity/id": equality,
	"provisioningstatusinfo/status": equality, "statusinfo/status": equality, "status": equality,
	"provisioningaction": equality, "action": equality, "activitydatetime": ordering,
}

const (
	maxPage  = 1000
	pageSize = 100
)

// listLog answers what became of uploaded records, the newest first, page by page
// (ENTRA's auditLogs/provisioning).
func (s *Server) listLog(r *request) error {
	terms, err := r.filter(logProperties)
	if err != nil {
		return err
	}
	if len(terms) > 1 {
		return badQuery("the log takes no or in its $filter.")
	}
	all, err := s.dir.UploadSources(r.c.Request().Context(), r.actor)
	if err != nil {
		return err
	}
	var wanted []comparison
	if len(terms) == 1 {
		wanted = terms[0]
	}
	q, source, err := logQuery(wanted, all)
	if err != nil {
		return err
	}
	if err := r.page(&q); err != nil {
		return err
	}
	out := collection[entry]{Context: r.context("auditLogs/provisioning"), Value: []entry{}}
	if source.ID == 0 { // it asks for what the token doesn't see
		return r.json(http.StatusOK, out)
	}
	q.Limit++ // to know whether there are more
	found, err := s.dir.UploadLog(r.c.Request().Context(), q)
	if err != nil {
		return err
	}
	if len(found) == q.Limit {
		found = found[:q.Limit-1]
		out.Next = r.next(found[len(found)-1])
	}
	for _, u := range found {
		out.Value = append(out.Value, r.showEntry(source, u))
	}
	return r.json(http.StatusOK, out)
}

// logQuery turns comparisons into a query of one of the sources; none if they ask
// for a source that isn't among them, or for two values of one property.
func logQuery(wanted []comparison, all []store.Source) (q store.UploadQuery, source store.Source, err error) {
	left := all
	for _, c := range wanted {
		switch c.property {
		case "jobid":
			left = keep(left, func(s store.Source) bool { return strings.EqualFold(jobID(s), c.value) })
		case "serviceprincipal/id":
			left = keep(left, func(s store.Source) bool { return strings.EqualFold(s.PublicID, c.value) })
		case "activitydatetime":
			if err := between(&q, c); err != nil {
				return q, source, err
			}
		default:
			if c.operator == "ne" {
				q.NotRuns = append(q.NotRuns, c.value)
			} else if !narrow(&q, c) {
				left = nil
			}
		}
	}
	if len(left) > 1 {
		return q, source, badQuery("there are several jobs: ask for one by jobId or servicePrincipal/id.")
	}
	if len(left) == 1 {
		source = left[0]
	}
	q.Source = source.ID
	return q, source, nil
}

func keep(all []store.Source, fits func(store.Source) bool) []store.Source {
	var out []store.Source
	for _, s := range all {
		if fits(s) {
			out = append(out, s)
		}
	}
	return out
}

// narrow adds a comparison to a query. It says false where nothing can fit.
func narrow(q *store.UploadQuery, c comparison) bool {
	to := map[string]*string{"cycleid": &q.Run, "sourceidentity/id": &q.ExternalID, "targetidentity/id": &q.Subject, "provisioningaction": &q.Action, "action": &q.Action}[c.property]
	value := c.value
	switch {
	case to == nil:
		value = strings.ToLower(value)
		same := q.Status == "" || string(q.Status) == value
		q.Status = store.UploadStatus(value)
		return same && value != ""
	case to == &q.Action:
		value = strings.ToLower(value)
	}
	same := *to == "" || *to == value
	*to = value
	return same && value != ""
}

// between narrows a query in time.
func between(q *store.UploadQuery, c comparison) error {
	at, err := time.Parse(time.RFC3339Nano, c.value)
	if err != nil {
		return badQuery("%.40q is no time; it is written as in RFC 3339.", c.value)
	}
	at = at.Truncate(time.Microsecond)
	const tick = time.Microsecond
	since, until := time.Time{}, time.Time{}
	switch c.operator {
	case "eq":
		since, until = at, at.Add(tick)
	case "ge":
		since = at
	case "gt":
		since = at.Add(tick)
	case "le":
		until = at.Add(tick)
	case "lt":
		until = at
	}
	if since.After(q.Since) {
		q.Since = since
	}
	if !until.IsZero() && (q.Until.IsZero() || until.Before(q.Until)) {
		q.Until = until
	}
	return nil
}

// page reads $top, $orderby and $skiptoken.
func (r *request) page(q *store.UploadQuery) error {
	p := r.c.QueryParams()
	q.Limit = pageSize
	if p.Has("$top") {
		n, err := strconv.Atoi(p.Get("$top"))
		if err != nil || n < 1 || n > maxPage {
			return badQuery("$top is a number from 1 to %d.", maxPage)
		}
		q.Limit = n
	}
	switch strings.ToLower(strings.Join(strings.Fields(p.Get("$orderby")), " ")) {
	case "", "activitydatetime desc":
	case "activitydatetime", "activitydatetime asc":
		q.Oldest = true
	default:
		return badQuery("$orderby is activityDateTime asc or desc.")
	}
	if !p.Has("$skiptoken") {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Get("$skiptoken"))
	var after [2]int64
	if err != nil || len(b) > 64 || json.Unmarshal(b, &after) != nil || after[0] <= 0 {
		return badQuery("$skiptoken is none of ours; begin without one.")
	}
	q.After, q.AfterID = time.UnixMicro(after[0]).UTC(), after[1]
	return nil
}

// next is the URL of the page behind a record.
func (r *request) next(last store.UploadRecord) string {
	token := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "[%d,%d]", last.SettledAt.UnixMicro(), last.ID))
	p := url.Values{}
	for name, values := range r.c.QueryParams() {
		p[name] = values
	}
	p.Set("$skiptoken", token)
	return r.base() + "/auditLogs/provisioning?" + p.Encode()
}
