package main

import (
	"testing"
	"time"
)

func TestLifetimeIsInDaysOrADuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"365d": 365 * 24 * time.Hour, "1d": 24 * time.Hour, "12h": 12 * time.Hour, "90m": 90 * time.Minute, "0": 0, "never": 0,
	} {
		var l lifetime
		if err := l.UnmarshalText([]byte(text)); err != nil || time.Duration(l) != want {
			t.Errorf("%s is %v (%v), want %v", text, time.Duration(l), err, want)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1d", "-1h", "1.5d", "1y", "x", "99999999d", "365 d"} {
		var l lifetime
		if err := l.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, time.Duration(l))
		}
	}
}
