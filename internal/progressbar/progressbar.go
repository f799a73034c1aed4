// Package progressbar draws on a terminal how far something is.
package progressbar

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// redrawEvery is the least time between two drawings of the line.
const redrawEvery = 100 * time.Millisecond

// Progress is how far something is.
type Progress struct {
	Phase string // what is done; "" when it is over
	Done  int64
	Total int64  // 0 while unknown
	Unit  string // what is counted: "objects"
}

// Bar is a line at the bottom of a terminal that says how far something is. What
// else is written to the terminal goes through it, so that the two don't mix. It
// is drawn without escape sequences: a carriage return, and spaces over what was
// there.
type Bar struct {
	out   io.Writer
	width func() int

	mu    sync.Mutex
	line  string // as it is drawn now; "" for none
	begun time.Time
	drawn time.Time
}

// New makes the bar of a terminal; nil if w is none, or one that can't
// overwrite.
func New(w io.Writer) *Bar {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &Bar{out: f, width: func() int {
		n, _, err := term.GetSize(int(f.Fd()))
		if err != nil || n < 20 {
			return 80
		}
		return n
	}}
}

// Tell draws how far it is, not more often than an eye can follow; when it is over
// the line is taken away.
func (b *Bar) Tell(p Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	switch {
	case p.Phase == "":
		b.begun = time.Time{}
		b.draw("")
		return
	case b.begun.IsZero():
		b.begun = now
	case now.Sub(b.drawn) < redrawEvery:
		return
	}
	b.drawn = now
	b.draw(progressLine(p, now.Sub(b.begun), b.width()-1))
}

// progressLine is what a line of this many columns says: a bar where it is known
// how much there is, else the count alone.
func progressLine(p Progress, since time.Duration, width int) string {
	line := fmt.Sprintf("%-8s %d", p.Phase, p.Done)
	if p.Total > 0 {
		line += fmt.Sprintf("/%d", p.Total)
	}
	line += " " + p.Unit
	if s := since.Seconds(); s >= 1 {
		line += fmt.Sprintf(", %.0f/s", float64(p.Done)/s)
	}
	if room := width - len(line) - 10; p.Total > 0 && room >= 10 {
		part := min(1, float64(p.Done)/float64(p.Total))
		full := int(part * float64(min(room, 40)))
		line += fmt.Sprintf(" [%s%s] %3.0f %%", strings.Repeat("#", full), strings.Repeat(".", min(room, 40)-full), part*100)
	}
	return line[:min(len(line), width)]
}

// draw puts a line in the place of the one that is there.
func (b *Bar) draw(line string) {
	if line == b.line {
		return
	}
	over := strings.Repeat(" ", max(0, len(b.line)-len(line)))
	end := ""
	if line == "" {
		end = "\r"
	}
	fmt.Fprint(b.out, "\r", line, over, end) // a terminal that is gone loses nothing
	b.line = line
}

// Over gives a writer to the same terminal, which clears the line first and
// draws it again afterwards.
func (b *Bar) Over(w io.Writer) io.Writer { return &overBar{b, w} }

type overBar struct {
	*Bar
	to io.Writer
}

// Write fulfils io.Writer.
func (o *overBar) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := o.line
	o.draw("")
	n, err := o.to.Write(p)
	if strings.HasSuffix(string(p), "\n") {
		o.draw(line)
	}
	return n, err
}
