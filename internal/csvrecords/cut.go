package csvrecords

import "bytes"

// state is what cutting a row came to.
type state int

const (
	whole   state = iota // the row is all there
	open                 // it has no end yet, outside of quotes
	quoting              // it has no end yet, within quotes
	stray                // a quote stands where none may be
)

// cell is where the text of a cell is, without the quotes around it.
type cell struct {
	from, to int
	doubled  bool // it has quotes that are doubled
}

func (c cell) empty() bool { return c.from == c.to }

// cutter divides rows into cells. It works on bytes: in UTF-8 and Windows-1252
// none of those that it looks for is part of another character.
type cutter struct {
	separator byte
	// literal takes quotes within a cell for themselves, as names like
	// emails[type eq "work"].value in a header need it.
	literal bool
	cells   []cell // of the last row, at most MaxColumns+1
}

// cut finds the end of the row that b begins with: how many bytes it has with its
// line break. last says that nothing comes behind b.
func (c *cutter) cut(b []byte, last bool) (int, state) {
	c.cells = c.cells[:0]
	for at := 0; ; {
		one, end, s := c.one(b, at)
		if s != whole {
			return 0, s
		}
		if len(c.cells) <= MaxColumns {
			c.cells = append(c.cells, one)
		}
		switch {
		case end < len(b) && b[end] == c.separator:
			at = end + 1
			continue
		case end == len(b) && !last:
			return 0, open
		case end == len(b):
			return end, whole
		case b[end] == '\r' && end+1 == len(b) && !last:
			return 0, open // a LF may follow
		}
		return end + lineBreak(b[end:]), whole
	}
}

// one finds the cell that begins at a position, and where it ends: at a separator,
// a line break or the end of b.
func (c *cutter) one(b []byte, at int) (cell, int, state) {
	if at < len(b) && b[at] == '"' {
		return c.quoted(b, at+1)
	}
	for end := at; end < len(b); end++ {
		switch b[end] {
		case c.separator, '\r', '\n':
			return cell{from: at, to: end}, end, whole
		case '"':
			if !c.literal {
				return cell{}, 0, stray
			}
		}
	}
	return cell{from: at, to: len(b)}, len(b), whole
}

// quoted finds the end of a cell whose opening quote was read.
func (c *cutter) quoted(b []byte, at int) (cell, int, state) {
	out := cell{from: at}
	for {
		i := bytes.IndexByte(b[at:], '"')
		if i < 0 {
			return cell{}, 0, quoting
		}
		out.to, at = at+i, at+i+1
		switch {
		case at == len(b), b[at] == c.separator, b[at] == '\r', b[at] == '\n':
			return out, at, whole // at the end of b more is read first: the quote may be a doubled one
		case b[at] != '"':
			return cell{}, 0, stray
		}
		out.doubled = true
		at++
	}
}

// lineBreak is how long the line break is that b begins with, 0 for none.
func lineBreak(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case len(b) > 0 && (b[0] == '\r' || b[0] == '\n'):
		return 1
	}
	return 0
}

// lineBreaks counts the line breaks in b.
func lineBreaks(b []byte) (n int64) {
	for {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			return n
		}
		n++
		b = b[i+lineBreak(b[i:]):]
	}
}
