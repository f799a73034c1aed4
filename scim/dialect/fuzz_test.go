package dialect_test

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/scim/dialect"
)

// FuzzDialect holds the law of this package: what a strict reading accepts, the
// dialect understands the same, without any repair but those that are said to
// be exceptions.
func FuzzDialect(f *testing.F) {
	s := contoso(f)
	requests := []string{patchUser, patchGroup, postUser, postGroup, findUsers, rawQuery, postSearch}
	exceptions := []string{dialect.EmptyClears, dialect.RolesJSON, dialect.CustomAttribute}
	for _, tt := range sent {
		f.Add(uint8(slices.Index(requests, tt.request)), tt.body)
	}
	for _, tt := range untouched {
		f.Add(uint8(slices.Index(requests, tt.request)), tt.body)
	}
	for _, tt := range correct {
		f.Add(uint8(slices.Index(requests, tt.request)), tt.body)
	}
	f.Fuzz(func(t *testing.T, request uint8, body string) {
		r := requests[int(request)%len(requests)]
		_, _ = exchange(s, r, body, dialect.New(nil)) // must not panic
		strict, refused := exchange(s, r, body, nil)
		if refused != nil {
			return
		}
		fired := ""
		d := dialect.New(func(id string) { fired += id + " " })
		mended, err := exchange(s, r, body, d.Without(exceptions...))
		if err != nil || mended != strict || fired != "" {
			t.Errorf("%s%s\nstrict   %s\nrepaired %s, %v, by %s", r, body, strict, mended, err, fired)
		}
	})
}
