package scim

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

var testSet = schema.Must()

func TestProjectionOfDocuments(t *testing.T) {
	const ent = schema.EnterpriseUserURN
	const doc = `{"userName":"u","name":{"familyName":"F","givenName":"G"},"title":"T","emails":[{"value":"w","type":"work"},{"value":"h","type":"home"}],"` + ent + `":{"department":"D","manager":{"value":"m","displayName":"x"}}}`
	d, err := document.Decode(testSet.User, []byte(doc), nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name             string
		include, exclude []string
		want             string
	}{
		{"attributes", []string{"userName,title"}, nil, `{"userName":"u","title":"T"}`},
		{"in any case, repeated, with blanks", []string{" USERNAME ", "Title"}, nil, `{"userName":"u","title":"T"}`},
		{"sub-attributes", []string{"name.givenName,emails.value"}, nil, `{"name":{"givenName":"G"},"emails":[{"value":"w"},{"value":"h"}]}`},
		{"by URN", []string{schema.UserURN + ":title", ent + ":department"}, nil, `{"title":"T","` + ent + `":{"department":"D"}}`},
		{"a whole extension", []string{ent}, nil, `{"` + ent + `":{"department":"D","manager":{"value":"m"}}}`},
		{"a sub-attribute of an extension", []string{ent + ":manager.value"}, nil, `{"` + ent + `":{"manager":{"value":"m"}}}`},
		{"excluded", nil, []string{"emails", "name.familyName", ent + ":manager"}, `{"userName":"u","name":{"givenName":"G"},"title":"T","` + ent + `":{"department":"D"}}`},
		{"excluding every sub-attribute leaves nothing", nil, []string{"name.familyName,name.givenName,emails.value,emails.type,title,userName," + ent}, `{}`},
		{"both: what is included, but for what is excluded", []string{"emails,title"}, []string{"emails.type"}, `{"title":"T","emails":[{"value":"w"},{"value":"h"}]}`},
		{"Microsoft's collection: with a filter", []string{`emails[type eq "work"]`}, nil, `{"emails":[{"value":"w","type":"work"},{"value":"h","type":"home"}]}`},
		{"unknown names are ignored", []string{"nope,userName"}, []string{"no.pe"}, `{"userName":"u"}`},
		{"only unknown names: what is always returned", []string{"nope"}, nil, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProjection(testSet.User, tt.include, tt.exclude)
			if got := string(p.apply(d.Object).AppendJSON(nil)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestProjectionKeepsWhatIsAlwaysReturned(t *testing.T) {
	p := newProjection(testSet.User, []string{"title"}, []string{"id"})
	if !p.wants(testSet.User.ID) || !p.wants(testSet.User.Schemas) {
		t.Error("id and schemas are always returned (RFC 7644 §3.9)")
	}
	if p.wants(testSet.User.Meta) || p.wants(testSet.User.Origin) || p.wants(testSet.User.Groups) {
		t.Error("meta, Origin and groups were not asked for")
	}
	if p := newProjection(testSet.User, nil, nil); p != nil || p.wants(testSet.User.Password) || !p.wants(testSet.User.Meta) {
		t.Error("the default is everything but the password")
	}
	if p := newProjection(testSet.User, []string{"password"}, nil); p.wants(testSet.User.Password) {
		t.Error("a password is never returned")
	}
}

func TestEntityTagsMatchWeakly(t *testing.T) {
	for header, want := range map[string]bool{
		`W/"3"`: true, `"3"`: true, `3`: true, `*`: true, `W/"2", W/"3"`: true, ` W/"3" `: true,
		`W/"4"`: false, `"33"`: false, ``: false, `W/`: false, `"`: false, `W/"3`: false,
	} {
		if got := matches(header, 3); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor{RID: 3, Index: 9, Key: "a"}.encode(7))
	f.Add("eyJxIjo3LCJyIjotMX0")
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := decodeCursor(s, 7)
		if err != nil {
			if f := explain(err); f.Status != 400 || f.ScimType != typeInvalidCursor {
				t.Fatalf("%q: %+v", s, f)
			}
			return
		}
		if c.RID < 0 || c.Index < 0 || c.Type < 0 {
			t.Fatalf("%q was read as %+v", s, c)
		}
	})
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"u","manager":{"value":"bulkId:b"}}}]}`))
	f.Add([]byte(`{"Operations":[{"method":"PUT","path":"/Groups/bulkId:x","data":[1,{"a":"bulkId:"}]},{"method":"delete","path":"Users/1"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseBulk(b, 10)
		if err != nil {
			if f := explain(err); f.Status < 400 || f.Status >= 500 {
				t.Fatalf("%q: %+v", b, f)
			}
			return
		}
		for _, op := range m.operations {
			if err := op.target(testSet); err == nil && op.t == nil {
				t.Fatalf("%q: an operation without a target", b)
			}
			if op.data == nil {
				continue
			}
			refs, err := findRefs(op.data)
			if err != nil {
				continue
			}
			data, err := rewriteRefs(op.data, func(string) string { return "id" })
			if err != nil {
				t.Fatalf("%q: %v", op.data, err)
			}
			if left, err := findRefs(data); err != nil || len(left) > 0 {
				t.Fatalf("%q: of %v left %v, %v", op.data, refs, left, err)
			}
		}
	})
}
