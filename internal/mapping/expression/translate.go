package expression

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// translation is an expression in the library's spelling: attributes are the
// variables $a0, $a1, …, an argument that was left out is $none, = and <> are ==
// and !=, &HFF is 0xFF.
type translation struct {
	source []rune
	text   string
	from   []int  // the character of the source that each character comes from
	paths  []Path // of the variables
}

// variable begins the names of attributes in the translation; blank is an
// argument that was left out. No name of the language has a $.
const (
	variable = "$a"
	blank    = "$none"
)

// origin is where a character of the translation comes from.
func (t translation) origin(at int) int {
	if at < len(t.from) {
		return t.from[max(at, 0)]
	}
	return len(t.source)
}

// translator goes over the source once.
type translator struct {
	translation
	at      int
	out     strings.Builder
	operand bool   // a value is expected here, not an operator
	open    []rune // brackets: '(' of a call, 'g' of a group, '['
	err     *Error
}

var (
	wordForm = regexp.MustCompile(`^[\pL_][\pL\pN_]*`)
	bareForm = regexp.MustCompile(`^[\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*(?:\[\s*[A-Za-z]\w*\s+eq\s+(?:"[^"\\]*"|true|false)\s*\](?:\.[\pL_][\pL\pN_]*)?)?`)
	numeral  = regexp.MustCompile(`^(?:&[Hh][0-9A-Fa-f]+|[0-9]+(?:\.[0-9]+)?)`)
	callForm = regexp.MustCompile(`^\s*\(`)
	// operators, the longest first.
	operators = []string{"<>", "<=", ">=", "==", "!=", "&&", "||", "??", "=", "<", ">", "!", "?", ":", "+", "-"}
	spelling  = map[string]string{"=": "==", "<>": "!="}
	wordwise  = []string{"and", "or", "not", "contains", "startsWith", "endsWith"}
)

// constants are words that are values. Entra's booleans are written either way.
var constants = map[string]string{
	"true": "true", "True": "true", "false": "false", "False": "false", "nil": "nil", "null": "nil",
	"vbBinaryCompare": "0", "vbTextCompare": "1",
}

func translate(source string) (translation, *Error) {
	t := &translator{translation: translation{source: []rune(source)}, operand: true}
	switch {
	case len(source) > MaxExpression:
		return t.translation, &Error{Message: "the expression has " + strconv.Itoa(len(source)) + " bytes; at most " + strconv.Itoa(MaxExpression) + " are read"}
	case strings.TrimSpace(source) == "":
		return t.translation, &Error{Message: "the expression is empty"}
	case !utf8.ValidString(source):
		return t.translation, &Error{Message: "the expression isn't UTF-8"}
	}
	for t.at < len(t.source) && t.err == nil {
		t.token()
	}
	t.text = t.out.String()
	return t.translation, t.err
}

func (t *translator) fail(at int, format string, args ...any) {
	if t.err == nil {
		t.err = place(t.source, at, format, args...)
	}
}

// emit writes what stands for n characters of the source.
func (t *translator) emit(text string, n int) {
	for range utf8.RuneCountInString(text) {
		t.from = append(t.from, t.at)
	}
	t.out.WriteString(text)
	t.at += n
}

// rest is the source from here on.
func (t *translator) rest() string { return string(t.source[t.at:min(len(t.source), t.at+2*mostPath)]) }

func (t *translator) token() {
	switch r := t.source[t.at]; {
	case unicode.IsSpace(r):
		t.emit(" ", 1)
	case r == '"' || r == '\'':
		t.literal(r)
	case r == '[' && t.operand:
		t.bracket()
	case r == '(' || r == '[':
		t.open = append(t.open, map[bool]rune{true: 'g', false: r}[r == '(' && t.operand])
		t.emit(string(r), 1)
		t.operand = true
	case r == ')' || r == ']':
		t.closing(r)
	case r == ',':
		t.comma()
	case r >= '0' && r <= '9', r == '&' && numeral.MatchString(t.rest()):
		t.number()
	case r == '_' || unicode.IsLetter(r):
		t.word()
	case r == '.' && !t.operand:
		t.member()
	default:
		t.operator()
	}
}

// literal reads text in quotation marks. A backslash stands before a backslash
// and a quotation mark; \n, \r and \t are read too.
func (t *translator) literal(quote rune) {
	var value strings.Builder
	for i := t.at + 1; i < len(t.source); i++ {
		r := t.source[i]
		switch {
		case r == quote:
			t.value(strconv.QuoteToASCII(value.String()), i+1-t.at)
			return
		case r != '\\':
			value.WriteRune(r)
			continue
		}
		i++
		if i == len(t.source) {
			break
		}
		plain, ok := map[rune]rune{'\\': '\\', '"': '"', '\'': '\'', 'n': '\n', 'r': '\r', 't': '\t'}[t.source[i]]
		if !ok {
			t.fail(i-1, `there is no \%c in text; a backslash is written \\`, t.source[i])
			return
		}
		value.WriteRune(plain)
	}
	t.fail(t.at, "this text has no end; close it with %c", quote)
}

// value writes an operand.
func (t *translator) value(text string, n int) {
	if !t.operand {
		t.fail(t.at, "there is no operator before this; between two arguments stands a comma")
		return
	}
	t.emit(text, n)
	t.operand = false
}

// bracket reads [attribute], or the beginning of a list such as ["a", "b"].
func (t *translator) bracket() {
	depth := 0
	for i := t.at; i < len(t.source) && i-t.at <= mostPath; i++ {
		switch t.source[i] {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			if path, ok := ParsePath(string(t.source[t.at+1 : i])); ok {
				t.value(t.reference(path), i+1-t.at)
				return
			}
			break
		}
	}
	t.open = append(t.open, '[')
	t.emit("[", 1)
}

// reference gives the variable of an attribute.
func (t *translator) reference(path Path) string {
	i := slices.IndexFunc(t.paths, func(p Path) bool { return p.text == path.text })
	if i < 0 {
		i = len(t.paths)
		t.paths = append(t.paths, path)
	}
	return variable + strconv.Itoa(i)
}

func (t *translator) closing(r rune) {
	if t.operand && len(t.open) > 0 && t.open[len(t.open)-1] == '(' && !strings.HasSuffix(strings.TrimRight(t.out.String(), " "), "(") {
		t.emit(blank, 0) // after a comma
	}
	if len(t.open) > 0 {
		t.open = t.open[:len(t.open)-1]
	}
	t.emit(string(r), 1)
	t.operand = false
}

func (t *translator) comma() {
	if t.operand && len(t.open) > 0 && t.open[len(t.open)-1] == '(' {
		t.emit(blank, 0)
	}
	t.emit(",", 1)
	t.operand = true
}

func (t *translator) number() {
	digits := numeral.FindString(t.rest())
	text := digits
	if digits[0] == '&' {
		text = "0x" + digits[2:]
	}
	t.value(text, len(digits))
	if t.at < len(t.source) && (unicode.IsLetter(t.source[t.at]) || unicode.IsDigit(t.source[t.at])) {
		t.fail(t.at, "this is no number; an attribute whose name begins with a digit is written in brackets, as in [2nd]")
	}
}

// word reads an operator, a constant, the name of a function or an attribute.
func (t *translator) word() {
	rest := t.rest()
	name := wordForm.FindString(rest)
	constant, isConstant := constants[name]
	switch {
	case slices.Contains(wordwise, name):
		t.emit(" "+name+" ", utf8.RuneCountInString(name))
		t.operand = true
	case isConstant:
		t.value(constant, utf8.RuneCountInString(name))
	case callForm.MatchString(rest[len(name):]):
		if _, err := lookUp(name); err != "" {
			t.fail(t.at, "%s", err)
			return
		}
		t.value(name, utf8.RuneCountInString(name))
	default:
		t.bare(bareForm.FindString(rest))
	}
}

func (t *translator) bare(name string) {
	path, ok := ParsePath(name)
	if !ok {
		t.fail(t.at, "%s is no attribute's name", quoted(name))
		return
	}
	t.value(t.reference(path), utf8.RuneCountInString(name))
}

// member reads .name after a value.
func (t *translator) member() {
	t.emit(".", 1)
	name := wordForm.FindString(t.rest())
	if name == "" {
		t.fail(t.at, "after a point stands an attribute's name")
		return
	}
	t.emit(name, utf8.RuneCountInString(name))
}

func (t *translator) operator() {
	rest := t.rest()
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		as := op
		if other, ok := spelling[op]; ok {
			as = other
		}
		t.emit(as, len(op))
		t.operand = true
		return
	}
	t.fail(t.at, "%q has no meaning here; text stands in quotation marks, an attribute in brackets", t.source[t.at])
}
