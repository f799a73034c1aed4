package expression

import (
	"math"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

var dateFunctions = []Function{
	{Name: "CDate", Parameters: "expression", Meaning: "Text as a DateTime in UTC: ISO 8601 with or without a time and a zone (2020-03-16-07:00), M/d/yyyy h:mm:ss tt, and some more. One without a zone is UTC. Null and \"\" give null.", least: 1, most: 1, do: cDate},
	{Name: "DateAdd", Parameters: "interval, value, dateTime", Meaning: "That many units later: yyyy, m (month), d, ww, h, n (minute), s. The 31st becomes the last day of a shorter month. Null if one is null.", least: 3, most: 3, prepare: wanting(0, interval), do: dateAdd},
	{Name: "DateDiff", Parameters: "interval, date1, date2", Meaning: "The units from date1 to date2, as DateDiff of Visual Basic counts: years, months and weeks by the borders in between, the others whole. Null if one is null.", least: 3, most: 3, prepare: wanting(0, interval), do: dateDiff},
	{Name: "DateFromNum", Parameters: "value", Meaning: "A file time of Active Directory (100 ns since 1601) as a DateTime. Null, 0 and 9223372036854775807, which mean never, give null.", least: 1, most: 1, do: dateFromNum},
	{Name: "FormatDateTime", Parameters: "source, dateTimeStyles, inputFormat, outputFormat", Meaning: "A date in another form, by the custom and standard formats of .NET and the invariant culture; what has a zone is told in UTC. Null and \"\" give null.", least: 4, most: 4, prepare: formats, do: formatDateTime},
	{Name: "Now", Parameters: "", Meaning: "The time now, as a DateTime in UTC.", least: 0, most: 0,
		do: func(r *run, _ arguments) (any, error) { return date{r.in.Now.UTC(), utc}, nil }},
	{Name: "NumFromDate", Parameters: "value", Meaning: "A DateTime, or text that CDate reads, as a file time of Active Directory. Null and \"\" give null.", least: 1, most: 1, do: numFromDate},
}

// layouts are the forms of CDate: of each day, time and zone one. Fractions of a
// second are read wherever there are seconds.
var (
	dayLayouts  = []string{"2006-1-2", "1/2/2006", "2006/1/2", "January 2, 2006", "2 January 2006", "Mon, 2 Jan 2006", "Jan 2, 2006", "2 Jan 2006"}
	timeLayouts = []string{"", "T15:04:05", " 15:04:05", " 3:04:05 PM", "T15:04", " 15:04", " 3:04 PM"}
	zoneLayouts = []string{"", "Z07:00", " Z07:00", " GMT"}
)

const mostDate = 64 // bytes

// toDate reads a date; nil for null and "".
func toDate(v any) (*date, error) {
	if d, ok := v.(date); ok {
		return &d, nil
	}
	if empty(v) {
		return nil, nil
	}
	s, err := text(v)
	if err != nil {
		return nil, err
	}
	trimmed := strings.TrimSpace(*s)
	if len(trimmed) <= mostDate {
		for _, day := range dayLayouts {
			for _, clock := range timeLayouts {
				for _, zone := range zoneLayouts {
					if t, err := time.Parse(day+clock+zone, trimmed); err == nil && inRange(t) {
						return &date{t.UTC(), utc}, nil
					}
				}
			}
		}
	}
	return nil, failed("%s is no date that is known; FormatDateTime reads dates of other forms", quoted(*s))
}

// inRange says whether a time is one of .NET's DateTime.
func inRange(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}

func cDate(_ *run, a arguments) (any, error) {
	d, err := toDate(a.at(0))
	if err != nil || d == nil {
		return nil, err
	}
	return *d, nil
}

// interval checks a unit.
func interval(v any) error {
	switch v {
	case "yyyy", "m", "d", "ww", "h", "n", "s":
		return nil
	}
	return failed(`the interval is one of "yyyy", "m" (month), "d", "ww", "h", "n" (minute), "s", not %s`, shown(v))
}

var unitSeconds = map[any]int{"ww": 7 * 86400, "d": 86400, "h": 3600, "n": 60, "s": 1}

func dateAdd(_ *run, a arguments) (any, error) {
	if err := interval(a.at(0)); err != nil {
		return nil, err
	}
	d, err := toDate(a.at(2))
	if err != nil || d == nil || a.at(1) == nil {
		return nil, err
	}
	f, ok := numeric(a.at(1))
	if !ok || math.Abs(f) > 1e12 {
		return nil, failed("value has to be a number of units, not %s", shown(a.at(1)))
	}
	n := int(f) // Visual Basic cuts the fraction off
	var t time.Time
	switch unit := a.at(0); unit {
	case "yyyy", "m":
		if unit == "yyyy" {
			n *= 12
		}
		t = addMonths(d.Time, n)
	default:
		t = time.Unix(d.Unix()+int64(n)*int64(unitSeconds[unit]), int64(d.Nanosecond())).UTC()
	}
	if !inRange(t) {
		return nil, failed("the date is out of range: years go from 1 to 9999")
	}
	return date{t, utc}, nil
}

// addMonths stays in the month: a month after the 31st of January is the last of
// February.
func addMonths(t time.Time, n int) time.Time {
	const most = 12 * 20000
	n = min(max(n, -most), most)
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func dateDiff(_ *run, a arguments) (any, error) {
	if err := interval(a.at(0)); err != nil {
		return nil, err
	}
	from, err := toDate(a.at(1))
	if err != nil || from == nil {
		return nil, err
	}
	to, err := toDate(a.at(2))
	if err != nil || to == nil {
		return nil, err
	}
	switch unit := a.at(0); unit {
	case "yyyy":
		return to.Year() - from.Year(), nil
	case "m":
		return 12*(to.Year()-from.Year()) + int(to.Month()) - int(from.Month()), nil
	case "ww":
		// From the Sunday of one week to the Sunday of the other.
		return wholeSeconds(from.AddDate(0, 0, -int(from.Weekday())), to.AddDate(0, 0, -int(to.Weekday()))) / 86400 / 7, nil
	default:
		return wholeSeconds(from.Time, to.Time) / unitSeconds[unit], nil
	}
}

// wholeSeconds counts without a Duration, which ends after 292 years.
func wholeSeconds(from, to time.Time) int {
	s := int(to.Unix() - from.Unix())
	switch rest := to.Nanosecond() - from.Nanosecond(); {
	case s > 0 && rest < 0:
		s--
	case s < 0 && rest > 0:
		s++
	}
	return s
}

// ticks1601 is 1 January 1970 as a file time.
const ticks1601 = 116444736000000000

func dateFromNum(_ *run, a arguments) (any, error) {
	if empty(a.at(0)) {
		return nil, nil
	}
	n, err := integer(a.at(0), "value")
	if err != nil {
		return nil, err
	}
	if n == 0 || n == math.MaxInt64 {
		return nil, nil
	}
	t := time.Unix(0, 0).UTC()
	if n > 0 {
		t = time.Unix(int64(n/1e7-ticks1601/1e7), int64(n%1e7*100)).UTC()
	}
	if n < 0 || !inRange(t) {
		return nil, failed("%d is no file time", n)
	}
	return date{t, utc}, nil
}

func numFromDate(_ *run, a arguments) (any, error) {
	d, err := toDate(a.at(0))
	if err != nil || d == nil {
		return nil, err
	}
	if d.Year() < 1601 {
		return nil, failed("a file time begins with the year 1601")
	}
	return int(d.Unix())*1e7 + d.Nanosecond()/100 + ticks1601, nil
}

// formats checks the styles and formats that stand in the expression.
func formats(given []ast.Node) error {
	for i, check := range map[int]func(string) error{
		1: func(s string) error { _, err := parseStyles(s); return err },
		2: inputFormat,
		3: func(s string) error { _, err := parseDateFormat(s); return err },
	} {
		v, ok := literal(given, i)
		if !ok {
			continue
		}
		s, err := text(v)
		if err != nil {
			return err
		}
		if s == nil {
			s = new(string)
		}
		if err := check(*s); err != nil {
			return err
		}
	}
	return nil
}

// inputFormat may be empty: then the source is what CDate reads.
func inputFormat(s string) error {
	if s == "" {
		return nil
	}
	_, err := parseDateFormat(s)
	return err
}

func formatDateTime(r *run, a arguments) (any, error) {
	if empty(a.at(0)) {
		return nil, nil
	}
	var texts [4]string
	for i := range texts {
		var err error
		if texts[i], err = a.plain(i); err != nil {
			return nil, err
		}
	}
	out, err := parseDateFormat(texts[3])
	if err != nil {
		return nil, err
	}
	if texts[2] == "" {
		d, err := toDate(a.at(0))
		if err != nil {
			return nil, err
		}
		return out.format(*d), nil
	}
	style, err := parseStyles(texts[1])
	if err != nil {
		return nil, err
	}
	in, err := parseDateFormat(texts[2])
	if err != nil {
		return nil, err
	}
	d, ok := in.parse(texts[0], style, r.in.Now)
	if !ok {
		return nil, failed("%s isn't a date of the form %s", quoted(texts[0]), quoted(texts[2]))
	}
	return out.format(d), nil
}
