package csvupload

import (
	"context"
	"io"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// Preview tells what an upload of a file would do with each row, through the code
// that does it, and writes nothing. told is given each in its order.
func Preview(ctx context.Context, d *directory.Directory, a directory.Actor, s store.Source, in io.ReadSeeker, o Options, told func(store.UploadRecord) error) error {
	f, err := open(ctx, d, a, s, in, o)
	if err != nil {
		return err
	}
	p, err := d.PreviewFile(ctx, a, s.PublicID)
	if err != nil {
		return err
	}
	for rows := int64(0); ; {
		some, last, err := f.next(tried)
		if err != nil {
			return err
		}
		all, err := f.records(ctx, some)
		if err != nil {
			return err
		}
		became, err := p.Work(ctx, all)
		if err != nil {
			return err
		}
		for _, u := range became {
			if err := told(u); err != nil {
				return err
			}
		}
		rows += int64(len(some))
		if o.Progress != nil {
			o.Progress(f.reader.Offset(), rows)
		}
		if last {
			return nil
		}
	}
}

// Kind is what becomes of a row, for those who count.
type Kind string

// The kinds, in the order in which they are told.
const (
	Created   Kind = "created"
	Changed   Kind = "changed"
	Disabled  Kind = "disabled"
	Unchanged Kind = "unchanged"
	Skipped   Kind = "skipped" // staging, out of scope or cancelled
	Refused   Kind = "refused"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Created, Changed, Disabled, Unchanged, Skipped, Refused} }

// KindOf says what became of a record.
func KindOf(u store.UploadRecord) Kind {
	switch {
	case u.Status == store.UploadFailure:
		return Refused
	case u.Status == store.UploadSkipped && u.Code == directory.CodeNoChange:
		return Unchanged
	case u.Status == store.UploadSkipped:
		return Skipped
	case u.Action == "create":
		return Created
	case u.Action == "disable":
		return Disabled
	}
	return Changed
}

// Summary counts what became of rows, and keeps the names of some of each kind.
type Summary struct {
	Counts map[Kind]int64    `json:"counts"`
	Names  map[Kind][]string `json:"names"` // the first of each kind
}

// Names is how many names a Summary keeps of each kind.
const Names = 20

// Add counts a record.
func (s *Summary) Add(u store.UploadRecord) {
	if s.Counts == nil {
		s.Counts, s.Names = map[Kind]int64{}, map[Kind][]string{}
		for _, k := range Kinds() {
			s.Counts[k], s.Names[k] = 0, []string{}
		}
	}
	k := KindOf(u)
	s.Counts[k]++
	if len(s.Names[k]) < Names {
		s.Names[k] = append(s.Names[k], Name(u))
	}
}
