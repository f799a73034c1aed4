package dialect

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/workspace-scim/workspace/scim/document"
)

// linkParts are what links are made of, good and bad.
var linkParts = []string{
	"http", "https:", "urn:", "//", "/", "/", ":", ":80", "?", "#", "@", "[", "]", "[::1]", "[fe80::1%25e]", "%", "%2", "%41", "%zz", " ", "\\", "\t", "\x00", "\x7f",
	"a", "example.org", "ü", "🙂", "=", "&", "+", "..", "<b>", `"`, "|", "^", "{}", "mailto:", "C:",
}

func anyLink(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(9) {
		b.WriteString(linkParts[r.IntN(len(linkParts))])
	}
	return b.String()
}

// checkLink holds what encodeLink promises.
func checkLink(t *testing.T, s string) {
	t.Helper()
	got := encodeLink(s)
	if document.ValidReference(s) && got != s {
		t.Fatalf("%q is a URI and became %q", s, got)
	}
	if _, err := url.Parse(got); err != nil || !document.ValidReference(got) {
		t.Fatalf("%q became %q: %v", s, got, err)
	}
	for i := range len(got) {
		if c := got[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			t.Fatalf("%q became %q", s, got)
		}
	}
	if again := encodeLink(got); again != got {
		t.Fatalf("%q became %q and then %q", s, got, again)
	}
}

func TestEveryLinkBecomesAURI(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		checkLink(t, anyLink(r))
	}
	if err := quick.Check(func(s string) bool { checkLink(t, s); return true }, nil); err != nil {
		t.Error(err)
	}
}

func FuzzLink(f *testing.F) {
	for _, p := range linkParts {
		f.Add(p + "x")
	}
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			checkLink(t, s)
		}
	})
}

func TestLinks(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.org/a b":          "https://example.org/a%20b",
		"https://münchen.example/ö":        "https://m%C3%BCnchen.example/%C3%B6",
		"https://[::1]:80/[x]?y[]=1#[z]#":  "https://[::1]:80/%5Bx%5D?y%5B%5D=1#%5Bz%5D%23",
		"https://example.org/100%":         "https://example.org/100%25",
		"//host/a|b":                       "//host/a%7Cb",
		"http://host:port/":                "http%3A%2F%2Fhost%3Aport%2F",
		"http://[::1%25eth0]/":             "http%3A%2F%2F%5B%3A%3A1%2525eth0%5D%2F",
		"a b:c":                            "a%20b%3Ac",
		"C:\\photos\\a.jpg":                "C:%5Cphotos%5Ca.jpg",
		"data:image/png;base64,AA+/==":     "data:image/png;base64,AA+/==",
		"../Users/26118915":                "../Users/26118915",
		"urn:uuid:2819c223-7f76":           "urn:uuid:2819c223-7f76",
		"HTTP://u:p@EXAMPLE.org:/%7e?/?#?": "HTTP://u:p@EXAMPLE.org:/%7e?/?#?",
	} {
		if got := encodeLink(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
