package filter

import (
	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
)

// Parse reads a filter (RFC 7644 §3.4.2.2, figure 1) strictly. The nodes are
// pointers; whole numbers are int where they fit, other numbers float64, null
// is nil; strings are decoded. Operators and keywords match in any case.
//
// Beyond the figure it takes any number of blanks where one may stand, and, as
// Entra ID sends it, a value path with a comparison of a sub-attribute behind
// it: emails[type eq "work"].value eq "x" yields the ValuePath
// emails[type eq "work" and value eq "x"].
//
// The error is a scimerrors.ScimError with status 400 and scimType
// invalidFilter, whose detail says what is wrong at which character.
func Parse(s string) (ast.Expression, error) { return ParseWith(s, Options{}) }

// ParseWith is Parse with repairs: RepairUnquotedOperand.
func ParseWith(s string, o Options) (ast.Expression, error) {
	p := parser{lexer: lexer{s: s, noun: "filter", fault: scimerrors.ScimTypeInvalidFilter}, opts: o}
	if err := p.start(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.unexpected(`"and", "or" or the end`)
	}
	return e, nil
}

type parser struct {
	lexer
	opts    Options
	depth   int
	nodes   int
	bracket bool // inside [ ]
}

// start checks the input and goes to its first token.
func (p *parser) start() error {
	if err := p.check(); err != nil {
		return err
	}
	return p.next()
}

// or reads terms joined by or, which binds weakest.
func (p *parser) or() (ast.Expression, error) {
	left, err := p.and()
	for err == nil && p.tok.is("or") {
		var right ast.Expression
		if err = p.connective(); err != nil {
			break
		}
		if right, err = p.and(); err == nil {
			left = &ast.LogicalExpression{Left: left, Right: right, Operator: ast.OR}
		}
	}
	return left, err
}

func (p *parser) and() (ast.Expression, error) {
	left, err := p.term()
	for err == nil && p.tok.is("and") {
		var right ast.Expression
		if err = p.connective(); err != nil {
			break
		}
		if right, err = p.term(); err == nil {
			left = &ast.LogicalExpression{Left: left, Right: right, Operator: ast.AND}
		}
	}
	return left, err
}

// connective passes over and, or or, which stand between blanks.
func (p *parser) connective() error {
	name := p.tok
	if !name.blank {
		return p.fail(name.at, "a blank is expected before %s", quote(name.text))
	}
	if err := p.node(); err != nil {
		return err
	}
	if err := p.next(); err != nil {
		return err
	}
	if !p.tok.blank && p.tok.kind != end {
		return p.fail(p.tok.at, "a blank is expected after %s", quote(name.text))
	}
	return nil
}

// term reads a comparison, a value path, a group or a negated group.
func (p *parser) term() (ast.Expression, error) {
	if p.tok.kind == '(' {
		return p.group()
	}
	if p.tok.kind != word {
		return nil, p.unexpected(`an attribute name, "not" or "("`)
	}
	name := p.tok
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.tok.kind == '(' && name.is("not") {
		if err := p.node(); err != nil {
			return nil, err
		}
		e, err := p.group()
		if err != nil {
			return nil, err
		}
		return &ast.NotExpression{Expression: e}, nil
	}
	path, err := p.attributePath(name)
	if err != nil {
		return nil, err
	}
	if p.tok.kind == '[' {
		return p.valuePath(path)
	}
	return p.comparison(path)
}

// group reads a filter in parentheses.
func (p *parser) group() (ast.Expression, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != ')' {
		return nil, p.unexpected(`"and", "or" or ")"`)
	}
	p.depth--
	return e, p.next()
}

// open passes over an opening bracket.
func (p *parser) open() error {
	if p.depth++; p.depth > MaxDepth {
		return p.fail(p.tok.at, "%s opens more than %d levels", quote(p.s[p.tok.at:p.pos]), MaxDepth)
	}
	return p.next()
}

// node counts one node of the tree.
func (p *parser) node() error {
	if p.nodes++; p.nodes > MaxNodes {
		return p.fail(p.tok.at, "%s is one expression too many, at most %d are allowed", quote(p.s[p.tok.at:p.pos]), MaxNodes)
	}
	return nil
}

// valuePath reads [filter], or Entra's [filter].sub op value.
func (p *parser) valuePath(path ast.AttributePath) (ast.Expression, error) {
	if err := p.node(); err != nil {
		return nil, err
	}
	filter, err := p.brackets()
	if err != nil {
		return nil, err
	}
	if !p.tok.dotted() {
		return &ast.ValuePath{AttributePath: path, ValueFilter: filter}, nil
	}
	sub, err := p.subAttribute()
	if err != nil {
		return nil, err
	}
	if err := p.node(); err != nil {
		return nil, err
	}
	last, err := p.comparison(ast.AttributePath{AttributeName: sub})
	if err != nil {
		return nil, err
	}
	filter = &ast.LogicalExpression{Left: filter, Right: last, Operator: ast.AND}
	return &ast.ValuePath{AttributePath: path, ValueFilter: filter}, nil
}

// brackets reads [filter]. In the figure value paths don't nest.
func (p *parser) brackets() (ast.Expression, error) {
	if p.bracket {
		return nil, p.unexpected("an operator")
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	outer := p.fault
	p.bracket, p.fault = true, scimerrors.ScimTypeInvalidFilter
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == end {
		p.fault = outer // the bracket is the path's, not the filter's
	}
	if p.tok.kind != ']' {
		return nil, p.unexpected(`"and", "or" or "]"`)
	}
	p.bracket, p.fault = false, outer
	p.depth--
	return e, p.next()
}

// comparison reads the operator and the operand behind a path.
func (p *parser) comparison(path ast.AttributePath) (ast.Expression, error) {
	op, ok := operator(p.tok)
	if !ok {
		return nil, p.unexpected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)")
	}
	if err := p.node(); err != nil {
		return nil, err
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	e := &ast.AttributeExpression{AttributePath: path, Operator: op}
	if op == ast.PR {
		return e, nil
	}
	var err error
	if e.CompareValue, err = p.operand(); err != nil {
		return nil, err
	}
	return e, p.next()
}

func operator(t token) (ast.CompareOperator, bool) {
	if t.kind != word || len(t.text) != 2 {
		return "", false
	}
	for _, op := range [...]ast.CompareOperator{
		ast.EQ, ast.NE, ast.CO, ast.SW, ast.EW, ast.GT, ast.GE, ast.LT, ast.LE, ast.PR,
	} {
		if equalFold(t.text, string(op)) {
			return op, true
		}
	}
	return "", false
}
