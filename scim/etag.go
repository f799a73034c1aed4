package scim

import (
	"strings"

	"github.com/workspace-scim/workspace/internal/directory"
)

// matches says whether an If-Match or If-None-Match list names a version
// (RFC 9110 §13.1). Tags are compared weakly: ours are weak.
func matches(header string, version int64) bool {
	want := strings.TrimPrefix(etag(version), "W/")
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return true
		}
		tag = strings.TrimPrefix(tag, "W/")
		// The version without quotes, as meta.version's readers sometimes send it.
		if tag == want || `"`+tag+`"` == want {
			return true
		}
	}
	return false
}

// precondition is the request's If-Match, nil if it has none.
func (r *request) precondition() directory.Precondition {
	return precondition(r.c.Request().Header.Get("If-Match"))
}

func precondition(header string) directory.Precondition {
	if header == "" {
		return nil
	}
	return func(version int64) bool { return matches(header, version) }
}

// notModified says whether the client has this version already (RFC 7644
// §3.14: If-None-Match on a read answers 304).
func (r *request) notModified(version int64) bool {
	h := r.c.Request().Header.Get("If-None-Match")
	return h != "" && matches(h, version)
}
