package expression

import (
	"strings"
	"time"
	"unicode"
)

// styles are the DateTimeStyles of .NET that make a difference.
type styles struct {
	leading, trailing, inner  bool // white space
	noCurrentDate             bool
	universal, assume, rounds bool // AdjustToUniversal; AssumeLocal or AssumeUniversal; RoundtripKind
}

// parseStyles reads a list with commas; nothing is what Entra takes by default.
func parseStyles(text string) (styles, error) {
	if strings.TrimSpace(text) == "" {
		return styles{leading: true, trailing: true, rounds: true}, nil
	}
	var s styles
	for name := range strings.SplitSeq(text, ",") {
		switch strings.TrimPrefix(strings.TrimSpace(name), "DateTimeStyles.") {
		case "None":
		case "AllowLeadingWhite":
			s.leading = true
		case "AllowTrailingWhite":
			s.trailing = true
		case "AllowInnerWhite":
			s.inner = true
		case "AllowWhiteSpaces":
			s.leading, s.trailing, s.inner = true, true, true
		case "NoCurrentDateDefault":
			s.noCurrentDate = true
		case "AdjustToUniversal":
			s.universal = true
		case "AssumeLocal", "AssumeUniversal":
			s.assume = true
		case "RoundtripKind":
			s.rounds = true
		default:
			return s, failed("%s is none of the DateTimeStyles of .NET", quoted(strings.TrimSpace(name)))
		}
	}
	return s, nil
}

// reading is what ParseExact has read so far; -1 is what hasn't been.
type reading struct {
	rest                           string
	year, month, day, hour, minute int
	second, nanosecond, weekday    int
	twelve                         bool // the hour is one of twelve
	half                           int  // 0 for AM, 1 for PM
	zone                           zoneKind
	offset                         time.Duration
}

// parse reads text that has exactly the form of the format, as
// DateTime.ParseExact does in the invariant culture.
func (p dateFormat) parse(s string, st styles, now time.Time) (date, bool) {
	if st.leading {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if st.trailing {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	r := reading{rest: s, year: -1, month: -1, day: -1, weekday: -1, half: -1}
	for _, f := range p {
		if st.inner {
			r.rest = strings.TrimLeftFunc(r.rest, unicode.IsSpace)
			f.literal = strings.TrimLeftFunc(f.literal, unicode.IsSpace)
		}
		if !r.field(f) {
			return date{}, false
		}
	}
	if r.rest != "" {
		return date{}, false
	}
	return r.date(st, now)
}

func (r *reading) field(f field) bool {
	switch f.letter {
	case 0:
		return r.literal(f.literal)
	case 'd':
		if f.count > 2 {
			return r.name(&r.weekday, f.count, func(i int) string { return time.Weekday(i).String() }, 0, 6)
		}
		return r.digits(&r.day, f.count)
	case 'M':
		if f.count > 2 {
			return r.name(&r.month, f.count, func(i int) string { return time.Month(i).String() }, 1, 12)
		}
		return r.digits(&r.month, f.count)
	case 'y':
		return r.years(f.count)
	case 'h':
		r.twelve = true
		return r.digits(&r.hour, f.count)
	case 'H':
		return r.digits(&r.hour, f.count)
	case 'm':
		return r.digits(&r.minute, f.count)
	case 's':
		return r.digits(&r.second, f.count)
	case 'f', 'F':
		return r.fraction(f)
	case 'g':
		return r.word("A.D.") || r.word("AD")
	case 't':
		r.half = 0
		if r.word("AM"[:min(f.count, 2)]) {
			return true
		}
		r.half = 1
		return r.word("PM"[:min(f.count, 2)])
	case 'K':
		return r.rest == "" || r.word("Z") && r.at(utc, 0) || r.rest[0] != '+' && r.rest[0] != '-' || r.shift(3)
	}
	return r.shift(f.count)
}

// literal reads what stands in the format as it is. A Z among it is the zone UTC.
func (r *reading) literal(s string) bool {
	rest, ok := strings.CutPrefix(r.rest, s)
	r.rest = rest
	if strings.Contains(s, "Z") {
		r.at(utc, 0)
	}
	return ok
}

// word reads a word in any case.
func (r *reading) word(w string) bool {
	if len(r.rest) < len(w) || !strings.EqualFold(r.rest[:len(w)], w) {
		return false
	}
	r.rest = r.rest[len(w):]
	return true
}

// digits reads a number: of one or two digits for one letter, of as many as there
// are letters otherwise, at most two.
func (r *reading) digits(into *int, letters int) bool {
	most, least := 2, 2
	if letters == 1 {
		least = 1
	}
	n, ok := r.number(least, most)
	*into = n
	return ok
}

func (r *reading) number(least, most int) (int, bool) {
	n, i := 0, 0
	for ; i < most && i < len(r.rest) && r.rest[i] >= '0' && r.rest[i] <= '9'; i++ {
		n = 10*n + int(r.rest[i]-'0')
	}
	if i < least {
		return 0, false
	}
	r.rest = r.rest[i:]
	return n, true
}

// years reads a year. One of two digits is of 1950 to 2049, as the calendar of
// the invariant culture has it.
func (r *reading) years(letters int) bool {
	if letters > 2 {
		n, ok := r.number(letters, letters)
		r.year = n
		return ok
	}
	ok := r.digits(&r.year, letters)
	if r.year += 1900; r.year < 1950 {
		r.year += 100
	}
	return ok
}

// fraction reads digits of a second: as many as there are letters f, or at most
// as many as there are letters F.
func (r *reading) fraction(f field) bool {
	least := f.count
	if f.letter == 'F' {
		least = 0
	}
	before := len(r.rest)
	n, ok := r.number(least, f.count)
	for range 9 - (before - len(r.rest)) {
		n *= 10
	}
	r.nanosecond = n
	return ok
}

// name reads the name of a day or a month, or its first three letters.
func (r *reading) name(into *int, letters int, name func(int) string, from, to int) bool {
	for i := from; i <= to; i++ {
		w := name(i)
		if letters == 3 {
			w = w[:3]
		}
		if r.word(w) {
			*into = i
			return true
		}
	}
	return false
}

func (r *reading) at(zone zoneKind, offset time.Duration) bool {
	r.zone, r.offset = zone, offset
	return true
}

// shift reads an offset from UTC: hours, and with three letters minutes.
func (r *reading) shift(letters int) bool {
	sign := time.Duration(1)
	switch {
	case strings.HasPrefix(r.rest, "-"):
		sign = -1
	case !strings.HasPrefix(r.rest, "+"):
		return false
	}
	r.rest = r.rest[1:]
	var hours, minutes int
	if !r.digits(&hours, min(letters, 2)) {
		return false
	}
	if letters > 2 {
		r.rest = strings.TrimPrefix(r.rest, ":")
		if !r.digits(&minutes, 2) {
			return false
		}
	}
	return hours <= 14 && minutes < 60 && r.at(local, sign*(time.Duration(hours)*time.Hour+time.Duration(minutes)*time.Minute))
}

// date puts together what was read. A time without a date is of today, or of the
// first day of all.
func (r *reading) date(st styles, now time.Time) (date, bool) {
	if r.twelve {
		if r.hour > 12 {
			return date{}, false
		}
		r.hour = r.hour%12 + 12*max(r.half, 0)
	}
	if r.year < 0 && r.month < 0 && r.day < 0 && !st.noCurrentDate {
		r.year, r.month, r.day = now.UTC().Year(), int(now.UTC().Month()), now.UTC().Day()
	}
	if r.year < 0 {
		if r.year = 1; !st.noCurrentDate {
			r.year = now.UTC().Year()
		}
	}
	r.month, r.day = or1(r.month), or1(r.day)
	t := time.Date(r.year, time.Month(r.month), r.day, r.hour, r.minute, r.second, r.nanosecond, time.UTC)
	if t.Day() != r.day || t.Month() != time.Month(r.month) || r.hour > 23 || r.minute > 59 || r.second > 59 ||
		r.weekday >= 0 && t.Weekday() != time.Weekday(r.weekday) {
		return date{}, false
	}
	d := date{Time: t.Add(-r.offset), kind: r.zone}
	switch {
	case r.zone == unspecified && st.assume, r.zone == utc && !st.rounds:
		d.kind = local
	}
	if st.universal && d.kind != unspecified {
		d.kind = utc
	}
	return d, inRange(d.Time)
}

// or1 is a month or day, the first if none was read.
func or1(n int) int {
	if n < 0 {
		return 1
	}
	return n
}
