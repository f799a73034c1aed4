package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// Function is one function of the language, as docs/mapping.md has it.
type Function struct {
	Name       string
	Parameters string // "source, suffix"; … for any number more
	Meaning    string // one or two sentences, with what becomes of null
	least      int
	most       int // -1 for any number
	// takesIgnored says that the function itself knows what to do with what
	// IgnoreFlowIfNullOrEmpty left out; through all others it goes unchanged.
	takesIgnored bool
	// prepare checks the arguments that stand in the expression as they are, and
	// may replace them.
	prepare func(arguments []ast.Node) error
	do      body
}

// body does what a function says. An argument that was left out is omitted{} or
// isn't there; see arguments.
type body func(r *run, a arguments) (any, error)

// LeftOut are the functions of Entra that the language doesn't have, with the
// reason.
type LeftOut struct{ Name, Reason string }

// Functions are the functions of the language, in the order of the alphabet.
func Functions() []Function {
	return slices.SortedFunc(slices.Values(functions()), func(a, b Function) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
}

func functions() []Function {
	var all []Function
	for _, part := range [][]Function{logicFunctions, textFunctions, caseFunctions, listFunctions, dateFunctions, replaceFunctions, otherFunctions} {
		all = append(all, part...)
	}
	return all
}

// Missing are the functions that Entra has and the language doesn't.
func Missing() []LeftOut {
	const roles = "It reads the role assignments of an enterprise application, which only Entra ID holds; "
	return []LeftOut{
		{"AppRoleAssignmentsComplex", roles + "what arrives here is the user's roles, which a direct flow brings as they are."},
		{"AssertiveAppRoleAssignmentsComplex", roles + "a direct flow of a list replaces it as a whole, so removals happen too."},
	}
}

// lookUp finds a function, or says what is wrong with the name.
func lookUp(name string) (Function, string) {
	near := ""
	for _, f := range functions() {
		if f.Name == name {
			return f, ""
		}
		if strings.EqualFold(f.Name, name) {
			near = f.Name
		}
	}
	for _, f := range Missing() {
		if f.Name == name {
			return Function{}, name + " isn't here. " + strings.TrimSuffix(f.Reason, ".")
		}
	}
	if near != "" {
		return Function{}, fmt.Sprintf("there is no function %s; it is written %s", name, near)
	}
	return Function{}, "there is no function " + quoted(name) + "; docs/mapping.md lists those that there are"
}

// accepts checks the arguments of a call.
func (f Function) accepts(given []ast.Node) error {
	switch n := len(given); {
	case f.most >= 0 && f.least == f.most && n != f.least:
		return fmt.Errorf("%s wanted, %d given; it is %s(%s)", counted(f.least), n, f.Name, f.Parameters)
	case n < f.least:
		return fmt.Errorf("at least %s wanted, %d given; it is %s(%s)", counted(f.least), n, f.Name, f.Parameters)
	case f.most >= 0 && n > f.most:
		return fmt.Errorf("at most %s wanted, %d given; it is %s(%s)", counted(f.most), n, f.Name, f.Parameters)
	}
	if f.prepare == nil {
		return nil
	}
	return f.prepare(given)
}

func counted(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// literal gives an argument that stands in the expression as it is; omitted{} for
// one that was left out or isn't there. It is false for what depends on a record.
func literal(given []ast.Node, i int) (any, bool) {
	if i >= len(given) {
		return omitted{}, true
	}
	switch n := given[i].(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.NilNode:
		return nil, true
	case *ast.IdentifierNode:
		return omitted{}, n.Value == blank
	}
	return nil, false
}

// wanting makes a check of the argument at a place, if it stands there as it is.
func wanting(i int, check func(v any) error) func([]ast.Node) error {
	return func(given []ast.Node) error {
		if v, ok := literal(given, i); ok {
			return check(null(v))
		}
		return nil
	}
}

// registered hands the library all functions, those of operators too.
func registered() []expr.Option {
	var options []expr.Option
	for _, f := range append(functions(), operatorFunctions...) {
		options = append(options, expr.Function(f.Name, f.run))
	}
	return options
}

// run is a function as the library calls it, the evaluation first.
func (f Function) run(params ...any) (any, error) {
	r := params[0].(*run)
	given := params[1:]
	for _, v := range given {
		if _, ok := v.(ignored); ok && !f.takesIgnored {
			return ignored{}, nil
		}
		if err := r.read(v); err != nil {
			return nil, err
		}
	}
	v, err := f.do(r, given)
	if err == nil {
		err = r.keep(v)
	}
	if err != nil && !strings.HasPrefix(f.Name, "$") {
		err = failed("%s: %s", f.Name, err.Error())
	}
	return v, err
}

// arguments are the values that a function was given.
type arguments []any

// at gives an argument, nil for null, for one that was left out, and for one
// that isn't there.
func (a arguments) at(i int) any {
	if i >= len(a) {
		return nil
	}
	return null(a[i])
}

// given says whether an argument was written, whatever its value.
func (a arguments) given(i int) bool {
	if i >= len(a) {
		return false
	}
	_, left := a[i].(omitted)
	return !left
}

// text gives an argument as text; nil for null.
func (a arguments) text(i int) (*string, error) { return text(a.at(i)) }

// plain gives an argument as text; "" for null.
func (a arguments) plain(i int) (string, error) {
	s, err := a.text(i)
	if err != nil || s == nil {
		return "", err
	}
	return *s, nil
}

// list gives the values of an argument: of one that is no list that one, of null
// none.
func (a arguments) list(i int) []any {
	switch v := a.at(i).(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// mapped makes a function of one text; null stays null.
func mapped(do func(string) (any, error)) body {
	return func(_ *run, a arguments) (any, error) {
		s, err := a.text(0)
		if err != nil || s == nil {
			return nil, err
		}
		return do(*s)
	}
}
