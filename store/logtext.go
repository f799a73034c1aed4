package store

import (
	"errors"
	"strings"
)

// LogText is the text of an error as a log may hold it: without the values that
// were read or written. Databases, drivers and parsers quote the value that they
// can't take, so what stands between quotation marks or braces is cut out. The
// details of an SQL error, which repeat whole keys, are in no error's text; its
// message is left only in classes that speak of the server and the schema.
func LogText(err error) string {
	var sql interface{ SQLState() string }
	if errors.As(err, &sql) && !plainClass(sql.SQLState()) {
		return "SQLSTATE " + sql.SQLState()
	}
	text := err.Error()
	first, last := strings.IndexAny(text, quotes), strings.LastIndexAny(text, quotes)
	switch {
	case first < 0:
		return text
	case first == last: // the other one may have been cut off
		return text[:first] + "…"
	}
	return text[:first] + "…" + strings.TrimLeft(text[last:], quotes)
}

// quotes are the marks around a value: Go's, and those of PostgreSQL in the
// languages that it speaks.
const quotes = "\"`{}«»„“”"

// plainClass says whether messages of an SQLSTATE (PostgreSQL, appendix A) name
// constraints, columns or the state of the server, but no values.
func plainClass(state string) bool {
	switch state[:min(2, len(state))] {
	case "08", "23", "25", "28", "3D", "40", "42", "53", "54", "55", "57", "58":
		return true
	}
	return false
}
