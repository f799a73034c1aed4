package expression

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/file"
)

// Error says what is wrong with an expression, or why it has no value for a
// record.
type Error struct {
	// Line and Column, from 1 and in characters, are the place in the text that
	// was compiled; both are 0 if it is about the whole.
	Line, Column int
	// Message is what is wrong and the way out, without a full stop. It quotes at
	// most 60 bytes of a value.
	Message string
}

// Error gives the place and the message: "1:8: there is no function Lefft".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
}

// place makes an error of something at a character of the source, from 0.
func place(source []rune, at int, format string, args ...any) *Error {
	e := &Error{Line: 1, Column: 1, Message: fmt.Sprintf(format, args...)}
	for _, r := range source[:min(at, len(source))] {
		if r == '\n' {
			e.Line++
			e.Column = 1
		} else {
			e.Column++
		}
	}
	return e
}

// back turns an error of the library, which speaks of the translated text, into
// one about the source.
func (t translation) back(err error) *Error {
	var own *Error
	var theirs *file.Error
	switch {
	case errors.As(err, &own) && own.Line > 0:
		return own
	case !errors.As(err, &theirs):
		return &Error{Message: err.Error()}
	}
	message := theirs.Message
	if own != nil {
		message = own.Message
	}
	return place(t.source, t.origin(theirs.From), "%s", message)
}

// failed is an error of a function, which gets its place from the library.
func failed(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}
