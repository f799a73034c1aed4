package api

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/eventcsv"
)

// event is an event as it is shown.
type event struct {
	Seq     int64           `json:"seq"`
	Time    time.Time       `json:"time"`
	Type    string          `json:"type"`
	Outcome string          `json:"outcome"`
	Reason  string          `json:"reason,omitempty"`
	Detail  string          `json:"detail,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Source  string          `json:"source,omitempty"` // the public id
	Actor   string          `json:"actor"`
	Run     string          `json:"run,omitempty"`
	Txn     string          `json:"txn"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

func showEvent(e directory.EventState) event {
	return event{e.Seq, e.Time, e.Type, e.Outcome, e.Reason, e.Detail, e.Subject, e.SourceID, e.Actor, e.Run, e.Txn, e.Before, e.After}
}

func (s *Server) listEvents(r *request) error {
	p, from, err := r.numbered()
	if err != nil {
		return err
	}
	f, err := r.eventFilter()
	if err != nil {
		return err
	}
	csv, err := r.wantsCSV()
	if err != nil {
		return err
	}
	if csv {
		return s.exportEvents(r, f)
	}
	all, next, err := s.dir.FindEvents(r.c.Request().Context(), r.actor, f, from, p.limit)
	if err != nil {
		return err
	}
	out := listing[event]{Items: make([]event, 0, len(all))}
	for _, e := range all {
		out.Items = append(out.Items, showEvent(e))
	}
	if next != 0 {
		if out.Next, err = cursorOf(strconv.FormatInt(next, 10)); err != nil {
			return err
		}
	}
	return r.json(http.StatusOK, out)
}

func (r *request) eventFilter() (directory.EventFilter, error) {
	q := r.c.QueryParam
	f := directory.EventFilter{Subject: q("subject"), Run: q("run"), Source: q("source"), Type: q("type"), Outcome: q("outcome")}
	switch order := q("order"); order {
	case "", "newest":
	case "oldest":
		f.Oldest = true
	default:
		return f, problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "order", Detail: fmt.Sprintf("%.20q is no order.", order), Way: "Use newest or oldest."}
	}
	for name, at := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if q(name) == "" {
			continue
		}
		var err error
		if *at, err = time.Parse(time.RFC3339, q(name)); err != nil {
			return f, problem{
				Status: http.StatusBadRequest, Code: "invalidValue", Attribute: name, Detail: name + " is a time as in 2026-11-22T12:00:00Z.", Way: "Write it as in RFC 3339; a + in a query is %2B.",
			}
		}
	}
	return f, nil
}

// wantsCSV says whether events are asked for as a file, which holds all that fit.
func (r *request) wantsCSV() (bool, error) {
	q := r.c.QueryParams()
	csv := q.Get("format") == "csv"
	if format := q.Get("format"); format != "" && format != "csv" && format != "json" {
		return false, problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "format", Detail: fmt.Sprintf("%.20q is no format.", format), Way: "Use json or csv."}
	}
	for accepted := range strings.SplitSeq(r.c.Request().Header.Get("Accept"), ",") {
		media, _, err := mime.ParseMediaType(accepted)
		csv = csv || err == nil && media == "text/csv" && q.Get("format") == ""
	}
	if csv && (q.Has("limit") || q.Has("cursor")) {
		return false, problem{Status: http.StatusBadRequest, Code: "invalidQuery", Detail: "A file has no pages: it holds all that fits.", Way: "Leave limit and cursor out."}
	}
	return csv, nil
}

// The parts in which a file is read and sent, and how long a client may take for
// one.
const (
	exportPart    = 500
	exportTimeout = 20 * time.Second
)

// exportEvents sends all events that fit, part by part, in flat memory: while a
// part is being sent the database isn't kept busy.
func (s *Server) exportEvents(r *request, f directory.EventFilter) error {
	ctx, res := r.c.Request().Context(), r.c.Response()
	all, next, err := s.dir.FindEvents(ctx, r.actor, f, 0, exportPart)
	if err != nil {
		return err
	}
	h := res.Header()
	h.Set("Content-Type", eventcsv.MediaType)
	h.Set("Content-Disposition", `attachment; filename="events.csv"`)
	res.WriteHeader(http.StatusOK)
	if r.c.Request().Method == http.MethodHead {
		return nil
	}
	w, err := eventcsv.New(res)
	for {
		// Not every writer has deadlines (a test's recorder has none).
		_ = http.NewResponseController(res).SetWriteDeadline(time.Now().Add(exportTimeout))
		for _, e := range all {
			if err == nil {
				err = w.Write(e.Event, e.SourceName)
			}
		}
		if err == nil {
			err = w.Flush()
		}
		if err != nil || next == 0 {
			return err
		}
		all, next, err = s.dir.FindEvents(ctx, r.actor, f, next, exportPart)
	}
}
