package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// year is the life of a token unless said otherwise.
const year = 365 * 24 * time.Hour

// lifetime is a duration on the command line, which may be in days.
type lifetime time.Duration

// UnmarshalText reads "365d" or a Go duration such as "12h"; "0" and "never" are
// 0.
func (l *lifetime) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "0" || s == "never" {
		*l = 0
		return nil
	}
	var d time.Duration
	var err error
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16) // up to 179 years
		d = time.Duration(n) * 24 * time.Hour
	} else {
		d, err = time.ParseDuration(s)
	}
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no length of time such as 365d or 12h", s)
	}
	*l = lifetime(d)
	return nil
}

// day and minute show a time in UTC, a dash for none.
func day(t time.Time) string { return show(t, time.DateOnly) }

func minute(t time.Time) string { return show(t, "2006-01-02 15:04Z") }

func show(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(layout)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printable is a text that came from elsewhere, for a terminal: what would move
// the cursor is shown as a sign.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
