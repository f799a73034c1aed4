package csvrecords

import "fmt"

// Code says what is wrong with a row or a file.
type Code string

// What can be wrong with a row.
const (
	StrayQuote    Code = "strayQuote"      // a quote within a cell that isn't doubled
	UnclosedQuote Code = "unclosedQuote"   // a quoted cell has no end
	WrongCells    Code = "wrongCells"      // more or fewer cells than the header has
	CellTooLong   Code = "cellTooLong"     // more than MaxCell bytes
	RowTooLong    Code = "rowTooLong"      // more than MaxRow bytes
	BadEncoding   Code = "invalidEncoding" // bytes that are no characters, or characters that were lost before
	NULCharacter  Code = "nulCharacter"    // U+0000
)

// What can be wrong with a file, so that none of its rows is read.
const (
	NoHeader         Code = "noHeader"         // the file is empty
	InvalidHeader    Code = "invalidHeader"    // the first row can't be read
	UnnamedColumn    Code = "unnamedColumn"    // a name in the header is empty
	DuplicateColumn  Code = "duplicateColumn"  // a name is in the header twice
	TooManyColumns   Code = "tooManyColumns"   // more than MaxColumns
	UnknownEncoding  Code = "unknownEncoding"  // the Options name one that isn't here
	UnknownSeparator Code = "unknownSeparator" // the Options name one that isn't here
)

// Fault is what is wrong with a row, or with a file. As an error it is its
// sentence.
type Fault struct {
	Code     Code
	Sentence string // for people: where, what, and the way out
}

// Error gives the sentence.
func (f *Fault) Error() string { return f.Sentence }

func fault(code Code, format string, args ...any) *Fault {
	return &Fault{code, fmt.Sprintf(format, args...)}
}
