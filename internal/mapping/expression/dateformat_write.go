package expression

import (
	"fmt"
	"strconv"
	"strings"
)

// format writes a date in the invariant culture.
func (p dateFormat) format(d date) string {
	var b strings.Builder
	for _, f := range p {
		switch f.letter {
		case 0:
			b.WriteString(f.literal)
		case 'F':
			digits := strings.TrimRight(fraction(d, f.count), "0")
			if s := b.String(); digits == "" && strings.HasSuffix(s, ".") {
				b.Reset()
				b.WriteString(s[:len(s)-1])
			}
			b.WriteString(digits)
		default:
			b.WriteString(f.write(d))
		}
	}
	return b.String()
}

// fraction is that many digits of the second; the others are cut off.
func fraction(d date, digits int) string {
	return fmt.Sprintf("%09d", d.Nanosecond())[:digits]
}

func (f field) write(d date) string {
	switch f.letter {
	case 'd':
		return f.named(d.Day(), d.Weekday().String())
	case 'M':
		return f.named(int(d.Month()), d.Month().String())
	case 'f':
		return fraction(d, f.count)
	case 'g':
		return "A.D."
	case 'h':
		return padded((d.Hour()+11)%12+1, min(f.count, 2))
	case 'H':
		return padded(d.Hour(), min(f.count, 2))
	case 'm':
		return padded(d.Minute(), min(f.count, 2))
	case 's':
		return padded(d.Second(), min(f.count, 2))
	case 't':
		return d.Format("PM")[:min(f.count, 2)]
	case 'y':
		if f.count <= 2 {
			return padded(d.Year()%100, f.count)
		}
		return padded(d.Year(), f.count)
	case 'K':
		return map[zoneKind]string{unspecified: "", utc: "Z", local: "+00:00"}[d.kind]
	}
	// z: dates are in UTC, which is the zone of Entra's service too.
	return []string{"+0", "+00", "+00:00"}[min(f.count, 3)-1]
}

// named is a number, the first three letters of a name, or the name.
func (f field) named(n int, name string) string {
	switch f.count {
	case 1, 2:
		return padded(n, f.count)
	case 3:
		return name[:3]
	}
	return name
}

func padded(n, digits int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(0, digits-len(s))) + s
}
