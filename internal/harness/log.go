package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// logged is a line of `workspace events`.
type logged struct {
	Seq                         int64
	Txn, Type, Outcome, Subject string
}

// events reads the log behind a sequence number.
func (s *site) events(after int64) ([]logged, error) {
	out, err := s.command("events", "--tenant", tenant, "--after", fmt.Sprint(after))
	if err != nil {
		return nil, err
	}
	var all []logged
	lines := json.NewDecoder(strings.NewReader(out))
	for lines.More() {
		var e logged
		if err := lines.Decode(&e); err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		if e.Seq <= after {
			s.t.fault("event %d comes after %d", e.Seq, after)
		}
		after = e.Seq
		all = append(all, e)
	}
	return all, nil
}

// entry is an event that counts: an applied one.
type entry struct{ txn, typ, subject string }

// judgeEvents compares the log since the last look with the writes that were
// carried out: one event each, no more, no fewer. On PostgreSQL an event may be
// held back while transactions of others run, so missing ones are waited for.
func (l *look) judgeEvents() error {
	var count map[entry]int
	var last int64
	read := func() (complete bool) {
		events, err := l.events(l.seq)
		if err != nil {
			l.t.fault("%v", err)
			return true
		}
		count, complete = l.compare(events), true
		if len(events) > 0 {
			last = events[len(events)-1].Seq
		}
		for _, n := range count {
			complete = complete && n >= 0
		}
		return complete || l.t.database == sqlite
	}
	if err := l.t.until(10*time.Second, "all events", read); err != nil && l.t.ctx.Err() != nil {
		return err
	}
	l.seq = max(l.seq, last)
	for e, n := range count {
		if n != 0 {
			l.t.fault("%s of %s in %s: %+d events too many", e.typ, e.subject, e.txn, n)
		}
	}
	return nil
}

// compare counts the events that are too many, and below 0 those that are
// missing.
func (l *look) compare(events []logged) map[entry]int {
	count := map[entry]int{}
	for _, e := range events {
		if e.Outcome != "applied" {
			l.t.fault("event %d %s of %s: outcome %s", e.Seq, e.Type, e.Txn, e.Outcome)
		}
		if strings.HasPrefix(e.Type, "user.") || strings.HasPrefix(e.Type, "group.") {
			count[entry{e.Txn, e.Type, e.Subject}]++
		}
	}
	for _, w := range l.ledger.writes {
		if w.ack == 0 && !l.applied[w] {
			continue
		}
		for _, e := range w.events {
			count[entry{w.txn, e.typ, e.subject.id}]--
		}
	}
	return count
}

// hasEvents checks that each write acknowledged up to the mark has its events.
func (l *look) hasEvents() error {
	events, err := l.events(0)
	if err != nil {
		return err
	}
	there := map[entry]bool{}
	for _, e := range events {
		there[entry{e.Txn, e.Type, e.Subject}] = true
	}
	for _, w := range l.ledger.writes {
		if w.ack == 0 || w.ack > l.mark {
			continue
		}
		for _, e := range w.events {
			if !there[entry{w.txn, e.typ, e.subject.id}] {
				l.t.fault("%s %s: its event %s is missing", w.what, w.txn, e.typ)
			}
		}
	}
	return nil
}
