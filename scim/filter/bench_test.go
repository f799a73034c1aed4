package filter_test

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/filter"
)

func BenchmarkParseFilter(b *testing.B) {
	for name, s := range map[string]string{
		"equality":   `userName eq "x"`,
		"four terms": `userType eq "Employee" and (emails co "example.com" or not (title pr)) and active eq true`,
		"value path": `emails[type eq "work"].value eq "bjensen@example.com"`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := filter.Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	e, err := filter.Parse(`userName eq "x"`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := filter.Resolve(set.User, e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	o := decode(b, bjensen)
	for name, s := range map[string]string{
		"equality":   `userName eq "bjensen@example.com"`,
		"value path": `emails[type eq "home" and value co "@jensen.org"]`,
	} {
		b.Run(name, func(b *testing.B) {
			e := resolve(b, s)
			b.ReportAllocs()
			for b.Loop() {
				if !filter.Match(e, o, nil) {
					b.Fatal("no match")
				}
			}
		})
	}
}
