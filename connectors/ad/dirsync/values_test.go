package dirsync

import (
	"bytes"
	"testing"
	"time"
)

func TestGUIDAndSIDAreReadAsWindowsShowsThem(t *testing.T) {
	b := []byte{0xad, 0xaa, 0x2b, 0x6d, 0x86, 0x65, 0xb5, 0x4c, 1, 2, 3, 4, 5, 6, 7, 8}
	g, err := decodeGUID(b)
	if err != nil || g.String() != "6d2baaad-6586-4cb5-0102-030405060708" || !bytes.Equal(g.Bytes(), b) {
		t.Errorf("%v, %v", g, err)
	}
	sid, err := DecodeSID([]byte{1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 0x4f, 4, 0, 0})
	if err != nil || sid != "S-1-5-21-1-4294967295-3-1103" || sid.RID() != 1103 || sid.Domain() != "S-1-5-21-1-4294967295-3" {
		t.Errorf("%v, %v", sid, err)
	}
}

func TestTimes(t *testing.T) {
	for s, want := range map[string]string{
		"133500000000000000": "2024-01-17T21:20:00Z", "116444736000000000": "1970-01-01T00:00:00Z",
		"1": "1601-01-01T00:00:00.0000001Z", "9223372036854775806": "30828-09-14T02:48:05.4775806Z",
	} {
		at, never, err := ParseFileTime(s)
		if err != nil || never || at.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, never %t, %v; want %s", s, at, never, err, want)
		}
	}
	for _, s := range []string{"0", "9223372036854775807"} {
		if _, never, err := ParseFileTime(s); !never || err != nil {
			t.Errorf("%s: never %t, %v", s, never, err)
		}
	}
	for s, want := range map[string]string{
		"20261122195156.0Z": "2026-11-22T19:51:56Z", "20261122195156Z": "2026-11-22T19:51:56Z",
		"202611221951+0130": "2026-11-22T18:21:00Z", "2026112219-05": "2026-11-23T00:00:00Z",
		"20240229235959,25Z": "2024-02-29T23:59:59.25Z",
	} {
		if at, err := ParseGeneralizedTime(s); err != nil || at.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v; want %s", s, at, err, want)
		}
	}
	for _, s := range []string{"", "20261122195156", "20261322195156Z", "20230229000000Z", "20261122195156.Z", "2026Z", "20261122195156Z ", "20261122195156+2500"} {
		if at, err := ParseGeneralizedTime(s); err == nil {
			t.Errorf("%q is read as %v", s, at)
		}
	}
}

// What is read can be written again and is the same; nothing ends the process.

func FuzzCheckpoint(f *testing.F) {
	f.Add(checkpoint{mode: ModeDirSync, cookie: []byte("cookie")}.encode())
	f.Add([]byte(checkpointMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeCheckpoint(b); err == nil && !bytes.Equal(c.encode(), b) {
			t.Errorf("%x becomes %x", b, c.encode())
		}
		// Whatever the cookie and the state of the controller, one of the answers
		// comes that a caller knows.
		c := checkpoint{mode: ModeDirSync, cookie: b}.encode()
		if len(c) <= mostCheckpoint {
			if reason, _, err := (Config{Mode: ModeDirSync}).decide(c, &Facts{}); err != nil || reason == FullCheckpointDamaged {
				t.Errorf("%q, %v", reason, err)
			}
		}
	})
}

func FuzzLink(f *testing.F) {
	f.Add("<GUID=6d2baaad-6586-4cb5-0102-030405060708>;<SID=S-1-5-21-1-2-3-4>;CN=a\\, b,DC=x")
	f.Add("<GUID=adaa2b6d8665b54c0102030405060708>;CN=a")
	f.Add("<SID=010100000000000512000000>;CN=a")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := parseLink(s)
		if err != nil || l.GUID.IsZero() {
			return
		}
		again := "<GUID=" + l.GUID.String() + ">;"
		if l.SID != "" {
			again += "<SID=" + string(l.SID) + ">;"
		}
		if got, err := parseLink(again + l.DN); err != nil || got != l {
			t.Errorf("%q: %+v, then %+v, %v", s, l, got, err)
		}
	})
}

func FuzzIdentifiers(f *testing.F) {
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}, "6d2baaad-6586-4cb5-0102-030405060708")
	f.Add([]byte("0123456789abcdef"), "S-1-5-18")
	f.Fuzz(func(t *testing.T, b []byte, s string) {
		if g, err := decodeGUID(b); err == nil {
			if again, err := ParseGUID(g.String()); err != nil || again != g || !bytes.Equal(g.Bytes(), b) {
				t.Errorf("%x: %v, %v", b, again, err)
			}
		}
		if sid, err := DecodeSID(b); err == nil {
			if again, err := parseSID(string(sid)); err != nil && len(b) > 8 || err == nil && again != sid {
				t.Errorf("%x: %v, %v", b, sid, err)
			}
			_, _ = sid.RID(), sid.Domain()
		}
		if g, err := ParseGUID(s); err == nil {
			if again, err := ParseGUID(g.String()); err != nil || again != g {
				t.Errorf("%q: %v, %v", s, again, err)
			}
		}
		if sid, err := parseSID(s); err == nil && string(sid) != s {
			t.Errorf("%q becomes %q", s, sid)
		}
		_, _ = parseGrants(b)
		_, _ = owner(b)
	})
}

// Who may see a deleted object and not its isDeleted is told that it's deleted,
// by its name, and not that it's alive.
func TestADeletedObjectIsKnownByItsName(t *testing.T) {
	id, value := guidOf(1)
	for dn, want := range map[string]Life{
		`CN=ada\0ADEL:` + id.String() + `,CN=Deleted Objects,` + fakeRoot: LifeDeleted,
		`CN=ada,OU=people,` + fakeRoot:                                    LifeUnchanged,
	} {
		o, err := (Config{}).parseWhole(&entry{dn: dn, attributes: []attribute{{name: "objectGUID", values: [][]byte{[]byte(value)}}}})
		if err != nil || o.Life != want {
			t.Errorf("%s: life %d, %v; want %d", dn, o.Life, err, want)
		}
	}
}

func FuzzTimes(f *testing.F) {
	f.Add("20261122195156.0Z")
	f.Add("133500000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		if at, err := ParseGeneralizedTime(s); err == nil && at.Nanosecond() == 0 && at.Year() >= 0 && at.Year() <= 9999 {
			if again, err := ParseGeneralizedTime(at.Format("20060102150405Z")); err != nil || !again.Equal(at) {
				t.Errorf("%q: %v, then %v, %v", s, at, again, err)
			}
		}
		if at, never, err := ParseFileTime(s); err == nil && never != at.IsZero() {
			t.Errorf("%q: %v, never %t", s, at, never)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(fakeEntry("CN=a", "objectGUID", "0123456789abcdef", "member;range=1-1", "<GUID=6d2baaad-6586-4cb5-0102-030405060708>;CN=b")[2:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := parseEntry(b); err == nil {
			c := Config{}.withDefaults()
			_, _ = c.parseObject(e, true)
			_, _ = c.parseWhole(e)
			_, _, _, _ = parseLinkPart(e, "member", 0)
		}
		_, _ = parseControls(b)
		_, _, _ = parseDirSync(b)
		_, _ = usns(b)
		_, _ = localUSN(b, attidIsDeleted)
		if c, ok := decodeUSNCookie(b); ok && !bytes.Equal(c.encode(), b) {
			t.Errorf("%x becomes %+v", b, c)
		}
	})
}
