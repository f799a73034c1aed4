package main

import (
	"testing"
	"time"
)

func TestLinearHistory(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	read := func(begin, end, version int, value string) operation {
		return operation{begin: at(begin), end: at(end), version: version, value: value}
	}
	wrote := func(begin, end, version int, value string) operation {
		op := read(begin, end, version, value)
		op.write = true
		return op
	}
	for name, c := range map[string]struct {
		history []operation
		ok      bool
	}{
		"in order":                     {[]operation{wrote(0, 1, 2, "a"), read(2, 3, 2, "a"), wrote(4, 5, 3, "b")}, true},
		"at the same time, any order":  {[]operation{wrote(0, 9, 3, "b"), wrote(0, 9, 2, "a"), read(1, 8, 3, "b")}, true},
		"an old value is read":         {[]operation{wrote(0, 1, 2, "a"), wrote(2, 3, 3, "b"), read(4, 5, 2, "a")}, false},
		"a reader goes back":           {[]operation{wrote(0, 9, 2, "a"), read(1, 2, 2, "a"), read(3, 4, 1, "")}, false},
		"a write gets an old version":  {[]operation{read(0, 1, 4, "x"), wrote(2, 3, 3, "a")}, false},
		"two writes of one version":    {[]operation{wrote(0, 9, 2, "a"), wrote(0, 9, 2, "a")}, false},
		"one version, two values":      {[]operation{wrote(0, 9, 2, "a"), read(0, 9, 2, "b")}, false},
		"a write that changed nothing": {[]operation{read(0, 1, 2, "a"), wrote(2, 3, 2, "a")}, false},
	} {
		if err := linear(c.history); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
