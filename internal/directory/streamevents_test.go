package directory

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// What an event of the log means depends on whose stream it is, and on the link of
// the source whose resources the stream is limited to.
func TestWhatAnEventMeansToAStream(t *testing.T) {
	const hr, ad = 7, 8
	admin, limited, source := store.Stream{}, store.Stream{Subjects: hr}, store.Stream{Source: hr}
	live, ended := &store.Link{State: store.Linked}, &store.Link{State: store.LinkEnded}
	disables := func(e store.Event) store.Event {
		e.Before, e.After = []byte(`{"active":true}`), []byte(`{"active":false}`)
		return e
	}
	about := func(typ string, by int64, outcome string) store.Event {
		return store.Event{Type: typ, Source: by, Outcome: outcome, Subject: "x", SubjectRID: 1}
	}
	byAuthority := func(by int64) store.Event {
		e := about("group.membersChanged", by, OutcomeApplied)
		e.Reason = reasonAuthority
		return e
	}
	for _, c := range []struct {
		stream store.Stream
		event  store.Event
		link   *store.Link
		want   meaning
	}{
		{admin, about("user.created", ad, OutcomeApplied), nil, meaning{create: true}},
		{admin, about("user.revived", ad, OutcomeApplied), nil, meaning{create: true, activate: true}},
		{admin, about("group.revived", ad, OutcomeApplied), nil, meaning{create: true}},
		{admin, about("user.updated", ad, OutcomeNotAuthoritative), nil, meaning{}},
		{admin, about("user.updated", ad, OutcomeRefused), nil, meaning{}},
		{admin, about("user.disabled", ad, OutcomeApplied), nil, meaning{patch: true, deactivate: true}},
		{admin, about("user.held", ad, OutcomeApplied), nil, meaning{}},
		{admin, about("user.deleted", ad, OutcomeApplied), nil, meaning{gone: true}},
		{admin, about("user.softDeleted", 0, OutcomeApplied), nil, meaning{remove: true}},
		{admin, about("user.purged", 0, OutcomeApplied), nil, meaning{}},
		{admin, about("order.cancelled", ad, OutcomeApplied), nil, meaning{patch: true}},
		{admin, about("item.assigned", ad, OutcomeApplied), nil, meaning{}},
		{admin, about("source.created", ad, OutcomeApplied), nil, meaning{}},
		{admin, store.Event{Type: "attribute.declared", Outcome: OutcomeApplied}, nil, meaning{}},

		{limited, about("user.created", ad, OutcomeApplied), nil, meaning{}},
		{limited, about("user.created", hr, OutcomeApplied), live, meaning{create: true}},
		{limited, about("user.linked", hr, OutcomeApplied), live, meaning{patch: true, added: true}},
		{limited, about("user.linked", ad, OutcomeApplied), live, meaning{patch: true}},
		{limited, about("user.updated", ad, OutcomeApplied), ended, meaning{}},
		{limited, about("user.deleted", hr, OutcomeApplied), ended, meaning{gone: true, removed: true}},

		{source, about("user.created", hr, OutcomeApplied), live, meaning{create: true}},
		{source, about("user.created", ad, OutcomeApplied), live, meaning{}},
		{source, about("user.created", ad, OutcomeApplied), nil, meaning{}},
		{source, about("user.held", hr, OutcomeApplied), live, meaning{create: true}},
		{source, about("user.linked", hr, OutcomeApplied), live, meaning{create: true, added: true}},
		{source, about("user.updated", hr, OutcomeNotAuthoritative), live, meaning{patch: true}},
		{source, about("user.updated", ad, OutcomeNotAuthoritative), live, meaning{}},
		{source, about("user.updated", ad, OutcomeApplied), live, meaning{patch: true}},
		{source, about("user.updated", ad, OutcomeApplied), ended, meaning{}},
		{source, disables(about("user.updated", hr, OutcomeNotAuthoritative)), live, meaning{patch: true, deactivate: true}},
		{source, disables(about("user.disabled", ad, OutcomeApplied)), live, meaning{patch: true}},
		{source, about("user.deleted", hr, OutcomeApplied), ended, meaning{remove: true}},
		{source, about("user.deleted", ad, OutcomeApplied), live, meaning{}},
		{source, about("group.membersChanged", hr, OutcomeNotAuthoritative), live, meaning{members: true}},
		{source, byAuthority(hr), live, meaning{}},
		{source, byAuthority(ad), live, meaning{members: true}},
		{admin, byAuthority(hr), nil, meaning{members: true}},
		{source, about("user.softDeleted", 0, OutcomeApplied), ended, meaning{}},
	} {
		if got := meaningOf(c.stream, c.event, c.link); got != c.want {
			t.Errorf("%s by %d, %s, to the stream of %d limited to %d: %+v, want %+v", c.event.Type, c.event.Source, c.event.Outcome, c.stream.Source, c.stream.Subjects, got, c.want)
		}
	}
}

// A source can't be told values: none of its events is a full one, and all that it
// can have are among those of administrators.
func TestASourceHasNoEventsWithValues(t *testing.T) {
	for _, uri := range EventURIs(false) {
		if strings.HasSuffix(uri, ":full") || !slices.Contains(EventURIs(true), uri) {
			t.Error(uri)
		}
	}
}

// An id of a token is taken back only in the form and for the stream that gave it,
// and names one event, whatever others have its number.
func TestTheIDOfATokenNamesItsEvent(t *testing.T) {
	a, b := store.Stream{PublicID: "a"}, store.Stream{PublicID: "b"}
	at := time.UnixMicro(1_700_000_000_123_456)
	whose := func(x store.Stream) string { return JTI(x, Notice{Seq: 42, Time: at}) }
	if id, ok := eventOf(a, whose(a)); !ok || id != (eventID{42, at.UnixMicro()}) {
		t.Errorf("%s is %+v %v", whose(a), id, ok)
	}
	if later := JTI(a, Notice{Seq: 42, Time: at.Add(time.Microsecond)}); later == whose(a) {
		t.Errorf("two events are %s", later)
	}
	if same := JTI(a, Notice{Seq: 42, Time: at.Add(time.Nanosecond).UTC()}); same != whose(a) {
		t.Errorf("%s is %s too, which no database keeps apart", whose(a), same)
	}
	for _, jti := range []string{
		whose(b), whose(a) + ".", whose(a) + " ", strings.ToUpper(whose(a)), "a.42", "a.42.", "a..x", "a.", "a.-1.x", "a.0.x", "a.042.x", "a.+42.x", "a.42.+x", "a.42.0x",
		"a.9223372036854775808.x", "a.42." + strings.Repeat("z", 99), "42.x", "42", "",
	} {
		if id, ok := eventOf(a, jti); ok {
			t.Errorf("%q is %+v", jti, id)
		}
	}
}
