package csvupload

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/store"
)

// piece is how many rows are accepted, or tried, in one transaction: as many as
// one of the queue has when they are tried.
const (
	piece      = 500
	tried      = 50
	mostBytes  = 4 << 20 // of the texts of a piece
	hashBuffer = 256 << 10
)

// Options say how a file is read and what its rows mean.
type Options struct {
	csvrecords.Options
	// Rules make records of the rows, whose columns are their attributes; nil if the
	// columns are called as the attributes of SCIM that they fill.
	Rules *mapping.Rules
	// Finished asks for the last upload of the same file, also if it has ended.
	Finished bool
	// Progress is told after each piece how far the file was read, in bytes, and how
	// many rows that is; nil for nobody.
	Progress func(bytes, rows int64)
}

// Accept keeps the rows of a file as records of one run of a source, and gives
// that run: its rows are worked on by a server, or by Directory.WorkFile. Rows that
// were kept before, because the same file is being uploaded or was interrupted,
// aren't kept again. What is wrong with the file as a whole is a *csvrecords.Fault
// or a *directory.Violation, and nothing was kept.
func Accept(ctx context.Context, d *directory.Directory, a directory.Actor, s store.Source, file io.ReadSeeker, o Options) (store.Run, error) {
	f, err := open(ctx, d, a, s, file, o)
	if err != nil {
		return store.Run{}, err
	}
	id, err := Content(file, o)
	if err != nil {
		return store.Run{}, err
	}
	n, err := d.BeginFile(ctx, a, s.PublicID, id, o.Finished)
	if err != nil {
		return n, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return n, err
	}
	if f.reader, err = csvrecords.NewReader(file, o.Options); err != nil {
		return n, err
	}
	for at := int64(0); directory.Accepting(n); {
		rows, last, err := f.next(piece)
		if err != nil {
			return n, err
		}
		from := at
		if at += int64(len(rows)); at <= n.Total && !last {
			continue // they were accepted before
		}
		rows = rows[min(max(0, n.Total-from), int64(len(rows))):]
		all, err := f.records(ctx, rows)
		if err != nil {
			return n, err
		}
		if n, err = d.AcceptRows(ctx, a, n.PublicID, max(from, n.Total), all, last); err != nil {
			return n, err
		}
		if last && directory.Accepting(n) && n.Total < at {
			return n, errors.New("somebody else uploads the same file; wait for that upload")
		}
		if o.Progress != nil {
			o.Progress(f.reader.Offset(), at)
		}
	}
	return n, nil
}

// file is a file that is read.
type file struct {
	*converter
	reader *csvrecords.Reader
}

// open reads the header of a file, and what its columns mean.
func open(ctx context.Context, d *directory.Directory, a directory.Actor, s store.Source, in io.ReadSeeker, o Options) (*file, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r, err := csvrecords.NewReader(in, o.Options)
	if err != nil {
		return nil, err
	}
	c, err := newConverter(ctx, d, a, s, r.Header(), o.Rules)
	return &file{c, r}, err
}

// next gives the next rows, at most limit, and whether they are the last.
func (f *file) next(limit int) (rows []csvrecords.Row, last bool, err error) {
	for size := 0; len(rows) < limit && size < mostBytes; {
		row, err := f.reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, true, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("reading the file: %w", err)
		}
		for _, c := range row.Cells {
			size += len(c)
		}
		rows = append(rows, row)
	}
	return rows, false, nil
}

// Content is the SHA-256 of what a file says: its bytes, and how they are read.
func Content(in io.ReadSeeker, o Options) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	how, err := json.Marshal(struct {
		Encoding  csvrecords.Encoding
		Separator byte
		Rules     *mapping.Rules
	}{o.Encoding, o.Separator, o.Rules})
	if err != nil {
		return sum, err
	}
	fmt.Fprintf(h, "%d ", len(how))
	h.Write(how)
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return sum, err
	}
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{in}, make([]byte, hashBuffer)); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
