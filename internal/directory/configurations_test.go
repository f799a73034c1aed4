package directory

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzCanonical holds that the canonical form of a configuration says the same
// as what was sent, and is its own canonical form: otherwise two agents could
// have different hashes of one configuration.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{}`, `{"b":1,"a":[1.50,1e3,-0]}`, `{"<&>":"\u2028\u0000é\ud800"}`, `{"a":{"a":{}}} `, `{"a":1,"a":2}`, `null`, `[]`, `{} {}`, "{\"\xff\":1}"} {
		f.Add([]byte(s))
	}
	value := func(t *testing.T, b []byte) (v map[string]any) {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		return v
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := canonical(in)
		if err != nil {
			if !Violated(err, RuleInvalid) {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		twice, err := canonical(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q became %q and then %q (%v)", in, once, twice, err)
		}
		if !reflect.DeepEqual(value(t, in), value(t, once)) {
			t.Errorf("%q became %q, which says something else", in, once)
		}
	})
}

// FuzzClaim holds that no header makes a claim that isn't written in it.
func FuzzClaim(f *testing.F) {
	for _, s := range [][2]string{{"default;7", ""}, {"a;b;1", ""}, {";1", ""}, {"default;-1", ""}, {"default; 7", "01234567-89ab-7cde-8f01-23456789abcd"}, {"", "x"}, {"default;9223372036854775808", ""}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, lease, run string) {
		var a Actor
		err := a.Claim(lease, run)
		switch {
		case err != nil && (!Violated(err, RuleInvalid) || a.Fence != (Fence{}) || a.Run != ""):
			t.Errorf("%q, %q: %v, %+v", lease, run, err, a)
		case err == nil && (a.Fence == Fence{}) != (lease == ""), err == nil && a.Fence.Token < 0, err == nil && (a.Run == "") != (run == ""):
			t.Errorf("%q, %q claims %+v", lease, run, a)
		}
	})
}
