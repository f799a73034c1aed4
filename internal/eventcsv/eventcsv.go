// Package eventcsv writes events as comma-separated values (RFC 4180) that a
// spreadsheet takes for what they are. Values come from directories, where
// anybody may have written them, so a cell that a spreadsheet would take for a
// formula is told not to be one (OWASP, CSV injection).
package eventcsv

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// MediaType is that of what a Writer writes (RFC 7111 §5.1: header says that
// there is a header line).
const MediaType = "text/csv; charset=utf-8; header=present"

// columns are the names in the first line, in the order of the cells.
var columns = []string{"seq", "time", "type", "outcome", "reason", "detail", "subject", "source", "actor", "run", "txn", "before", "after"}

// Writer writes events, a line each, behind a line of names. It keeps no more
// than a buffer of what it writes.
type Writer struct{ w *bufio.Writer }

// New makes a Writer and writes the line of names. Errors of w come up at the
// latest with Flush.
func New(w io.Writer) (*Writer, error) {
	out := &Writer{bufio.NewWriter(w)}
	return out, out.line(columns)
}

// Write writes an event. source names its source. Times are in UTC to the
// microsecond, before and after are JSON.
func (w *Writer) Write(e store.Event, source string) error {
	return w.line([]string{
		strconv.FormatInt(e.Seq, 10), e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Type, e.Outcome, e.Reason, e.Detail, e.Subject, source,
		e.Actor, e.Run, e.Txn, string(e.Before), string(e.After),
	})
}

// line writes cells as RFC 4180 §2 has it. (encoding/csv would change line
// breaks within them.)
func (w *Writer) line(cells []string) error {
	for i, c := range cells {
		if i > 0 {
			_ = w.w.WriteByte(',') // a bufio.Writer keeps its error
		}
		if c = Plain(c); strings.ContainsAny(c, "\",\r\n") {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		_, _ = w.w.WriteString(c)
	}
	_, err := w.w.WriteString("\r\n")
	return err
}

// Flush writes what is still kept.
func (w *Writer) Flush() error { return w.w.Flush() }

// Plain gives a cell that no spreadsheet takes for a formula: where it begins as
// one, also behind blanks, an apostrophe is put before it, which spreadsheets
// don't show.
func Plain(cell string) string {
	start := strings.TrimLeft(cell, " \u00a0")
	if start == "" || !strings.ContainsAny(start[:1], "=+-@\t\r\n") && !fullWidth(start) {
		return cell
	}
	return "'" + cell
}

// fullWidth says whether a text begins with the full-width form of one of the
// characters, which some spreadsheets read alike.
func fullWidth(s string) bool {
	for _, c := range []string{"＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, c) {
			return true
		}
	}
	return false
}
