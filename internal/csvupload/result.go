package csvupload

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// MediaType is that of what a Result writes.
const MediaType = "text/csv; charset=utf-8; header=present"

// resultPage is how many records are read at once.
const resultPage = 1000

// Result writes what became of rows as CSV for people: a line for each, behind a
// line of names.
type Result struct{ w *csvrecords.Writer }

// NewResult begins a result.
func NewResult(w io.Writer) (*Result, error) {
	r := &Result{csvrecords.NewWriter(w)}
	return r, r.w.Write([]string{"row", "key", "name", "action", "status", "code", "detail", "userId"})
}

// Add writes the line of a record. Rows count from 1 behind the header.
func (r *Result) Add(u store.UploadRecord) error {
	return r.w.Write([]string{strconv.Itoa(u.Position + 1), u.ExternalID, u.Display, u.Action, string(u.Status), u.Code, u.Detail, u.Subject})
}

// Flush writes what is still kept.
func (r *Result) Flush() error { return r.w.Flush() }

// Name is what a row is called: the user's name, or else its key or its number.
func Name(u store.UploadRecord) string {
	switch {
	case u.Display != "" && u.ExternalID != "":
		return u.Display + " (" + u.ExternalID + ")"
	case u.Display != "" || u.ExternalID != "":
		return u.Display + u.ExternalID
	}
	return fmt.Sprintf("row %d", u.Position+1)
}

// Each gives what became of the records of a run, those that are settled, in the
// order in which they were.
func Each(ctx context.Context, d *directory.Directory, n store.Run, fn func(store.UploadRecord) error) error {
	q := store.UploadQuery{Source: n.Source, Run: n.PublicID, Oldest: true, Limit: resultPage}
	for {
		all, err := d.UploadLog(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range all {
			if err := fn(u); err != nil {
				return err
			}
			q.After, q.AfterID = u.SettledAt, u.ID
		}
		if len(all) < resultPage {
			return nil
		}
	}
}
