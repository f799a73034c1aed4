package eventcsv

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/store"
)

// TestS13NoCellIsAFormula writes what spreadsheets take for formulas, alone and
// with what has to be quoted.
func TestS13NoCellIsAFormula(t *testing.T) {
	starts := []string{"=", "+", "-", "@", "\t", "\r"}
	rests := []string{"HYPERLINK(1)", `cmd|"/c calc",A1`}
	cases := 0
	for _, start := range starts {
		for _, rest := range rests {
			cases++
			cell := start + rest
			line := written(t, store.Event{Detail: cell})
			if line[5] != "'"+cell {
				t.Errorf("%q became %q", cell, line[5])
			}
		}
	}
	if cases != 12 {
		t.Errorf("%d cases", cases)
	}
	for _, cell := range []string{" =1", "\u00a0+1", "＝1", "－1", "\n=1"} {
		if got := csvrecords.Plain(cell); got != "'"+cell {
			t.Errorf("%q became %q", cell, got)
		}
	}
	for _, cell := range []string{"", "a=1", `{"a":"=1"}`, "1-2", "é", " ", "'=1"} {
		if got := csvrecords.Plain(cell); got != cell {
			t.Errorf("%q became %q", cell, got)
		}
	}
}

// written gives the cells of an event as another program reads them.
func written(t *testing.T, e store.Event) []string {
	t.Helper()
	var b bytes.Buffer
	w, err := New(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(e, "corp"); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 2 || len(lines[0]) != len(lines[1]) {
		t.Fatalf("%q %v", lines, err)
	}
	return lines[1]
}

// TestE055TheFormIsRFC4180 has lines end in CR LF, quotes doubled, and line breaks
// within quotes.
func TestE055TheFormIsRFC4180(t *testing.T) {
	var b bytes.Buffer
	w, err := New(&b)
	if err != nil {
		t.Fatal(err)
	}
	e := store.Event{
		Seq: 7, Time: time.Date(2026, 11, 22, 12, 0, 0, 1000, time.UTC), Type: "user.updated", Outcome: "applied", Detail: "a \"b\", c\nd",
		Actor: "ws_b12", After: []byte(`{"title":"x"}`),
	}
	if err := w.Write(e, "corp"); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "seq,time,type,outcome,reason,detail,subject,source,actor,run,txn,before,after\r\n" +
		"7,2026-11-22T12:00:00.000001Z,user.updated,applied,,\"a \"\"b\"\", c\nd\",,corp,ws_b12,,,,\"{\"\"title\"\":\"\"x\"\"}\"\r\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}
