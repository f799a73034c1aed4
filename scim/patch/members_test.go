package patch_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
)

func TestMembers(t *testing.T) {
	group := schema.Must().Group
	add := func(ids ...string) patch.MemberOp { return patch.MemberOp{Add: ids} }
	remove := func(ids ...string) patch.MemberOp { return patch.MemberOp{Remove: ids} }
	replace := func(ids ...string) patch.MemberOp { return patch.MemberOp{Replace: ids} }
	all := patch.MemberOp{RemoveAll: true}
	for _, tt := range []struct {
		name, ops string
		want      []patch.MemberOp
	}{
		{"add", `{"op":"add","path":"members","value":[{"value":"a","$ref":null,"display":"A","type":"User"},{"value":"b"}]}`, []patch.MemberOp{add("a", "b")}},
		{"add of none", `{"op":"add","path":"members","value":[]}`, nil},
		{"add of null", `{"op":"add","path":"members","value":null}`, nil},
		{"duplicates", `{"op":"add","path":"members","value":[{"value":"b"},{"value":"a"},{"value":"b"}]}`, []patch.MemberOp{add("b", "a")}},
		{"add without path", `{"op":"add","value":{"members":[{"value":"a"}]}}`, []patch.MemberOp{add("a")}},
		{"replace", `{"op":"replace","path":"members","value":[{"value":"a"}]}`, []patch.MemberOp{replace("a")}},
		{"replace without path", `{"op":"replace","value":{"displayName":"Pilots","members":[{"value":"a"}]}}`, []patch.MemberOp{replace("a")}},
		{"replace by none", `{"op":"replace","path":"members","value":[]}`, []patch.MemberOp{all}},
		{"replace by null", `{"op":"replace","path":"members","value":null}`, []patch.MemberOp{all}},
		{"remove all", `{"op":"remove","path":"members"}`, []patch.MemberOp{all}},
		{"remove of one", `{"op":"remove","path":"members[value eq \"A\"]"}`, []patch.MemberOp{remove("A")}},
		{"remove of some", `{"op":"remove","path":"members[value eq \"a\" or (value eq \"b\" or VALUE eq \"a\")]"}`, []patch.MemberOp{remove("a", "b")}},
		{"remove of one asked twice", `{"op":"remove","path":"members[(value eq \"a\" or value eq \"b\") and value eq \"b\"]"}`, []patch.MemberOp{remove("b")}},
		{"remove of what can't be", `{"op":"remove","path":"members[value eq \"a\" and value eq \"b\"]"}`, nil},
		{"remove of those listed", `{"op":"remove","path":"members","value":[{"value":"a"},{"value":"b"}]}`, []patch.MemberOp{remove("a", "b")}},
		{"remove of an empty list", `{"op":"remove","path":"members","value":[]}`, nil},
		{"in order", `{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"a"}]},{"op":"replace","path":"members","value":[]}`,
			[]patch.MemberOp{remove("a"), add("a"), all}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := patch.Parse(group, message(tt.ops), dialect.New(nil))
			if err != nil || !reflect.DeepEqual(p.Members, tt.want) {
				t.Errorf("got %+v, %v; want %+v", p, err, tt.want)
			}
		})
	}
}

func TestRemoveMembersByAnotherFilter(t *testing.T) {
	group := schema.Must().Group
	for _, f := range []string{`type eq "group"`, `value sw "a"`, `not (value eq "a")`, `value eq "a" and type eq "user"`, `value eq "a" or display eq "b"`} {
		p, err := patch.Parse(group, message(`{"op":"remove","path":`+fmt.Sprintf("%q", "members["+f+"]")+`}`), nil)
		if err != nil || len(p.Members) != 1 || p.Members[0].RemoveWhere == nil {
			t.Fatalf("%s: got %+v, %v", f, p, err)
		}
		if got := filter.Text(&filter.Element{Attr: group.Members, Filter: p.Members[0].RemoveWhere}); !strings.EqualFold(got, "members["+f+"]") {
			t.Errorf("got %s, want members[%s]", got, f)
		}
	}
}

func TestMemberRefusals(t *testing.T) {
	group := schema.Must().Group
	for _, tt := range []struct{ name, op, want string }{
		{"no value", `{"op":"add","path":"members","value":[{"value":"a"},{"display":"B"}]}`, "invalidValue: members[1].value must be the id"},
		{"an empty value", `{"op":"add","path":"members","value":[{"value":""}]}`, "invalidValue: members[0].value must be the id"},
		{"null for a value never empties a group", `{"op":"replace","path":"members","value":[{"value":null}]}`, "invalidValue: members[0].value must be the id"},
		{"null for a member never empties a group", `{"op":"replace","path":"members","value":[null]}`, "invalidValue: members[0].value must be the id"},
		{"an empty string never empties a group", `{"op":"replace","path":"members","value":""}`, "invalidValue: members has several values"},
		{"an empty string removes no one", `{"op":"remove","path":"members","value":""}`, "invalidValue: members has several values"},
		{"a number", `{"op":"add","path":"members","value":[7]}`, "invalidValue: members must be an object"},
		{"a value of the wrong type", `{"op":"add","path":"members","value":[{"value":7}]}`, "invalidValue: members.value must be a string"},
		{"a member's display", `{"op":"replace","path":"members[value eq \"a\"].display","value":"A"}`, "mutability: members.display is read-only"},
		{"all members' type", `{"op":"replace","path":"members.type","value":"User"}`, "mutability: A member can't be changed"},
		{"a member", `{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}`, "mutability: A member can't be changed"},
		{"a member's display, removed", `{"op":"remove","path":"members[value eq \"a\"].display"}`, "mutability: members.display is read-only"},
		{"a member's type, removed", `{"op":"remove","path":"members[value eq \"a\"].type"}`, "mutability: members.type can't be removed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := patch.Parse(group, message(tt.op), dialect.New(nil))
			is(t, err, tt.want)
		})
	}
}

func TestTenThousandMembersInOneOperation(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, `,{"value":"u%d"}`, i)
	}
	p, err := patch.Parse(schema.Must().Group, message(`{"op":"add","path":"members","value":[`+b.String()[1:]+`]}`), nil)
	if err != nil || len(p.Members) != 1 || len(p.Members[0].Add) != 10_000 {
		t.Fatalf("got %+v, %v", p, err)
	}
}
