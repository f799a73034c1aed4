// Package eventcsv writes events as comma-separated values (RFC 4180) that a
// spreadsheet takes for what they are: values come from directories, where
// anybody may have written them.
package eventcsv

import (
	"io"
	"strconv"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/store"
)

// MediaType is that of what a Writer writes (RFC 7111 §5.1: header says that
// there is a header line).
const MediaType = "text/csv; charset=utf-8; header=present"

// columns are the names in the first line, in the order of the cells.
var columns = []string{"seq", "time", "type", "outcome", "reason", "detail", "subject", "source", "actor", "run", "txn", "before", "after"}

// Writer writes events, a line each, behind a line of names. It keeps no more
// than a buffer of what it writes.
type Writer struct{ w *csvrecords.Writer }

// New makes a Writer and writes the line of names. Errors of w come up at the
// latest with Flush.
func New(w io.Writer) (*Writer, error) {
	out := &Writer{csvrecords.NewWriter(w)}
	return out, out.w.Write(columns)
}

// Write writes an event. source names its source. Times are in UTC to the
// microsecond, before and after are JSON.
func (w *Writer) Write(e store.Event, source string) error {
	return w.w.Write([]string{
		strconv.FormatInt(e.Seq, 10), e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Type, e.Outcome, e.Reason, e.Detail, e.Subject, source,
		e.Actor, e.Run, e.Txn, string(e.Before), string(e.After),
	})
}

// Flush writes what is still kept.
func (w *Writer) Flush() error { return w.w.Flush() }
