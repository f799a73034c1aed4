package expression

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// Bounds of an expression.
const (
	// MaxExpression is how long an expression may be, in bytes.
	MaxExpression = 8192
	mostNodes     = 1000
)

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	translation translation
	program     *vm.Program
	redacted    bool
	random      bool
	unique      bool
}

// Compile reads an expression and checks all that can be known without a record:
// that the functions exist and have as many arguments as they want, units of
// time, date formats, cultures and regular expressions that stand in it as text.
// The error is an *[Error].
func Compile(source string) (*Program, error) {
	t, fault := translate(source)
	if fault != nil {
		return nil, fault
	}
	c := &compilation{translation: t, used: map[string]int{}}
	// The translation has no variables but those that Evaluate gives.
	options := append(registered(), expr.Env(map[string]any{}), expr.AllowUndefinedVariables(),
		expr.DisableAllBuiltins(), expr.Optimize(false), expr.AsAny(), expr.MaxNodes(mostNodes), expr.Patch(c))
	program, err := expr.Compile(t.text, options...)
	if c.fault != nil {
		return nil, c.fault
	}
	if err != nil {
		return nil, t.back(err)
	}
	p := &Program{
		translation: t, program: program,
		redacted: c.used["Redact"] > 0, unique: c.used["SelectUniqueValue"] > 0,
		random: c.used["Guid"]+c.used["RandomString"] > 0,
	}
	if root, ok := program.Node().(*ast.CallNode); p.unique && (c.used["SelectUniqueValue"] > 1 || !ok || !calls(root, "SelectUniqueValue")) {
		return nil, &Error{Message: "SelectUniqueValue has to be the outermost function, and the only one of its kind"}
	}
	return p, nil
}

// Paths are the attributes that the expression reads, each once, in the order in
// which they stand in it.
func (p *Program) Paths() []Path { return slices.Clone(p.translation.paths) }

// Redacted says that the expression has Redact in it: its value, and what is
// wrong with it, belong in no log.
func (p *Program) Redacted() bool { return p.redacted }

// Random says that each evaluation may give another value, because of Guid or
// RandomString.
func (p *Program) Random() bool { return p.random }

// Unique says that the value is to be chosen among several: SelectUniqueValue.
func (p *Program) Unique() bool { return p.unique }

// running is the variable that hands each function the evaluation that calls it.
const running = "$run"

// compilation visits the nodes of the library's tree, children first: it checks
// each, and makes a call of ours of it.
type compilation struct {
	translation translation
	fault       *Error
	used        map[string]int // how often each function is called
}

// operations are the functions that do what operators say.
var operations = map[string]string{
	"==": "$eq", "!=": "$ne", "<": "$lt", "<=": "$le", ">": "$gt", ">=": "$ge", "+": "$add",
	"contains": "$contains", "startsWith": "$startsWith", "endsWith": "$endsWith",
}

func (c *compilation) fail(node ast.Node, format string, args ...any) {
	if c.fault == nil {
		c.fault = place(c.translation.source, c.translation.origin(node.Location().From), format, args...)
	}
}

// Visit fulfils [ast.Visitor].
func (c *compilation) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode, *ast.ArrayNode, *ast.IdentifierNode:
	case *ast.UnaryNode:
		switch n.Operator {
		case "!", "not":
			c.patch(node, "$not", n.Node)
		case "-":
			c.patch(node, "$minus", n.Node)
		default:
			c.fail(n, "%s has no meaning before a value", n.Operator)
		}
	case *ast.BinaryNode:
		c.binary(node, n)
	case *ast.ConditionalNode:
		n.Cond = call("$truth", n.Cond)
	case *ast.MemberNode:
		c.patch(node, "$member", n.Node, n.Property)
	case *ast.CallNode:
		c.call(node, n)
	default:
		c.fail(n, "this isn't a part of the language; see the functions in docs/mapping.md")
	}
}

func (c *compilation) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		n.Left, n.Right = call("$truth", n.Left), call("$truth", n.Right)
	case "??":
	case "-":
		c.fail(n, "there is no subtraction; for dates there are DateAdd and DateDiff, and an attribute with a hyphen is written in brackets")
	default:
		name, ok := operations[n.Operator]
		if !ok {
			c.fail(n, "%s has no meaning between values", n.Operator)
			return
		}
		c.patch(node, name, n.Left, n.Right)
	}
}

// patch puts a call of one of our functions in a node's place.
func (c *compilation) patch(node *ast.Node, name string, arguments ...ast.Node) {
	ast.Patch(node, call(name, arguments...))
}

// call makes a call that is handed the run.
func call(name string, arguments ...ast.Node) ast.Node {
	n := &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: running}}, arguments...),
	}
	if len(arguments) > 0 {
		n.SetLocation(arguments[0].Location())
	}
	return n
}

func (c *compilation) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || strings.HasPrefix(callee.Value, "$") {
		c.fail(n, "only a function can be called, by its name")
		return
	}
	f, fault := lookUp(callee.Value)
	if fault != "" {
		c.fail(n, "%s", fault)
		return
	}
	if err := f.accepts(n.Arguments); err != nil {
		c.fail(n, "%s: %v", f.Name, err)
		return
	}
	c.used[f.Name]++
	if f.Name == "IIF" {
		ast.Patch(node, &ast.ConditionalNode{Cond: whenPresent(n.Arguments[0]), Exp1: n.Arguments[1], Exp2: n.Arguments[2]})
		return
	}
	n.Arguments = append([]ast.Node{&ast.IdentifierNode{Value: running}}, n.Arguments...)
}

func calls(n *ast.CallNode, name string) bool {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	return ok && callee.Value == name
}

// whenPresent makes the condition of an IIF: it fails if an attribute that it
// reads is null or empty (Microsoft, functions-for-customizing-application-data,
// "Known limitations" of IIF).
func whenPresent(condition ast.Node) ast.Node {
	var read attributes
	ast.Walk(&condition, &read)
	return call("$when", append([]ast.Node{condition}, read...)...)
}

// attributes collects the variables below a node that stand for attributes.
type attributes []ast.Node

// Visit fulfils [ast.Visitor].
func (a *attributes) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.IdentifierNode); ok && strings.HasPrefix(n.Value, variable) {
		*a = append(*a, &ast.IdentifierNode{Value: n.Value})
	}
}
