package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/csvupload"
	"github.com/workspace-scim/workspace/store"
)

// workPatience is how long a client waits for a piece of its file to be worked on.
const workPatience = 2 * time.Minute

// separators gives the separators of cells by their names.
var separators = map[string]byte{"": 0, "comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|'}

// uploadFile takes a CSV file of people, of a source (docs/uploads.md). As a dry
// run it tells what would become of them.
func (s *Server) uploadFile(r *request) error {
	ctx := r.c.Request().Context()
	source, err := s.dir.FileSource(ctx, r.actor, r.id)
	if err != nil {
		return err
	}
	o, err := r.fileOptions()
	if err != nil {
		return err
	}
	select {
	case s.files <- struct{}{}:
		defer func() { <-s.files }()
	default:
		return tooFast()
	}
	in, err := s.spool(r)
	if err != nil {
		return err
	}
	defer in.Close()
	o.Rules = in.rules
	o.Progress = func(int64, int64) {
		_ = http.NewResponseController(r.c.Response()).SetWriteDeadline(time.Now().Add(workPatience)) // a test's recorder has none
	}
	if r.actor.DryRun {
		var sum csvupload.Summary
		err := csvupload.Preview(ctx, s.dir, r.actor, source, in.file, o, func(u store.UploadRecord) error {
			sum.Add(u)
			return nil
		})
		if err != nil {
			return err
		}
		return r.json(http.StatusOK, sum)
	}
	n, err := csvupload.Accept(ctx, s.dir, r.actor, source, in.file, o)
	if err != nil {
		return err
	}
	r.c.Response().Header().Set("Location", Prefix+"/sources/"+source.PublicID+"/uploads/"+n.PublicID)
	return r.run(http.StatusAccepted, n)
}

// fileOptions reads how a file is to be read.
func (r *request) fileOptions() (o csvupload.Options, err error) {
	q := r.c.QueryParams()
	separator, known := separators[q.Get("separator")]
	o.Options = csvrecords.Options{Encoding: csvrecords.Encoding(q.Get("encoding")), Separator: separator}
	if !known {
		return o, problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "separator", Detail: fmt.Sprintf("%.20q is no separator.", q.Get("separator")), Way: "Use comma, semicolon, tab or pipe."}
	}
	return o, nil
}

// getUpload answers how far an upload is.
func (s *Server) getUpload(r *request) error {
	n, err := s.dir.Upload(r.c.Request().Context(), r.actor, r.id, r.upload)
	if err != nil {
		return err
	}
	return r.run(http.StatusOK, n)
}

// result is what became of a row.
type result struct {
	Row    int    `json:"row"`
	Key    string `json:"key,omitempty"`
	Name   string `json:"name"`
	Action string `json:"action"`
	Status string `json:"status"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
	UserID string `json:"userId,omitempty"`
}

func showResult(u store.UploadRecord) result {
	return result{
		Row: u.Position + 1, Key: u.ExternalID, Name: csvupload.Name(u), Action: u.Action, Status: string(u.Status), Code: u.Code, Detail: u.Detail, UserID: u.Subject,
	}
}

// listResults answers what became of the rows of an upload that are settled, in
// pages or as a file.
func (s *Server) listResults(r *request) error {
	n, err := s.dir.Upload(r.c.Request().Context(), r.actor, r.id, r.upload)
	if err != nil {
		return err
	}
	asFile, err := r.wantsCSV()
	if err != nil {
		return err
	}
	if asFile {
		return s.exportResults(r, n)
	}
	p, err := r.page(2)
	if err != nil {
		return err
	}
	q := store.UploadQuery{Source: n.Source, Run: n.PublicID, Oldest: true, Limit: p.limit}
	if p.cursor != nil {
		settled, errSettled := strconv.ParseInt(p.part(0), 10, 64)
		id, errID := strconv.ParseInt(p.part(1), 10, 64)
		if errSettled != nil || errID != nil || settled <= 0 {
			return problem{Status: http.StatusBadRequest, Code: "invalidCursor", Attribute: "cursor", Detail: "The cursor is none of ours.", Way: "Begin without one."}
		}
		q.After, q.AfterID = time.UnixMicro(settled).UTC(), id
	}
	all, err := s.dir.UploadLog(r.c.Request().Context(), q)
	if err != nil {
		return err
	}
	return list(r, p, all, showResult, func(u store.UploadRecord) []string {
		return []string{strconv.FormatInt(u.SettledAt.UnixMicro(), 10), strconv.FormatInt(u.ID, 10)}
	})
}

// exportResults sends the results as a file, part by part, in flat memory.
func (s *Server) exportResults(r *request, n store.Run) error {
	res := r.c.Response()
	h := res.Header()
	h.Set("Content-Type", csvupload.MediaType)
	h.Set("Content-Disposition", `attachment; filename="results.csv"`)
	res.WriteHeader(http.StatusOK)
	if r.c.Request().Method == http.MethodHead {
		return nil
	}
	w, err := csvupload.NewResult(res)
	if err != nil {
		return err
	}
	rows := 0
	err = csvupload.Each(r.c.Request().Context(), s.dir, n, func(u store.UploadRecord) error {
		if rows++; rows%exportPart == 1 {
			_ = http.NewResponseController(res).SetWriteDeadline(time.Now().Add(exportTimeout)) // a test's recorder has none
		}
		return w.Add(u)
	})
	if err != nil {
		return err
	}
	return w.Flush()
}
