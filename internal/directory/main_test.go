package directory_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets the random histories be fewer under the race detector, unless the
// command line says how many: they are about what holds, and the detector is about
// who writes at the same time. Without it all of them are lived.
func TestMain(m *testing.M) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "rapid.checks" })
	if underRace && !said {
		if err := flag.Set("rapid.checks", "10"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
