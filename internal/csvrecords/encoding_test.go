package csvrecords

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// written are the ways to write a text, and what they are.
func written() map[string]struct {
	as encoding.Encoding
	is Encoding
} {
	return map[string]struct {
		as encoding.Encoding
		is Encoding
	}{
		"UTF-8":                   {unicode.UTF8, UTF8},
		"UTF-8 with a mark":       {unicode.UTF8BOM, UTF8},
		"UTF-16LE with a mark":    {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), UTF16LE},
		"UTF-16BE with a mark":    {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), UTF16BE},
		"UTF-16LE without a mark": {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), UTF16LE},
		"UTF-16BE without a mark": {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), UTF16BE},
		"Windows-1252":            {charmap.Windows1252, Windows1252},
	}
}

func TestEncodingsAreTold(t *testing.T) {
	text := "id,name\r\n1,plain\r\n2,\"Zoë \"\"€\"\"\"\r\n3,Ünal\r\n"
	for name, w := range written() {
		b, err := w.as.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		r := reader(t, b, Options{})
		rows := all(t, r)
		if diff := cmp.Diff([]string{"1|plain", `2|Zoë "€"`, "3|Ünal"}, told(rows)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if r.Encoding() != w.is || r.Offset() != int64(len(b)) || rows[2].Line != 4 {
			t.Errorf("%s: %s, %d of %d bytes, line %d", name, r.Encoding(), r.Offset(), len(b), rows[2].Line)
		}
	}
}

func TestCharactersBeyondTheBasicPlaneCountInUTF16(t *testing.T) {
	b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("id,name\n1,😀\n2,x\n")
	if err != nil {
		t.Fatal(err)
	}
	rows := all(t, reader(t, b, Options{}))
	if got := b[rows[1].Offset : rows[1].Offset+2]; got != "2\x00" {
		t.Errorf("row 2 is at %q", got)
	}
}

// The first text that isn't ASCII may come late.
func TestTheEncodingMayShowLate(t *testing.T) {
	plain := "id,name\n" + strings.Repeat("1,plain\n", 100_000)
	for text, want := range map[string]string{"2,Zo\xeb\n": "2|Zoë", "2,Zoë\n": "2|Zoë", "2,\x80 5\n": "2|€ 5"} {
		rows := all(t, reader(t, plain+text, Options{}))
		if got := told(rows[len(rows)-1:])[0]; got != want {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestOneBrokenCharacterIsToldAndNotTheEncodingOfTheFile(t *testing.T) {
	text := "id,name\n1,Zoë\n2,Zo\xeb\n3,Ünal\n"
	if diff := cmp.Diff([]string{"1|Zoë", "invalidEncoding", "3|Ünal"}, told(all(t, reader(t, text, Options{})))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1|ZoÃ«", "2|Zoë", "3|Ãœnal"}, told(all(t, reader(t, text, Options{Encoding: Windows1252})))); diff != "" {
		t.Error(diff)
	}
	wide := "\xff\xfei\x00\n\x001\x00\n\x00\x00\xd8\n\x002\x00\n\x00" // half of a pair of surrogates
	if diff := cmp.Diff([]string{"1", "invalidEncoding", "2"}, told(all(t, reader(t, wide, Options{})))); diff != "" {
		t.Error(diff)
	}
}

func TestUTF16IsNotGuessed(t *testing.T) {
	for _, text := range []string{"a\x00b,c\n", "\x00", "a\x00\x00\x00"} {
		if r, err := NewReader(strings.NewReader(text), Options{}); err == nil && r.Encoding() != Detect {
			t.Errorf("%q is %s", text, r.Encoding())
		}
	}
	b, err := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String("имя\nИван\n")
	if err != nil {
		t.Fatal(err)
	}
	r := reader(t, b, Options{Encoding: UTF16LE})
	if row, err := r.Read(); err != nil || row.Cells[0] != "Иван" || r.Header()[0] != "имя" {
		t.Errorf("%v %v", row, err)
	}
	if _, err := r.Read(); err != io.EOF {
		t.Error(err)
	}
}
