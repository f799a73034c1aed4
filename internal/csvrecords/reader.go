package csvrecords

import (
	"fmt"
	"io"
	"strings"
)

// The bounds of what is read.
const (
	MaxCell    = 64 << 10 // bytes of a cell
	MaxRow     = 1 << 20  // bytes of a row
	MaxColumns = 500
)

// Options are what the file doesn't tell by itself; the zero value leaves it to
// the file.
type Options struct {
	Encoding  Encoding
	Separator byte // a comma, semicolon, tab or pipe; 0 for what the header tells
}

// Row is a row of a file.
type Row struct {
	// Number counts the rows behind the header from 1; those without any text in
	// them don't count.
	Number int64
	// Line is the line of the file, from 1, in which the row begins.
	Line int64
	// Offset is the byte of the file with which the row begins.
	Offset int64
	// Cells has as many as the header has columns; nil with a Fault.
	Cells []string
	// Fault is what is wrong with the row, nil if nothing is.
	Fault *Fault
}

// Reader reads the rows of a file. It isn't for several goroutines at once.
type Reader struct {
	window   *window
	encoding Encoding
	cutter   cutter
	header   []string
	width    int // how many cells a row has; 0 while the header is read
	number   int64
	line     int64
	offset   int64
}

// NewReader reads the header of a file. What is wrong with it is a *Fault; other
// errors are those of r.
//
// The encoding, if the options don't name one, is that of the byte order mark;
// UTF-16 if all of the first line is so; else UTF-8, or Windows-1252 if the first
// text that isn't ASCII is none of UTF-8. The separator is that of a line "sep=;"
// before the header, or the one which the header has most often. Names are
// trimmed; two that are the same without regard to case are refused.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	switch o.Encoding {
	case Detect, UTF8, UTF16LE, UTF16BE, Windows1252:
	default:
		return nil, fault(UnknownEncoding, "%.40q is no encoding that can be read: use utf-8, utf-16le, utf-16be or windows-1252.", o.Encoding)
	}
	out := &Reader{line: 1}
	out.window, out.encoding, out.offset = opened(r, o.Encoding)
	err := out.readHeader(o.Separator)
	if err == io.EOF {
		err = fault(NoHeader, "The file is empty: its first row names the columns.")
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Header gives the names of the columns, which are not to be changed.
func (r *Reader) Header() []string { return r.header }

// Offset is how many bytes of the file were read, up to the end of the last row.
func (r *Reader) Offset() int64 { return r.offset }

// Encoding is that of the file; Detect as long as all that was read is ASCII.
func (r *Reader) Encoding() Encoding { return r.encoding }

// Read gives the next row that isn't empty; io.EOF behind the last. What is wrong
// with a row is its Fault; an error is that of the stream, and rows that weren't
// read whole before it aren't given.
func (r *Reader) Read() (Row, error) {
	for {
		row, err := r.row()
		if err != nil || row.Fault != nil || filled(row.Cells) {
			return row, err
		}
		r.number--
	}
}

func filled(cells []string) bool {
	for _, c := range cells {
		if c != "" {
			return true
		}
	}
	return false
}

// row reads a row, also an empty one.
func (r *Reader) row() (Row, error) {
	for {
		b := r.window.bytes()
		if len(b) == 0 && r.window.err != nil {
			return Row{}, r.window.err
		}
		n, s, last := 0, open, r.window.ended()
		if len(b) > 0 {
			n, s = r.cutter.cut(b, last)
		}
		switch {
		case s == whole:
			if r.undecided(b[:n]) {
				continue // the window moved
			}
			return r.take(b[:n]), nil
		case s == stray:
			return r.refuse(StrayQuote, "has a quote within a cell. Put the cell in quotes, and double the quotes in it."), nil
		case r.window.more(), r.window.ended() != last: // it is looked at again
		case !r.window.ended() && !r.window.full():
			return Row{}, r.window.err
		case s == quoting:
			return r.refuse(UnclosedQuote, "opens a quote that isn't closed. Close it, or double it within quotes."), nil
		default:
			return r.refuse(RowTooLong, "is longer than 1 MiB."), nil
		}
	}
}

// undecided decides about the encoding if a row is the first that tells, and says
// whether it did.
func (r *Reader) undecided(row []byte) bool {
	if r.encoding != Detect || ascii(row) {
		return false
	}
	r.window.least(max(len(row), smallWindow))
	r.encoding = narrow(r.window.bytes())
	return true
}

// take makes a row of what was cut, and leaves it behind.
func (r *Reader) take(b []byte) Row {
	row := r.begin()
	row.Cells, row.Fault = r.texts(b, row.Line)
	r.passed(b)
	r.window.skip(len(b))
	return row
}

// refuse gives a row with a fault, and leaves its first line behind.
func (r *Reader) refuse(code Code, sentence string) Row {
	row := r.begin()
	row.Fault = fault(code, "Line %d %s", row.Line, sentence)
	r.window.skipLine(r.passed)
	return row
}

func (r *Reader) begin() Row {
	r.number++
	return Row{Number: r.number, Line: r.line, Offset: r.offset}
}

// passed counts what was left behind.
func (r *Reader) passed(b []byte) {
	r.offset += r.encoding.size(b)
	r.line += lineBreaks(b)
}

// texts gives the texts of the cells of a row, none for an empty line.
func (r *Reader) texts(b []byte, line int64) ([]string, *Fault) {
	cells := r.cutter.cells
	for r.width > 0 && len(cells) > r.width && len(cells) <= MaxColumns && cells[len(cells)-1].empty() {
		cells = cells[:len(cells)-1] // Excel fills rows up with them
	}
	switch {
	case len(b) > MaxRow:
		return nil, fault(RowTooLong, "Line %d begins a row that is longer than 1 MiB.", line)
	case len(cells) > MaxColumns:
		return nil, fault(WrongCells, "Line %d has more than %d cells.", line, MaxColumns)
	case len(cells) == 1 && cells[0].empty():
		return nil, nil
	case r.width > 0 && len(cells) != r.width:
		return nil, fault(WrongCells, "Line %d begins a row of %d cells, and the header has %d columns.", line, len(cells), r.width)
	}
	out := make([]string, len(cells))
	for i, c := range cells {
		s, wrong := r.text(b[c.from:c.to], c.doubled)
		if wrong != nil {
			wrong.Sentence = fmt.Sprintf("Line %d: the cell of column %d %s", line, i+1, wrong.Sentence)
			return nil, wrong
		}
		out[i] = s
	}
	return out, nil
}

// text gives the text of a cell.
func (r *Reader) text(b []byte, doubled bool) (string, *Fault) {
	s, ok := r.encoding.text(b)
	if doubled {
		s = strings.ReplaceAll(s, `""`, `"`)
	}
	switch {
	case len(s) > MaxCell:
		return "", fault(CellTooLong, "is longer than 64 KiB.")
	case !ok:
		return "", fault(BadEncoding, "has bytes that are no characters of %s. Save the file as UTF-8.", r.encoding)
	case strings.IndexByte(s, 0) >= 0:
		return "", fault(NULCharacter, "has the character U+0000.")
	}
	return s, nil
}
