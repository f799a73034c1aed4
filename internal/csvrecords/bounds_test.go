package csvrecords

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsTooLongIsRefusedAlone(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	lines := strings.Repeat("x\n", 1<<19+1) // more than 1 MiB
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"the longest cell":               {"1," + long(MaxCell) + "\n2,x\n", []string{"1|" + long(MaxCell), "2|x"}},
		"a cell":                         {"1," + long(MaxCell+1) + "\n2,x\n", []string{"cellTooLong", "2|x"}},
		"a quoted cell":                  {"1,\"" + long(MaxCell+1) + "\"\n2,x\n", []string{"cellTooLong", "2|x"}},
		"a row":                          {"1," + long(MaxRow) + "\n2,x\n", []string{"rowTooLong", "2|x"}},
		"a row of many lines":            {"1,\"" + lines + "\"\n2,x\n", []string{"rowTooLong", "2|x"}},
		"a line longer than the window":  {"1," + long(3*mostWindow) + "\r\n2,x\n", []string{"rowTooLong", "2|x"}},
		"the same at the end":            {"1," + long(3*mostWindow), []string{"rowTooLong"}},
		"a quoted line longer than that": {"1,\"" + long(2*mostWindow) + "\"\n2,x\n", []string{"unclosedQuote", "2|x"}},
		"many cells":                     {"1," + strings.Repeat("x,", 100_000) + "\n2,x\n", []string{"wrongCells", "2|x"}},
	} {
		if diff := cmp.Diff(c.want, told(all(t, reader(t, "a,b\n"+c.text, Options{})))); diff != "" {
			t.Errorf("%s: %.300s", name, diff)
		}
	}
}

func TestAQuoteWithoutAnEndCostsOneRowOfALargeFile(t *testing.T) {
	text := "a,b\n1,\"x\n" + strings.Repeat("2,y\n", mostWindow/2)
	r := reader(t, text, Options{})
	row, err := r.Read()
	if err != nil || row.Fault == nil || row.Fault.Code != UnclosedQuote || row.Line != 2 {
		t.Fatalf("%+v %v", row, err)
	}
	n := int64(1)
	for ; err == nil; n++ {
		if row, err = r.Read(); err == nil && (row.Fault != nil || row.Cells[1] != "y" || row.Line != n+2) {
			t.Fatalf("%+v, line %d", row, n+2)
		}
	}
	if err != io.EOF || n != mostWindow/2+2 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// stream gives a file of some size without holding it.
type stream struct {
	size, given, row int
	rest             []byte
}

func (s *stream) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.given >= s.size {
			return 0, io.EOF
		}
		s.row++
		switch {
		case s.given == 0:
			s.rest = append(s.rest, "userName,name.givenName,title\r\n"...)
		case s.row%100 == 0:
			s.rest = fmt.Appendf(s.rest, "user%d,\"Zoë\r\n%d\"x,bad\r\n", s.row, s.row)
		case s.row == 5050:
			s.rest = fmt.Appendf(s.rest, "user%d,%s,long\r\n", s.row, strings.Repeat("x", 2*mostWindow))
		default:
			s.rest = fmt.Appendf(s.rest, "user%d,Zoë,\"Head of \"\"%d\"\"\"\r\n", s.row, s.row)
		}
		s.given += len(s.rest)
	}
	n := copy(b, s.rest)
	if s.rest = s.rest[n:]; len(s.rest) == 0 {
		s.rest = s.rest[:0]
	}
	return n, nil
}

// TestMemoryIsFlat reads a large file with bad rows in it, one of them longer than
// the window: the heap doesn't grow with what was read.
func TestMemoryIsFlat(t *testing.T) {
	const most = 64 << 20
	s := &stream{size: 200 << 20}
	if testing.Short() {
		s.size = 20 << 20
	}
	r, err := NewReader(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	good, bad := 0, 0
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Fault != nil {
			bad++
		} else {
			good++
		}
		if (good+bad)%100_000 == 0 {
			runtime.GC() // what is left is what is held
			if runtime.ReadMemStats(&m); m.HeapAlloc > most {
				t.Fatalf("%d bytes of heap after %d of the file", m.HeapAlloc, r.Offset())
			}
		}
	}
	if r.Offset() != int64(s.given) || good < 4*bad || bad == 0 {
		t.Errorf("%d of %d bytes, %d rows, %d bad", r.Offset(), s.given, good, bad)
	}
}
