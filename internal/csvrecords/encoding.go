package csvrecords

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding names how characters are written as bytes, in the spelling of the
// IANA's registry.
type Encoding string

// The encodings.
const (
	Detect      Encoding = "" // see NewReader
	UTF8        Encoding = "utf-8"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1252 Encoding = "windows-1252"
)

// marks are the byte order marks.
var marks = []struct {
	encoding Encoding
	bytes    string
}{{UTF8, "\xef\xbb\xbf"}, {UTF16LE, "\xff\xfe"}, {UTF16BE, "\xfe\xff"}}

// sample is how much of a stream is looked at to tell its encoding.
const sample = 4096

// opened decides about the encoding as far as its first bytes tell, and makes the
// window that reads it: as UTF-8 where it is UTF-16, else as it is.
func opened(r io.Reader, want Encoding) (*window, Encoding, int64) {
	w := &window{source: r}
	w.least(sample)
	for _, m := range marks {
		if (want == Detect || want == m.encoding) && bytes.HasPrefix(w.bytes(), []byte(m.bytes)) {
			w.skip(len(m.bytes))
			return transcoded(w, m.encoding), m.encoding, int64(len(m.bytes))
		}
	}
	if want == Detect {
		want = wide(w.bytes())
	}
	return transcoded(w, want), want, 0
}

// transcoded gives a window that has UTF-8 where the one it is given has UTF-16.
func transcoded(w *window, e Encoding) *window {
	var from encoding.Encoding
	switch e {
	case UTF16LE:
		from = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case UTF16BE:
		from = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	default:
		return w
	}
	rest := w.source
	if w.err != nil {
		rest = failed{w.err}
	}
	return &window{source: transform.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(w.bytes())), rest), from.NewDecoder())}
}

// failed is the rest of a stream that ended.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// wide says that a text without a mark is UTF-16 where that is certain: each
// character of its first line is one of ASCII with a NUL before or behind it.
func wide(b []byte) Encoding {
	for _, e := range []struct {
		encoding Encoding
		low      int // where the byte of a pair is that isn't NUL
	}{{UTF16LE, 0}, {UTF16BE, 1}} {
		n := 0
		for ; n+1 < len(b) && b[n+1-e.low] == 0 && b[n+e.low] != 0; n += 2 {
			if b[n+e.low] == '\n' || b[n+e.low] == '\r' {
				return e.encoding
			}
		}
		if n >= 2 && n+1 >= len(b) {
			return e.encoding
		}
	}
	return Detect
}

// narrow decides between UTF-8 and Windows-1252, which are the same for ASCII, by
// the first text that isn't all ASCII: UTF-8 if no more of its bytes are wrong in
// UTF-8 than characters are right. Letters of Windows-1252 are hardly ever right
// by chance, as they stand alone.
func narrow(b []byte) Encoding {
	right, wrong := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1 && !utf8.FullRune(b):
			n = len(b) // the text is cut off here
		case r == utf8.RuneError && n == 1:
			wrong++
		case n > 1:
			right++
		}
		b = b[n:]
	}
	if wrong > right {
		return Windows1252
	}
	return UTF8
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// text decodes the text of a cell. It isn't ok if characters are lost.
func (e Encoding) text(b []byte) (string, bool) {
	if ascii(b) {
		return string(b), true
	}
	switch e {
	case Windows1252:
		s, err := charmap.Windows1252.NewDecoder().Bytes(b)
		return string(s), err == nil
	case UTF8, Detect:
		return string(b), utf8.Valid(b)
	default: // the decoder of UTF-16 puts U+FFFD in place of what is wrong
		s := string(b)
		return s, !strings.ContainsRune(s, utf8.RuneError)
	}
}

// size is how many bytes a part of the window had in the stream. The part may
// begin and end within a character. Half a character at the end of UTF-16 counts
// as one.
func (e Encoding) size(b []byte) int64 {
	if e != UTF16LE && e != UTF16BE {
		return int64(len(b))
	}
	var n int64
	for _, c := range b {
		switch {
		case !utf8.RuneStart(c):
		case c >= 0xF0: // a pair of surrogates
			n += 4
		default:
			n += 2
		}
	}
	return n
}
