package filter_test

import (
	"fmt"
	"strconv"
	"strings"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
)

// show writes a syntax tree as the filter that yields it. The library's String
// escapes as Go does, not as JSON.
func show(e ast.Expression) string {
	switch e := e.(type) {
	case *ast.LogicalExpression:
		left, right := show(e.Left), show(e.Right)
		if l, ok := e.Left.(*ast.LogicalExpression); ok && e.Operator == ast.AND && l.Operator == ast.OR {
			left = "(" + left + ")"
		}
		// A chain leans to the left, so a right operand of the same operator
		// stood in parentheses.
		if r, ok := e.Right.(*ast.LogicalExpression); ok && (e.Operator == ast.AND || r.Operator == ast.OR) {
			right = "(" + right + ")"
		}
		return left + " " + string(e.Operator) + " " + right
	case *ast.NotExpression:
		return "not(" + show(e.Expression) + ")"
	case *ast.ValuePath:
		return e.AttributePath.String() + "[" + show(e.ValueFilter) + "]"
	case *ast.AttributeExpression:
		s := e.AttributePath.String() + " " + string(e.Operator)
		if e.Operator != ast.PR {
			s += " " + showOperand(e.CompareValue)
		}
		return s
	}
	return fmt.Sprintf("%T", e)
}

func showOperand(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return string(document.AppendString(nil, v))
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += "e0" // or it would come back as an int
		}
		return s
	}
	return fmt.Sprint(v)
}

// showPath writes a PATCH path.
func showPath(p ast.Path) string {
	s := p.AttributePath.String()
	if p.ValueExpression != nil {
		s += "[" + show(p.ValueExpression) + "]"
	}
	if p.SubAttribute != nil {
		s += "." + *p.SubAttribute
	}
	return s
}
