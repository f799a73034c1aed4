package dirsync

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

// cookieOf is a cookie in the form of MS-DRSR 5.115.2.1: of a controller with
// its highest number, and of what that knew of others.
func cookieOf(controller GUID, usn uint64, others map[GUID]uint64) []byte {
	le32, le64 := binary.LittleEndian.AppendUint32, binary.LittleEndian.AppendUint64
	var vector []byte
	if others != nil {
		vector = le32(le32(le32(le32(nil, 1), 0), uint32(len(others))), 0)
		for id, usn := range others {
			vector = le64(append(vector, id.Bytes()...), usn)
		}
	}
	b := le32(le64(le32([]byte("MSDS"), 3), 0), 0)
	b = le32(le32(b, 0), uint32(len(vector)))
	b = le64(le64(le64(b, usn), 0), usn)
	return append(append(b, controller.Bytes()...), vector...)
}

// A checkpoint by update sequence numbers goes on at the controller that gave
// them, and at no other: another's numbers say nothing of them.
func TestWhereACheckpointByNumbersGoesOn(t *testing.T) {
	a, b := GUID{1}, GUID{2}
	config := Config{Mode: ModeUSNChanged}.withDefaults()
	cookie := usnCookie{seen: 90, deletions: true, fullAt: time.Unix(1000, 0)}
	cp := checkpoint{mode: config.Mode, invocation: a, highestUSN: 90, asked: config.askedFor(), cookie: cookie.encode()}
	for name, test := range map[string]struct {
		at   GUID
		usn  uint64
		want Reason
	}{
		"at A":           {a, 90, Incremental},
		"at A, later":    {a, 500, Incremental},
		"at A, set back": {a, 89, FullRolledBack},
		"at B":           {b, 500, FullOtherController},
	} {
		got, left, err := config.decide(cp.encode(), &Facts{InvocationID: test.at, HighestUSN: test.usn})
		if got != test.want || err != nil || (len(left) > 0) != (test.want == Incremental) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
	for name, test := range map[string]struct {
		told, seen bool // deletions, before and now
		after      time.Duration
		want       bool
	}{
		"seen and told":            {true, true, 1000 * time.Hour, false},
		"hidden, shortly after":    {false, false, time.Hour - 1, false},
		"hidden, long after":       {false, false, time.Hour, true},
		"hidden, a clock set back": {false, false, -time.Hour, true},
		"seen again":               {false, true, time.Minute, true},
		"not seen any more":        {true, false, time.Minute, false},
	} {
		cookie.deletions = test.told
		decoded, ok := decodeUSNCookie(cookie.encode())
		if got := decoded.compares(test.seen, cookie.fullAt.Add(test.after), time.Hour); got != test.want || !ok || decoded.seen != 90 {
			t.Errorf("%s: %t, %+v", name, got, decoded)
		}
	}
}

// A checkpoint of the time before there were three modes goes on.
func TestACheckpointOfAnEarlierVersionGoesOn(t *testing.T) {
	const earlier = "57445331720007000000000000000000000000000000010000000000000000000000000000000000000000000064b8cf90c01b01d993540117205584d274636f6f6b6965c3e161a7ddbc0a1072bf8d7b178de973ee8d182d30077bc287b5c3e88bf8614e"
	b, err := hex.DecodeString(earlier)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Attributes: []string{"mail"}}.withDefaults()
	got, cookie, err := config.decide(b, &Facts{DomainGUID: GUID{7}, InvocationID: GUID{1}, HighestUSN: 100})
	if got != Incremental || string(cookie) != "cookie" || err != nil {
		t.Errorf("full %q, cookie %q, %v", got, cookie, err)
	}
}

// A checkpoint goes on at a controller that its cookie knows, and nowhere else;
// and nowhere where the controller has forgotten what the cookie has seen.
func TestWhereACheckpointGoesOn(t *testing.T) {
	a, b, c := GUID{1}, GUID{2}, GUID{3}
	config := Config{}.withDefaults()
	for name, test := range map[string]struct {
		cookie  []byte
		highest uint64 // of A when the cookie was asked for
		at      GUID
		usn     uint64
		want    Reason
	}{
		"at A":                                  {cookieOf(a, 100, nil), 90, a, 100, Incremental},
		"at A, later":                           {cookieOf(a, 100, map[GUID]uint64{a: 100}), 90, a, 500, Incremental},
		"at A, set back":                        {cookieOf(a, 100, nil), 90, a, 99, FullRolledBack},
		"at A, set back, by what A said":        {[]byte("opaque"), 90, a, 89, FullRolledBack},
		"at A, cookie of a form to come":        {[]byte("opaque"), 90, a, 90, Incremental},
		"at B, which A knew":                    {cookieOf(a, 100, map[GUID]uint64{a: 100, b: 40}), 90, b, 40, Incremental},
		"at B, set back":                        {cookieOf(a, 100, map[GUID]uint64{a: 100, b: 40}), 90, b, 39, FullRolledBack},
		"at B, whose numbers aren't A's":        {cookieOf(a, 100, map[GUID]uint64{b: 4}), 90, b, 5, Incremental},
		"at C, which A didn't know":             {cookieOf(a, 100, map[GUID]uint64{a: 100, b: 40}), 90, c, 1000, FullOtherController},
		"at C, cookie of a form to come":        {[]byte("opaque"), 90, c, 1000, FullOtherController},
		"at C, with a vector that is cut short": {cookieOf(a, 100, map[GUID]uint64{c: 100})[:100], 90, c, 1000, FullOtherController},
	} {
		cp := checkpoint{mode: config.Mode, invocation: a, highestUSN: test.highest, asked: config.askedFor(), cookie: test.cookie}
		got, cookie, err := config.decide(cp.encode(), &Facts{InvocationID: test.at, HighestUSN: test.usn})
		if got != test.want || err != nil || (len(cookie) > 0) != (test.want == Incremental) {
			t.Errorf("%s: %q, cookie %t, %v; want %q", name, got, len(cookie) > 0, err, test.want)
		}
		_, _, err = config.decide(cp.encode(), &Facts{InvocationID: test.at, HighestUSN: test.usn, DomainGUID: GUID{9}})
		if !errors.Is(err, ErrForeignDomain) {
			t.Errorf("%s, in another domain: %v", name, err)
		}
	}
}
