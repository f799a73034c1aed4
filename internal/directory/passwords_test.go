package directory_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
)

func TestNoPasswordWaitsInTheDatabase(t *testing.T) {
	for body, want := range map[string]string{
		`{"userName":"a","password":"s3cret"}`:  `{"userName":"a"}`,
		`{"userName":"a","PassWord":{"x":[1]}}`: `{"userName":"a"}`,
		`{"pass\u0077ord":"s3cret","n":1.50}`:   `{"n":1.50}`,
		`{"Operations":[{"op":"replace","path":"password","value":"s3cret"},{"op":"add","path":"title","value":"password"}]}`:                            `{"Operations":[{"op":"replace","path":"password","value":"withheld"},{"op":"add","path":"title","value":"password"}]}`,
		`{"Operations":[{"op":"Add","Path":"urn:ietf:params:scim:schemas:core:2.0:User:password","Value":"s3cret"}]}`:                                    `{"Operations":[{"op":"Add","Path":"urn:ietf:params:scim:schemas:core:2.0:User:password","Value":"withheld"}]}`,
		`{"Operations":[{"method":"POST","path":"/Users","data":{"password":"s3cret","urn:ietf:params:scim:schemas:core:2.0:User:password":"s3cret"}}]}`: `{"Operations":[{"method":"POST","path":"/Users","data":{}}]}`,
	} {
		var got, expected any
		if err := json.Unmarshal(directory.WithoutPasswords([]byte(body)), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &expected); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("%s: %v", body, got)
		}
	}
	for _, same := range []string{`{"userName":"ä","title":"<b>&"}`, `{"displayName":"password"}`, `no JSON, with a password`, `{"title":"\u0041"}`} {
		if got := string(directory.WithoutPasswords([]byte(same))); got != same {
			t.Errorf("%s became %s", same, got)
		}
	}
}
