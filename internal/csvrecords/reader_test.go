package csvrecords

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// all reads a file to its end.
func all(t testing.TB, r *Reader) (rows []Row) {
	t.Helper()
	for {
		row, err := r.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

func reader(t testing.TB, text string, o Options) *Reader {
	t.Helper()
	r, err := NewReader(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told is a row in short: its line, and its cells or the code of its fault.
func told(rows []Row) (out []string) {
	for _, r := range rows {
		if r.Fault != nil {
			out = append(out, string(r.Fault.Code))
			continue
		}
		out = append(out, strings.Join(r.Cells, "|"))
	}
	return out
}

func TestFilesAsTheyComeAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		header []string
		rows   []string
	}{
		"commas":                       {"a,b\n1,2\n", []string{"a", "b"}, []string{"1|2"}},
		"semicolons":                   {"a;b;c,d\n1;2;3,4\n", []string{"a", "b", "c,d"}, []string{"1|2|3,4"}},
		"tabs":                         {"a\tb\n1\t2,5\n", []string{"a", "b"}, []string{"1|2,5"}},
		"pipes":                        {"a|b\n1|2", []string{"a", "b"}, []string{"1|2"}},
		"separators in quoted names":   {"\"a,b,c\";d\n1;2", []string{"a,b,c", "d"}, []string{"1|2"}},
		"the separator told to Excel":  {"sep=;\r\na,b;c\r\n1;2\r\n", []string{"a,b", "c"}, []string{"1|2"}},
		"the same in quotes, by a tab": {"\"SEP=\t\"\na\tb\n1\t2\n", []string{"a", "b"}, []string{"1|2"}},
		"a column called sep":          {"sep=x\n1\n", []string{"sep=x"}, []string{"1"}},
		"one column":                   {"userName\nada\n", []string{"userName"}, []string{"ada"}},
		"no rows":                      {"a,b", []string{"a", "b"}, nil},
		"names with blanks":            {" a ,\tb\u00a0\n1, 2 \n", []string{"a", "b"}, []string{"1| 2 "}},
		"names with quotes in them":    {`userName,emails[type eq "work"].value` + "\nada,a@x\n", []string{"userName", `emails[type eq "work"].value`}, []string{"ada|a@x"}},
		"the same, quoted":             {`userName,"emails[type eq ""work""].value"` + "\nada,a@x\n", []string{"userName", `emails[type eq "work"].value`}, []string{"ada|a@x"}},
		"CR LF":                        {"a,b\r\n1,2\r\n3,4\r\n", []string{"a", "b"}, []string{"1|2", "3|4"}},
		"CR":                           {"a,b\r1,2\r3,4\r", []string{"a", "b"}, []string{"1|2", "3|4"}},
		"breaks within quotes stay":    {"a,b\n\"1\r\n2\n3\r4\",5\n", []string{"a", "b"}, []string{"1\r\n2\n3\r4|5"}},
		"doubled quotes":               {"a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", []string{"a", "b"}, []string{`say "hi"|"`}},
		"empty lines and rows":         {"\n\r\na,b\n\n1,2\n,\n\"\",\"\"\n\r\n3,4\n\n", []string{"a", "b"}, []string{"1|2", "3|4"}},
		"empty cells":                  {"a,b,c\n,2,\n", []string{"a", "b", "c"}, []string{"|2|"}},
		"columns without a name":       {"a,b,,\n1,2,,\n1,2,,3\n1,2\n1,2,,,,,,\n", []string{"a", "b"}, []string{"1|2", "wrongCells", "1|2", "1|2"}},
		"rows of other lengths":        {"a,b,c\n1,2\n1,2,3,4\n1,2,3\n1\n", []string{"a", "b", "c"}, []string{"wrongCells", "wrongCells", "1|2|3", "wrongCells"}},
		"NUL":                          {"a,b\n1,2\x003\n4,5\n", []string{"a", "b"}, []string{"nulCharacter", "4|5"}},
		"stray quotes":                 {"a,b\n1,5\" pipe\n2,\"x\"y\n3,ok\n", []string{"a", "b"}, []string{"strayQuote", "strayQuote", "3|ok"}},
		"a quote that meets another":   {"a,b\n1,\"open\n2,\"x\"\n3,ok\n", []string{"a", "b"}, []string{"strayQuote", "2|x", "3|ok"}},
		"a quote without an end":       {"a,b\n1,\"open\r\n2,x\r\n3,ok", []string{"a", "b"}, []string{"unclosedQuote", "2|x", "3|ok"}},
		"a quote at the very end":      {"a,b\n1,\"", []string{"a", "b"}, []string{"unclosedQuote"}},
	} {
		for _, slow := range []bool{false, true} {
			var in io.Reader = strings.NewReader(c.text)
			if slow {
				in = iotest.OneByteReader(in)
			}
			r, err := NewReader(in, Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(c.header, r.Header()); diff != "" {
				t.Errorf("%s: header (-want +got)\n%s", name, diff)
			}
			if diff := cmp.Diff(c.rows, told(all(t, r))); diff != "" {
				t.Errorf("%s: rows, byte by byte %t (-want +got)\n%s", name, slow, diff)
			}
			if r.Offset() != int64(len(c.text)) {
				t.Errorf("%s: %d of %d bytes", name, r.Offset(), len(c.text))
			}
		}
	}
}

func TestRowsTellWhereTheyAre(t *testing.T) {
	text := "sep=,\r\na,b\r\n1,\"x\ny\"\r\n\r\n2,\"x\r\n3,z\r\n4,\"\"\"\"\r\n"
	got := all(t, reader(t, text, Options{}))
	want := []Row{
		{Number: 1, Line: 3, Offset: 12, Cells: []string{"1", "x\ny"}},
		{Number: 2, Line: 6, Offset: 23, Fault: &Fault{UnclosedQuote, "Line 6 opens a quote that isn't closed. Close it, or double it within quotes."}},
		{Number: 3, Line: 7, Offset: 29, Cells: []string{"3", "z"}},
		{Number: 4, Line: 8, Offset: 34, Cells: []string{"4", `"`}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, row := range got {
		if !strings.HasPrefix(text[row.Offset:], string('0'+byte(row.Number))) {
			t.Errorf("row %d isn't at %d", row.Number, row.Offset)
		}
	}
}

func TestFilesThatCantBeReadSayWhy(t *testing.T) {
	for text, want := range map[string]Code{
		"": NoHeader, "\n\n": NoHeader, ",,\n1,2,3\n": NoHeader, "\xef\xbb\xbf": NoHeader, `""`: NoHeader,
		"a,b,A\n": DuplicateColumn, "a, b,b \n": DuplicateColumn, "a,,b\n": UnnamedColumn,
		strings.Repeat("a,", 501): TooManyColumns, "a,\"b\n1,2\n": InvalidHeader, "a,b\x00\n": InvalidHeader,
		strings.Repeat("a", MaxCell+1): InvalidHeader, strings.Repeat("a", MaxRow+1): InvalidHeader,
	} {
		_, err := NewReader(strings.NewReader(text), Options{})
		var f *Fault
		if !errors.As(err, &f) || f.Code != want || f.Sentence == "" {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	for _, o := range []Options{{Encoding: "koi8-r"}, {Separator: ':'}} {
		if _, err := NewReader(strings.NewReader("a"), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestASeparatorThatIsGivenWins(t *testing.T) {
	r := reader(t, "sep=;\na;b;c,d\n1;2;3,4\n", Options{Separator: ','})
	if diff := cmp.Diff([]string{"1;2;3|4"}, told(all(t, r))); diff != "" {
		t.Error(diff)
	}
}

func TestABrokenStreamEndsInItsError(t *testing.T) {
	broken := errors.New("broken")
	r, err := NewReader(io.MultiReader(strings.NewReader("a,b\n1,2\n3,4"), iotest.ErrReader(broken)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if row, err := r.Read(); err != nil || row.Cells[0] != "1" {
		t.Fatal(row, err)
	}
	if row, err := r.Read(); !errors.Is(err, broken) {
		t.Fatalf("%v %v: a row that may be cut off is given", row, err)
	}
	if _, err := NewReader(iotest.ErrReader(broken), Options{}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}
