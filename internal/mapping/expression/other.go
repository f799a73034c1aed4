package expression

import (
	"io"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/google/uuid"
)

var otherFunctions = []Function{
	{Name: "Guid", Parameters: "", Meaning: "A new random GUID. Only in a flow that is applied once.", least: 0, most: 0, do: guid},
	{Name: "RandomString", Parameters: "length, minimumNumbers, minimumSpecialCharacters, minimumCapital, minimumLowerCase, charactersToAvoid", Meaning: "Random text of 1 to 256 characters with at least that many of each kind; the rest is of the kinds of which at least one is wanted, or of letters and digits if none is. Only in a flow that is applied once.", least: 5, most: 6, prepare: prepareRandom, do: randomString},
	{Name: "Redact", Parameters: "value", Meaning: "The value. What the expression gives is [Redact] in logs and problems.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return a[0], nil }},
	{Name: "SelectUniqueValue", Parameters: "uniqueValueRule1, uniqueValueRule2, …", Meaning: "The first value that nobody has yet. Only as the outermost function, in a flow that is applied once, and not for what is matched by.", least: 2, most: -1, do: selectUnique},
}

func guid(r *run, _ arguments) (any, error) {
	if r.in.Random == nil {
		return nil, failed("nothing random is at hand")
	}
	id, err := uuid.NewRandomFromReader(r.in.Random)
	if err != nil {
		return nil, failed("nothing random is at hand: %v", err)
	}
	return id.String(), nil
}

func selectUnique(_ *run, a arguments) (any, error) {
	var all candidates
	for i := range a {
		s, err := a.text(i)
		if err != nil {
			return nil, err
		}
		if s != nil && *s != "" {
			all = append(all, *s)
		}
	}
	return all, nil
}

// kinds of characters that RandomString draws from: the special ones are those
// that Windows counts as such in a password (Microsoft, "Password must meet
// complexity requirements").
func kinds() [4]string {
	return [4]string{"0123456789", "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"}
}

const mostRandom = 256 // characters

// randomWish is what a RandomString is to be.
type randomWish struct {
	length int
	least  [4]int
	kinds  [4]string
}

// wish reads the arguments of RandomString.
func wish(a arguments) (randomWish, error) {
	w := randomWish{kinds: kinds()}
	var err error
	if w.length, err = integer(a.at(0), "length"); err != nil {
		return w, err
	}
	sum := 0
	for i := range w.least {
		if w.least[i], err = integer(a.at(i+1), "a minimum"); err != nil {
			return w, err
		}
		if w.least[i] < 0 || w.least[i] > mostRandom {
			return w, failed("a minimum is 0 to %d", mostRandom)
		}
		sum += w.least[i]
	}
	if w.length < 1 || w.length > mostRandom || sum > w.length {
		return w, failed("length is 1 to %d, and no less than the minimums together", mostRandom)
	}
	avoid, err := a.plain(5)
	if err != nil {
		return w, err
	}
	for i, kind := range w.kinds {
		w.kinds[i] = strings.Map(func(r rune) rune {
			if strings.ContainsRune(avoid, r) {
				return -1
			}
			return r
		}, kind)
		if w.kinds[i] == "" && w.least[i] > 0 {
			return w, failed("charactersToAvoid leaves none of a kind that is wanted")
		}
	}
	if w.rest() == "" && sum < w.length {
		return w, failed("charactersToAvoid leaves no characters")
	}
	return w, nil
}

// rest are the characters that fill up what the minimums leave.
func (w randomWish) rest() string {
	var all string
	for i, kind := range w.kinds {
		if w.least[i] > 0 {
			all += kind
		}
	}
	if w.least == [4]int{} {
		all = w.kinds[0] + w.kinds[2] + w.kinds[3]
	}
	return all
}

// prepareRandom checks a RandomString all of whose arguments stand there.
func prepareRandom(given []ast.Node) error {
	var a arguments
	for i := range given {
		v, ok := literal(given, i)
		if !ok {
			return nil
		}
		a = append(a, v)
	}
	_, err := wish(a)
	return err
}

func randomString(r *run, a arguments) (any, error) {
	w, err := wish(a)
	if err != nil {
		return nil, err
	}
	d := &draw{from: r.in.Random}
	var all []byte
	for i, n := range w.least {
		for range n {
			all = append(all, w.kinds[i][d.below(len(w.kinds[i]))])
		}
	}
	for rest := w.rest(); len(all) < w.length; {
		all = append(all, rest[d.below(len(rest))])
	}
	for i := len(all) - 1; i > 0; i-- {
		j := d.below(i + 1)
		all[i], all[j] = all[j], all[i]
	}
	if d.failed {
		return nil, failed("nothing random is at hand")
	}
	return string(all), nil
}

// draw gives numbers, each as likely as the others.
type draw struct {
	from   io.Reader
	failed bool
}

// below is a number from 0 to n-1, for n of at most 256. A byte that would make
// some of them likelier is thrown away.
func (d *draw) below(n int) int {
	const tries = 128 // of which each fails for less than half of the bytes
	for range tries {
		var b [1]byte
		if d.from == nil || d.failed {
			break
		}
		if _, err := io.ReadFull(d.from, b[:]); err != nil {
			break
		}
		if int(b[0]) < 256-256%n {
			return int(b[0]) % n
		}
	}
	d.failed = true
	return 0
}
