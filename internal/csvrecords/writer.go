package csvrecords

import (
	"bufio"
	"io"
	"strings"
)

// Writer writes rows as RFC 4180 has them: UTF-8, commas, CR LF. Its cells are
// what people read in a spreadsheet: see Plain. It keeps no more than a buffer of
// what it writes.
type Writer struct{ w *bufio.Writer }

// NewWriter makes a Writer.
func NewWriter(w io.Writer) *Writer { return &Writer{bufio.NewWriter(w)} }

// Write writes a row. Errors of the stream come up at the latest with Flush.
// (encoding/csv would change line breaks within cells.)
func (w *Writer) Write(cells []string) error {
	for i, c := range cells {
		if i > 0 {
			_ = w.w.WriteByte(',') // a bufio.Writer keeps its error
		}
		if c = Plain(c); strings.ContainsAny(c, "\",\r\n") || c == "" && len(cells) == 1 {
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
// don't show (OWASP, CSV injection).
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
