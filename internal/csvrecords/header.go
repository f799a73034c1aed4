package csvrecords

import (
	"bytes"
	"strings"
)

// separators are those that are told apart, the first before the others where a
// header has as many of two.
const separators = ",;\t|"

// readHeader reads the names of the columns, and what comes before them.
func (r *Reader) readHeader(separator byte) error {
	if separator != 0 && strings.IndexByte(separators, separator) < 0 {
		return fault(UnknownSeparator, "Cells can't be separated by %q: use a comma, a semicolon, a tab or a pipe.", separator)
	}
	told := r.readSeparator()
	switch {
	case separator != 0:
		r.cutter.separator = separator
	case told != 0:
		r.cutter.separator = told
	default:
		r.cutter.separator = guess(r.firstLine())
	}
	r.cutter.literal = true
	row, err := r.row()
	r.cutter.literal = false
	switch {
	case err != nil:
		return err
	case row.Fault != nil && row.Fault.Code == WrongCells:
		return fault(TooManyColumns, "The header has more than %d columns.", MaxColumns)
	case row.Fault != nil:
		return fault(InvalidHeader, "The header can't be read. %s", row.Fault.Sentence)
	}
	r.number = 0
	return r.name(row.Cells)
}

// name takes the names of the columns. Those without a name at the end are none.
func (r *Reader) name(cells []string) error {
	seen := map[string]int{}
	for i, c := range cells {
		cells[i] = strings.TrimSpace(c)
		if cells[i] != "" {
			r.header = cells[:i+1]
		}
	}
	if len(r.header) == 0 {
		return fault(NoHeader, "The first row names no columns.")
	}
	for i, c := range r.header {
		if c == "" {
			return fault(UnnamedColumn, "Column %d of the header has no name.", i+1)
		}
		key := strings.ToLower(c)
		if before, twice := seen[key]; twice {
			return fault(DuplicateColumn, "Columns %d and %d of the header are both called %.100q.", before, i+1, c)
		}
		seen[key] = i + 1
	}
	r.width = len(r.header)
	return nil
}

// readSeparator reads the line by which a file tells Excel its separator, if
// there is one; 0 if there isn't.
func (r *Reader) readSeparator() byte {
	line := bytes.Trim(r.firstLine(), `"`)
	if len(line) != 5 || !bytes.EqualFold(line[:4], []byte("sep=")) || strings.IndexByte(separators, line[4]) < 0 {
		return 0
	}
	told := line[4]
	r.window.skipLine(r.passed)
	return told
}

// firstLine gives the line that isn't empty with which the window begins, as far
// as a row may be long. Empty ones before it are left behind.
func (r *Reader) firstLine() []byte {
	for {
		r.window.least(2)
		n := lineBreak(r.window.bytes())
		if n == 0 {
			break
		}
		r.passed(r.window.bytes()[:n])
		r.window.skip(n)
	}
	for looked := 0; ; {
		b := r.window.bytes()
		if i := bytes.IndexAny(b[looked:], "\r\n"); i >= 0 {
			return b[:looked+i]
		}
		looked = len(b)
		if looked > MaxRow || !r.window.more() {
			return r.window.bytes()
		}
	}
}

// guess gives the separator that is most often in a line, outside of quotes.
func guess(line []byte) byte {
	var count [len(separators)]int
	quoted := false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		}
		if i := strings.IndexByte(separators, c); i >= 0 && !quoted {
			count[i]++
		}
	}
	best := 0
	for i, n := range count {
		if n > count[best] {
			best = i
		}
	}
	return separators[best]
}
