package filter

import "strconv"

// operand gives the value of the present token.
func (p *parser) operand() (any, error) {
	switch {
	case p.tok.kind == text && p.tok.blank:
		return p.tok.text, nil
	case p.tok.kind == text:
		return nil, p.fail(p.tok.at, "a blank is expected before the value")
	case p.tok.kind != word:
		return nil, p.unexpected("a value")
	case p.tok.is("true"):
		return true, nil
	case p.tok.is("false"):
		return false, nil
	case p.tok.is("null"):
		return nil, nil
	}
	if valid, whole := number(p.tok.text); valid {
		return p.number(whole)
	}
	if unquoted(p.tok.text) && p.opts.repairs(RepairUnquotedOperand) {
		return p.tok.text, nil
	}
	return nil, p.unexpected("a string in double quotes, a number, true, false or null")
}

func (p *parser) number(whole bool) (any, error) {
	if whole {
		if n, err := strconv.Atoi(p.tok.text); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(p.tok.text, 64)
	if err != nil {
		return nil, p.fail(p.tok.at, "the number %s is out of range", quote(p.tok.text))
	}
	return f, nil
}

// number says whether s is a JSON number (RFC 8259 §6), and one without
// fraction and exponent.
func number(s string) (valid, whole bool) {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	n := digits(s[i:])
	if n == 0 || n > 1 && s[i] == '0' {
		return false, false
	}
	if i += n; i == len(s) {
		return true, true
	}
	if s[i] == '.' {
		if n = digits(s[i+1:]); n == 0 {
			return false, false
		}
		i += 1 + n
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if n = digits(s[i:]); n == 0 {
			return false, false
		}
		i += n
	}
	return i == len(s), false
}

func digits(s string) int {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}

// unquoted says whether a word can be an operand whose quotes were forgotten.
// One in single quotes is not: it would be searched with its quotes.
func unquoted(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == '\\' {
			return false
		}
	}
	return s[0] != '\''
}
