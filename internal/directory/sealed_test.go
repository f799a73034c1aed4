package directory

import (
	"bytes"
	"strings"
	"testing"
)

// A secret comes back only with the key and as what it was sealed; one that was
// stored before there was a key comes back too.
func TestASealedSecretIsReadByItsKeyOnly(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, SecretKeyLength), bytes.Repeat([]byte{2}, SecretKeyLength)
	with := func(key []byte) *Directory { return &Directory{sealer: newSealer(key)} }
	for name, c := range map[string]struct {
		seal, open []byte
		about      string
		want       string
	}{
		"its key":          {key, key, "stream a", "Bearer secret"},
		"another key":      {key, other, "stream a", ""},
		"no key":           {key, nil, "stream a", ""},
		"another row":      {key, key, "stream b", ""},
		"stored as it was": {nil, key, "stream a", "Bearer secret"},
		"never sealed":     {nil, nil, "stream a", "Bearer secret"},
	} {
		kept, err := with(c.seal).seal("stream a", []byte("Bearer secret"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(kept), "secret") {
			t.Errorf("%s: kept as %s", name, kept)
		}
		got, err := with(c.open).unseal(c.about, kept)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	d := with(key)
	one, _ := d.seal("a", []byte("x"))
	two, _ := d.seal("a", []byte("x"))
	none, err := d.seal("a", nil)
	if bytes.Equal(one, two) || none != nil || err != nil {
		t.Errorf("%s %s %s", one, two, none)
	}
	for _, kept := range []string{"", "aesgcm:", "aesgcm:!", "aesgcm:" + strings.Repeat("A", 40), "x", string(one[:len(one)-4])} {
		if got, err := d.unseal("a", []byte(kept)); len(got) > 0 || (err == nil) != (kept == "") {
			t.Errorf("%q: %q, %v", kept, got, err)
		}
	}
}
