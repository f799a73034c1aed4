package csvrecords

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// What a Writer writes is read as it was, whatever is in the cells; in UTF-16 too.
func TestWhatIsWrittenIsRead(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "Zoë", "\"", ",", ";", "\t", "|", "\r\n", "\n", "\r", " ", "=", "'", "😀", "€", "sep="})
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "columns")
		row := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 5).Draw(t, "cell"), "") }), width, width)
		rows := rapid.SliceOfN(row, 0, 6).Draw(t, "rows")
		header := []string{"c0", "c1", "c2", "c3", "c4"}[:width]

		var b bytes.Buffer
		w := NewWriter(&b)
		var want [][]string
		for i, cells := range append([][]string{header}, rows...) {
			if err := w.Write(cells); err != nil {
				t.Fatal(err)
			}
			if i == 0 || !filled(cells) {
				continue
			}
			plain := make([]string, width)
			for j, c := range cells {
				plain[j] = Plain(c)
			}
			want = append(want, plain)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		file, size := io.Reader(&b), b.Len()
		if rapid.Bool().Draw(t, "wide") {
			wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			file, size = bytes.NewReader(wide), len(wide)
		}
		r, err := NewReader(iotest.HalfReader(file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for {
			row, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil || row.Fault != nil {
				t.Fatal(row, err)
			}
			got = append(got, row.Cells)
		}
		if diff := cmp.Diff(want, got); diff != "" || r.Offset() != int64(size) {
			t.Errorf("%d of %d bytes (-want +got)\n%s", r.Offset(), size, diff)
		}
	})
}

// FuzzReader has any bytes end in rows and faults: none is longer than it may be,
// all of the file is read, and how it is divided into reads makes no difference.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"a,b\n1,2\n", "sep=;\r\na;b\r\n\"1\";2", "a\tb\r1\t\"2\r3\"\r", "\xff\xfea\x00,\x00b\x00\n\x00", "a,b\n1,\"x\n2,\"y\"\n", "a\n\xeb\n", "\xef\xbb\xbfa,,\n,,\n1,,\n",
		"a|b\n\"\"\"|\"\n", "a,b\n\x00,1\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		read := func(r io.Reader) (rows []Row, offset int64, why error) {
			in, err := NewReader(r, Options{})
			if err != nil {
				return nil, 0, err
			}
			for {
				row, err := in.Read()
				if err == io.EOF {
					return rows, in.Offset(), nil
				}
				if err != nil {
					t.Fatal(err)
				}
				if (row.Fault == nil) == (row.Cells == nil) || row.Cells != nil && len(row.Cells) != len(in.Header()) {
					t.Fatalf("%+v, %d columns", row, len(in.Header()))
				}
				for _, c := range row.Cells {
					if len(c) > MaxCell || strings.ToValidUTF8(c, "") != c || strings.ContainsRune(c, 0) {
						t.Fatalf("%q", c)
					}
				}
				rows = append(rows, row)
			}
		}
		rows, offset, err := read(bytes.NewReader(file))
		again, _, errAgain := read(iotest.OneByteReader(bytes.NewReader(file)))
		if diff := cmp.Diff(rows, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Fatalf("byte by byte it is different: %v, %v\n%s", err, errAgain, diff)
		}
		var fault *Fault
		if err != nil && !errors.As(err, &fault) {
			t.Fatal(err)
		}
		for i, row := range rows {
			if row.Number != int64(i+1) || i > 0 && (row.Offset <= rows[i-1].Offset || row.Line <= rows[i-1].Line) {
				t.Fatalf("%+v behind %+v", row, rows[max(0, i-1)])
			}
		}
		if err == nil && offset > int64(len(file)+len(file)%2) {
			t.Fatalf("%d bytes of %d", offset, len(file))
		}
	})
}
