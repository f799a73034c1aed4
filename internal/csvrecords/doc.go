// Package csvrecords reads records from comma-separated values as spreadsheets
// and HR tools write them, and writes such files for people.
//
// The form is RFC 4180 with what is met besides: the encodings UTF-8, UTF-16 and
// Windows-1252; a comma, semicolon, tab or pipe between the cells; the line
// "sep=;" of Excel; CR LF, LF or CR at the end of a line; empty lines. What is
// wrong with one row is told with its line and stops nothing else.
//
// encoding/csv isn't used for reading. A quote that isn't closed makes it keep
// the rest of the file in memory, it has no bound for a row, it takes CR LF for
// LF within quotes and CR alone for text, and after a stray quote it goes on
// behind rows that it should have read.
//
// A row is at most 1 MiB. A quote that is closed neither within 8 MiB nor before
// the file ends, or is closed in the middle of a cell, is a fault of the row that
// opened it, and reading goes on with the line behind the one where that row
// begins. So a forgotten quote costs one row; and a file whose quotes are right
// is never read otherwise than it was written, unless it has a row of more than
// 8 MiB, whose first line is refused and whose other lines are read as rows.
//
// Memory is bounded by these 8 MiB, whatever the size of the file, and is some
// 64 KiB for a file without such rows. Each byte is looked at a few times at most.
package csvrecords
