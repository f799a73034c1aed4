package acceptance_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// An administrator's stream tells what becomes of the resolved resources, whole or
// by the names of the attributes (RFC 9967 §2.3, §2.4).
func TestAnAdministratorsStreamTellsWhatHappens(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		full := n.admin.stream(n.house, object{})
		notice := n.admin.stream(n.house, object{"events": list{
			scimEvent + "prov:create:notice", scimEvent + "prov:patch:notice", scimEvent + "prov:delete", scimEvent + "prov:deactivate",
		}})
		ana := n.entra.create("/Users", user("ana@contoso.com", "externalId", "a1", "password", "correct horse", "title", "Engineer"))
		n.entra.patch("/Users/"+ana, op("replace", "title", "Lead")).status(200)
		team := n.entra.create("/Groups", group("Team", "members", refs(ana)))
		n.entra.patch("/Users/"+ana, op("replace", "active", false)).status(200)
		n.entra.patch("/Users/"+ana, op("replace", "active", true)).status(200)
		n.entra.delete("/Groups/" + team).status(204)
		n.entra.delete("/Users/" + ana).status(204)

		want := []string{
			"/Users/" + ana + ": prov:create:full", "/Users/" + ana + ": prov:put:full", "/Groups/" + team + ": prov:create:full", "/Groups/" + team + ": prov:patch:full",
			"/Users/" + ana + ": prov:deactivate prov:put:full", "/Users/" + ana + ": prov:activate prov:put:full",
			"/Groups/" + team + ": prov:patch:full", "/Groups/" + team + ": prov:delete", "/Users/" + ana + ": prov:deactivate prov:put:full",
		}
		sets := full.take(len(want))
		for i, s := range sets {
			if got := s.Subject.URI + ": " + s.named(); got != want[i] && !(s.Subject.URI == "/Groups/"+team && strings.Contains(got, "notice")) {
				t.Errorf("event %d is %s, want %s", i, got, want[i])
			}
			if strings.Contains(s.text, "correct horse") || strings.Contains(s.text, "password") {
				t.Errorf("a password is told: %s", s.text)
			}
		}
		data := sets[1].Events[scimEvent+"prov:put:full"]["data"].(object)
		if data["userName"] != "ana@contoso.com" || data["id"] != ana {
			t.Errorf("data %v", data)
		}
		members := sets[3].Events[scimEvent+"prov:patch:full"]["data"].(object)["Operations"].(list)[0].(object)
		if members["op"] != "add" || members["path"] != "members" || members["value"].(list)[0].(object)["value"] != ana {
			t.Errorf("members %v", members)
		}
		told := notice.take(len(want))
		for i, s := range told {
			for uri, payload := range s.Events {
				if payload["data"] != nil || strings.HasSuffix(uri, "full") || strings.HasSuffix(uri, ":activate") {
					t.Errorf("notice %d: %s", i, s.text)
				}
			}
		}
		if got := fmt.Sprint(told[1].Events[scimEvent+"prov:patch:notice"]["attributes"]); got != "[title]" || told[4].named() != "prov:deactivate prov:patch:notice" {
			t.Errorf("attributes %s, then %s", got, told[4].named())
		}
		full.nothing()
		notice.nothing()
	})
}

// A source's stream is about resources that it has links to, holds no values, and
// calls them as the source does.
func TestASourcesStreamTellsWhatItMaySee(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		hr := n.source(store.SourceAPI, "hr", store.Policies{MatchUserName: true})
		seen, limited := hr.stream(n.house, object{}), n.admin.stream(n.house, object{"subjects": n.sourceID("hr")})
		hr.do("POST", n.house.URL+"/api/v1/streams", object{"delivery": "poll", "audience": list{"x"}, "events": list{scimEvent + "prov:create:full"}}, "Content-Type: application/json").status(400)

		alone := n.entra.create("/Users", user("alone@contoso.com", "externalId", "e0"))
		both := n.entra.create("/Users", user("both@contoso.com", "externalId", "e1", "title", "Secret of Entra"))
		joined := hr.create("/Users", user("both@contoso.com", "externalId", "h1"))
		if joined != both {
			t.Fatalf("joined %s, not %s", joined, both)
		}
		n.entra.patch("/Users/"+both, op("replace", "title", "Another secret")).status(200)
		told, toldAdmin := seen.take(2), limited.take(3)
		own := hr.create("/Users", user("own@contoso.com", "externalId", "h2"))
		hr.patch("/Users/"+own, op("replace", "active", false)).status(200)
		hr.delete("/Users/" + both).status(204)
		n.entra.patch("/Users/"+both, op("replace", "title", "A third")).status(200)
		told, toldAdmin = append(told, seen.take(3)...), append(toldAdmin, limited.take(3)...)

		for _, s := range told {
			for _, hidden := range []string{"ecret", alone, "full", "contoso"} {
				if strings.Contains(s.text, hidden) {
					t.Errorf("%s tells %s", s.text, hidden)
				}
			}
		}
		sameSets(t, told, []string{
			"/Users/" + both + " h1 feed:add prov:create:notice", "/Users/" + both + " h1 prov:patch:notice",
			"/Users/" + own + " h2 prov:create:notice", "/Users/" + own + " h2 prov:deactivate prov:patch:notice", "/Users/" + both + " h1 prov:delete",
		})
		sameSets(t, toldAdmin, []string{
			"/Users/" + both + " h1 prov:create:full", "/Users/" + both + " h1 feed:add prov:put:full", "/Users/" + both + " h1 prov:put:full",
			"/Users/" + own + " h2 prov:create:full", "/Users/" + own + " h2 prov:deactivate prov:put:full", "/Users/" + both + " h1 feed:remove prov:put:full",
		})
		seen.nothing()
		limited.nothing()
	})
}

// sameSets wants sets about these subjects, with these events.
func sameSets(t *testing.T, sets []set, want []string) {
	t.Helper()
	var got []string
	for _, s := range sets {
		got = append(got, s.Subject.URI+" "+s.Subject.ExternalID+" "+s.named())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sourceID is the public id of a source.
func (n *tenant) sourceID(name string) string {
	n.t.Helper()
	s, err := n.house.Directory.Source(n.t.Context(), n.slug, name)
	if err != nil {
		n.t.Fatal(err)
	}
	return s.PublicID
}

// A receiver is killed again and again, before and after it has kept what it got,
// while several write: it misses nothing, and what comes twice has the same id.
func TestAReceiverThatIsKilledMissesNothing(t *testing.T) {
	const writers, each = 6, 25
	eachTenant(t, func(t *testing.T, n *tenant) {
		r := n.admin.stream(n.house, object{"events": list{scimEvent + "prov:create:full"}})
		var created sync.Map
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					a := n.entra.post("/Users", user(fmt.Sprintf("u%d-%d@contoso.com", w, i)))
					if id, ok := a.at("id").(string); ok {
						created.Store("/Users/"+id, true)
					} else {
						t.Errorf("%s: %s", a.asked, a.Text)
					}
				}
			})
		}
		kept := map[string]string{} // by the subject: the id of the set
		ack, seed := []string{}, rand.Uint64()
		t.Logf("seed %d", seed)
		rnd, repeated := rand.New(rand.NewPCG(seed, 0)), 0
		for range 2000 {
			sets, _ := r.poll(object{"maxEvents": 1 + rnd.IntN(20), "ack": ack})
			ack = []string{}
			if rnd.IntN(3) == 0 { // killed before it kept them: what it got is forgotten
				continue
			}
			for _, s := range sets {
				if id, again := kept[s.Subject.URI]; again {
					repeated++
					if id != s.ID {
						t.Errorf("%s is %s and %s", s.Subject.URI, id, s.ID)
					}
				}
				kept[s.Subject.URI] = s.ID
			}
			if rnd.IntN(3) == 0 { // killed before it acknowledged
				continue
			}
			ack = ids(sets)
			rnd.Shuffle(len(ack), func(i, j int) { ack[i], ack[j] = ack[j], ack[i] })
			ack = ack[:rnd.IntN(len(ack)+1)] // and often it acknowledges a part, out of order
			if len(kept) == writers*each {
				break
			}
		}
		wg.Wait()
		created.Range(func(id, _ any) bool {
			if kept[id.(string)] == "" {
				t.Errorf("%s was never told", id)
			}
			return true
		})
		if len(kept) != writers*each || repeated == 0 {
			t.Errorf("%d told, %d of them again, of %d", len(kept), repeated, writers*each)
		}
	})
}

// What a receiver is done with doesn't come again, whether it took it or not;
// ids that aren't those of what waits are passed over.
func TestAcknowledgementsAreForGood(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		r, other := n.admin.stream(n.house, object{}), n.admin.stream(n.house, object{})
		for i := range 4 {
			n.entra.create("/Users", user(fmt.Sprintf("u%d@contoso.com", i)))
		}
		all := other.take(4)
		first, more := r.poll(object{"maxEvents": 3})
		if len(first) != 3 || !more || first[0].ID == all[0].ID {
			t.Fatalf("%d sets, more %v; ids %s and %s", len(first), more, first[0].ID, all[0].ID)
		}
		again, _ := r.poll(object{"maxEvents": 3, "ack": []string{all[0].ID, "x", first[0].ID + "0", strings.Replace(first[0].ID, ".", ".+", 1)}})
		if !slices.Equal(ids(again), ids(first)) {
			t.Errorf("without an acknowledgement: %v, then %v", ids(first), ids(again))
		}
		r.poll(object{"maxEvents": 0, "ack": []string{first[2].ID}})
		if none, _ := r.poll(object{"maxEvents": 0, "setErrs": object{first[1].ID: object{"err": "invalid_audience", "description": "not mine"}}}); len(none) > 0 {
			t.Errorf("of none: %v", none)
		}
		rest, more := r.poll(object{"returnImmediately": true})
		if len(rest) != 2 || more || rest[0].ID != first[0].ID {
			t.Errorf("rest %v", ids(rest))
		}
		state := n.admin.get(r.url).status(200)
		if state.at("refused") != 1.0 || !strings.Contains(state.text("lastError"), "invalid_audience: not mine") {
			t.Errorf("%s", state.Text)
		}
		r.poll(object{"maxEvents": 0, "ack": ids(rest)})
		r.nothing()

		r.do("PATCH", r.url, object{"paused": true}, "Content-Type: application/json").status(200).is("status", "paused")
		n.entra.create("/Users", user("late@contoso.com"))
		r.do("POST", r.url+"/poll", object{}, "Content-Type: application/json").status(409).is("code", "streamPaused")
		r.do("PATCH", r.url, object{"paused": false}, "Content-Type: application/json").status(200)
		r.take(1)
	})
}

// A poll that waits is answered by the next event, and by the end of the server;
// the next server goes on where it was.
func TestAPollWaitsForNews(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		h := &house{apptest.Start(t, apptest.On(database), apptest.Bare())}
		n := h.tenant(t)
		r := n.admin.stream(h, object{})
		got := r.waits()
		id := n.entra.create("/Users", user("ana@contoso.com"))
		if a := <-got; a.status(200).at("sets") == nil || !strings.Contains(string(a.Text), r.conf["id"].(string)) {
			t.Fatalf("%s", a.Text)
		}
		if sets := r.take(1); sets[0].Subject.URI != "/Users/"+id {
			t.Errorf("%+v", sets)
		}
		got = r.waits()
		if err := h.Stop(); err != nil {
			t.Fatal(err)
		}
		if a := <-got; string(a.status(200).Text) != "{\"sets\":{}}\n" {
			t.Errorf("at the end: %s", a.Text)
		}

		next := &house{apptest.Start(t, apptest.On(database), apptest.Bare())}
		moved := func(url any) string { return strings.Replace(url.(string), h.URL, next.URL, 1) }
		again := &receiver{&client{t, next.SCIM, n.admin.token}, moved(r.url), with(object{}, inPairs(r.conf)...)}
		again.conf["keysUrl"] = moved(r.conf["keysUrl"])
		again.nothing()
		(&client{t, next.SCIM, n.entra.token}).create("/Groups", group("after"))
		again.take(1)
	})
}

// waits polls and gives the answer when it comes. It returns when the server has
// begun to read the poll.
func (r *receiver) waits() <-chan *answer {
	r.t.Helper()
	began, out := make(chan struct{}), make(chan *answer, 1)
	ctx := httptrace.WithClientTrace(r.t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(began) }})
	req, err := http.NewRequestWithContext(ctx, "POST", r.url+"/poll", strings.NewReader("{}"))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + r.token}, "Content-Type": {"application/json"}, "Expect": {"100-continue"}}
	go func() {
		resp, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(req)
		if err != nil {
			r.t.Errorf("poll: %v", err)
			out <- &answer{t: r.t, asked: "poll"}
			return
		}
		out <- read(r.t, resp, "poll")
	}()
	<-began
	return out
}

// A source that is disabled neither makes nor reads streams, and nothing is pushed
// for it; enabled again, it goes on where it was.
func TestADisabledSourceIsToldNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		in := newInbox(t, func(int) int { return 202 })
		polled, pushed := n.entra.stream(h, object{}), n.entra.pushed(h, in)
		n.entra.create("/Users", user("ana@contoso.com"))
		until(t, "it is pushed", func() bool { return len(in.took()) == 1 })
		if err := h.Directory.DisableSource(t.Context(), "provider", n.slug, "entra"); err != nil {
			t.Fatal(err)
		}
		json := "Content-Type: application/json"
		polled.do("POST", polled.url+"/poll", object{}, json).status(403)
		polled.do("POST", h.URL+"/api/v1/streams", object{"delivery": "poll", "audience": list{"x"}}, json).status(403)
		polled.do("PATCH", polled.url, object{"paused": true}, json).status(403)
		polled.do("DELETE", polled.url, nil).status(403)
		polled.get(polled.url).status(200)
		if err := h.Directory.EnableSource(t.Context(), "provider", n.slug, "entra"); err != nil {
			t.Fatal(err)
		}
		n.entra.create("/Users", user("bob@contoso.com"))
		until(t, "it is pushed", func() bool { return len(in.took()) == 2 })
		polled.take(2)
		pushed.do("DELETE", pushed.url, nil).status(204)
		pushed.get(pushed.url).status(404)
	}, pushedTo())
}

// One key signs for all, so the issuer tells whose word a token is: no tenant's can
// pass for another's, and no source's for the administrators'.
func TestTheIssuerTellsWhoseWordATokenIs(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		other := n.house.tenant(t)
		all := map[any]bool{}
		for i, c := range []*client{n.admin, n.entra, other.admin, other.entra} {
			r := c.stream(n.house, object{"audience": list{"https://receiver.example"}})
			all[r.conf["issuer"]] = true
			c.create("/Users", user(fmt.Sprintf("ana%d@contoso.com", i)))
			if s := r.take(1)[0]; s.Issuer != r.conf["issuer"] {
				t.Errorf("iss is %s, and the stream's issuer %s", s.Issuer, r.conf["issuer"])
			}
		}
		if len(all) != 4 || !all[n.house.URL+"/tenants/"+n.slug] || !all[n.house.URL+"/tenants/"+n.slug+"/sources/"+n.sourceID("entra")] {
			t.Errorf("the issuers are %v", all)
		}
	})
}

// A token says when its event happened and when it was made; made again, only the
// latter is another.
func TestATokenSaysWhenItsEventHappened(t *testing.T) {
	clock := &apptest.HandClock{}
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		r := n.admin.stream(h, object{})
		happened := clock.Now()
		n.entra.create("/Users", user("ana@contoso.com"))
		first := r.waiting(1, object{})[0]
		clock.Add(time.Hour)
		again := r.waiting(1, object{})[0]
		if first.ID != again.ID || first.Happened != again.Happened || first.Happened != happened.Unix() || first.IssuedAt != happened.Unix() || again.IssuedAt != clock.Now().Unix() {
			t.Errorf("%s, then %s", first.text, again.text)
		}
	}, apptest.WithClock(clock))
}

// A poll that waits ends with the token that it was sent with, its source and its
// stream.
func TestAPollThatWaitsEndsWithWhoSentIt(t *testing.T) {
	for what, c := range map[string]struct {
		end    func(t *testing.T, n *tenant, r *receiver) error
		status int
	}{
		"token": {func(t *testing.T, n *tenant, r *receiver) error {
			return n.house.Directory.RevokeToken(t.Context(), "provider", n.slug, r.token[:8])
		}, 401},
		"source": {func(t *testing.T, n *tenant, _ *receiver) error {
			return n.house.Directory.DisableSource(t.Context(), "provider", n.slug, "entra")
		}, 403},
		"stream": {func(_ *testing.T, n *tenant, r *receiver) error {
			n.admin.do("DELETE", r.url, nil).status(204)
			return nil
		}, 404},
	} {
		t.Run(what, func(t *testing.T) {
			eachTenant(t, func(t *testing.T, n *tenant) {
				r := n.entra.stream(n.house, object{})
				got := r.waits()
				if err := c.end(t, n, r); err != nil {
					t.Fatal(err)
				}
				(<-got).status(c.status)
			})
		})
	}
}

// Ten polls wait for a stream; one more is answered at once, and takes nobody's
// place.
func TestFewPollsWaitForOneStream(t *testing.T) {
	const most = 10
	eachTenant(t, func(t *testing.T, n *tenant) {
		r, other := n.admin.stream(n.house, object{}), n.admin.stream(n.house, object{})
		answers := make(chan *answer, most+1)
		for range most + 1 {
			got := r.waits()
			go func() { answers <- <-got }()
		}
		elsewhere := other.waits()
		if a := <-answers; string(a.status(200).Text) != "{\"sets\":{}}\n" {
			t.Errorf("one too many is told %s", a.Text)
		}
		n.entra.create("/Users", user("ana@contoso.com"))
		for range most {
			if a := <-answers; len(a.status(200).at("sets").(object)) != 1 {
				t.Errorf("who waits is told %s", a.Text)
			}
		}
		if a := <-elsewhere; len(a.status(200).at("sets").(object)) != 1 {
			t.Errorf("who waits for another stream is told %s", a.Text)
		}
	})
}
