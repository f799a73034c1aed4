package schema

import (
	"encoding/json"
	"strings"
	"testing"

	scim "github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"
)

// The Group is that of RFC 7643 §8.7.1 but for the mutability of what is derived.
func TestGroupIsThatOfTheRFC(t *testing.T) {
	text := func(s scim.Schema) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := strings.Replace(text(scim.CoreGroupSchema()), `"mutability":"immutable","name":"display"`, `"mutability":"readOnly","name":"display"`, 1)
	if diff := cmp.Diff(want, text(mustLoad("core-group.json"))); diff != "" {
		t.Error(diff)
	}
}
