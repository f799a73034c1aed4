package acceptance_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
)

// pushedTo lets a server push to receivers of the test.
func pushedTo() apptest.Option {
	return apptest.With(func(c *app.Config) { c.PushNetworks, c.PushHTTP = []string{"127.0.0.0/8"}, true })
}

// inbox is a receiver of pushes (RFC 8935): it takes what answer lets it.
type inbox struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	answer func(n int) int // the status of the n-th request
	asked  int
	tokens []string
}

func newInbox(t *testing.T, answer func(n int) int) *inbox {
	in := &inbox{t: t, answer: answer}
	in.Server = httptest.NewServer(in)
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asked++
	status := in.answer(in.asked)
	if err != nil || r.Method != "POST" || r.Header.Get("Content-Type") != "application/secevent+jwt" || r.Header.Get("Authorization") != "Bearer of-the-receiver" {
		in.t.Errorf("%s %v", r.Method, r.Header)
		status = 401
	}
	switch {
	case status == 0:
		panic(http.ErrAbortHandler)
	case status == 202, status == -202: // the second one takes it, and isn't heard
		in.tokens = append(in.tokens, string(text))
	}
	if status < 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

// took gives the tokens so far.
func (in *inbox) took() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.tokens)
}

func (in *inbox) requests() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.asked
}

// pushed makes a stream that goes to the inbox.
func (c *client) pushed(h *house, in *inbox) *receiver {
	c.t.Helper()
	return c.stream(h, object{"delivery": "push", "endpoint": in.URL + "/sets", "authorization": "Bearer of-the-receiver"})
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Pushes come in order, and again until they are taken: through refusals, broken
// connections, and answers that are lost. The secret is shown nowhere.
func TestPushesComeUntilTheyAreTaken(t *testing.T) {
	const users = 20
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		in := newInbox(t, func(n int) int { return []int{503, 202, 202, 0, 202, 202, -202, 202}[min(n-1, 7)] })
		r := n.admin.pushed(h, in)
		var want []string
		for i := range users {
			want = append(want, "/Users/"+n.entra.create("/Users", user(fmt.Sprintf("u%d@contoso.com", i))))
		}
		until(t, "all are taken", func() bool {
			s := n.admin.get(r.url)
			return len(in.took()) > users && s.at("position") == s.at("last")
		})
		var got []string
		seen := map[string]bool{}
		for _, token := range in.took() {
			if s := r.verify(token); !seen[s.ID] {
				seen[s.ID] = true
				got = append(got, s.Subject.URI)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
		if len(in.took()) != users+1 {
			t.Errorf("%d tokens, of which one twice", len(in.took()))
		}
		state := n.admin.get(r.url).status(200)
		if state.at("failures") != 0.0 || state.at("lastError") == nil || state.at("hasAuthorization") != true {
			t.Errorf("%s", state.Text)
		}
		everything := string(state.Text) + h.Log.String() + string(n.admin.get(h.URL+"/api/v1/events?limit=500").Text)
		if strings.Contains(everything, "of-the-receiver") {
			t.Error("the secret of the receiver is shown")
		}
	}, pushedTo())
}

// A push that fails is tried again after pauses that grow, for a day; then the
// stream is paused and says why. Resumed, it goes on with what failed.
func TestPushesThatFailForADayPauseTheStream(t *testing.T) {
	clock := &apptest.HandClock{}
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		status, mu := 500, sync.Mutex{}
		in := newInbox(t, func(int) int { mu.Lock(); defer mu.Unlock(); return status })
		r := n.admin.pushed(h, in)
		id := n.entra.create("/Users", user("ana@contoso.com"))
		for failures, pause := 1, time.Second; pause < 4*time.Minute; failures, pause = failures+1, 2*pause {
			until(t, "it failed", func() bool { return n.admin.get(r.url).at("failures") == float64(failures) })
			next, err := time.Parse(time.RFC3339, n.admin.get(r.url).text("nextAttemptAt"))
			if got := next.Sub(clock.Now()); err != nil || got != pause {
				t.Errorf("after %d failures it waits %s, want %s", failures, got, pause)
			}
			if in.requests() != failures {
				t.Errorf("%d requests, %d failures", in.requests(), failures)
			}
			clock.Add(pause)
		}
		clock.Add(25 * time.Hour)
		until(t, "it is paused", func() bool { return n.admin.get(r.url).at("status") == "paused" })
		if reason := n.admin.get(r.url).text("reason"); !strings.Contains(reason, "answered 500") {
			t.Errorf("reason %q", reason)
		}
		mu.Lock()
		status = 202
		mu.Unlock()
		r.do("PATCH", r.url, object{"paused": false}, "Content-Type: application/json").status(200)
		until(t, "it is taken", func() bool { return len(in.took()) == 1 })
		if s := r.verify(in.took()[0]); s.Subject.URI != "/Users/"+id {
			t.Errorf("%+v", s)
		}
	}, pushedTo(), apptest.WithClock(clock))
}

// Several servers share the streams: each event is sent by one of them, in order,
// while several write and one of the servers ends.
func TestServersShareThePushes(t *testing.T) {
	t.Parallel()
	database := apptest.Postgres(t)
	one, two := &house{apptest.Start(t, apptest.On(database), apptest.Bare(), pushedTo())}, &house{apptest.Start(t, apptest.On(database), apptest.Bare(), pushedTo())}
	n := one.tenant(t)
	in := newInbox(t, func(int) int { time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond); return 202 })
	r := n.admin.pushed(one, in)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			c := &client{t, two.SCIM, n.entra.token}
			for i := range 40 {
				c.post("/Users", user(fmt.Sprintf("u%d-%d@contoso.com", w, i)))
			}
		})
	}
	until(t, "the first ones are taken", func() bool { return len(in.took()) > 20 })
	keys := r.conf["keysUrl"].(string)
	if err := one.Stop(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	r.conf["keysUrl"] = strings.Replace(keys, one.URL, two.URL, 1)
	until(t, "all are taken", func() bool {
		subjects := map[string]bool{}
		for _, token := range in.took() {
			subjects[r.verify(token).Subject.URI] = true
		}
		return len(subjects) == 160
	})
	seen, last := map[string]bool{}, 0
	for _, token := range in.took() {
		s := r.verify(token)
		var seq int
		if _, err := fmt.Sscan(s.ID[strings.IndexByte(s.ID, '.')+1:], &seq); err != nil {
			t.Fatal(err)
		}
		if seq <= last && !seen[s.ID] {
			t.Errorf("%d comes after %d", seq, last)
		}
		seen[s.ID], last = true, max(last, seq)
	}
}

// An endpoint that the server may not reach is refused, or what is sent there
// fails, and says so.
func TestPushesStayOutOfTheServersOwnNetworks(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		in := newInbox(t, func(int) int { t.Error("a push came"); return 202 })
		for _, endpoint := range []string{in.URL, "https://127.0.0.1/", "https://169.254.169.254/", "https://2130706433/", "https://a@example.com/", "x", ""} {
			n.admin.do("POST", n.house.URL+"/api/v1/streams", object{"delivery": "push", "endpoint": endpoint, "audience": list{"x"}}, "Content-Type: application/json").status(400)
		}
		r := n.admin.stream(n.house, object{"delivery": "push", "endpoint": strings.Replace(in.URL, "http://127.0.0.1", "https://localhost", 1)})
		n.entra.create("/Users", user("ana@contoso.com"))
		until(t, "it failed", func() bool { return n.admin.get(r.url).at("failures") != 0.0 })
		if why := n.admin.get(r.url).text("lastError"); !strings.Contains(why, "may not reach") {
			t.Error(why)
		}
		r.do("POST", r.url+"/poll", object{}, "Content-Type: application/json").status(400)
	})
}

// A server that lacks the key with which a push's secret was sealed sends nothing
// without it: it says so where the stream is shown, and tries again later and later.
func TestAPushWhoseSecretCantBeReadSaysSo(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		clock := &apptest.HandClock{}
		with := func(key byte) apptest.Option {
			file := filepath.Join(t.TempDir(), "secret.key")
			text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{key}, directory.SecretKeyLength))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return apptest.With(func(c *app.Config) { c.SecretKey = file })
		}
		first := &house{apptest.Start(t, apptest.On(database), apptest.Bare(), pushedTo(), with(1), apptest.WithClock(clock))}
		n := first.tenant(t)
		in := newInbox(t, func(int) int { return 202 })
		r := n.admin.pushed(first, in)
		stop(t, first)

		second := &house{apptest.Start(t, apptest.On(database), apptest.Bare(), pushedTo(), with(2), apptest.WithClock(clock))}
		r = r.at(first, second)
		(&client{t, second.SCIM, n.entra.token}).create("/Users", user("ana@contoso.com"))
		for failures, pause := 1, time.Second; failures < 4; failures, pause = failures+1, 2*pause {
			until(t, "it failed", func() bool { return r.get(r.url).at("failures") == float64(failures) })
			next, err := time.Parse(time.RFC3339, r.get(r.url).text("nextAttemptAt"))
			if got := next.Sub(clock.Now()); err != nil || got != pause {
				t.Errorf("after %d failures it waits %s, want %s", failures, got, pause)
			}
			clock.Add(pause)
		}
		if why := r.get(r.url).text("lastError"); !strings.Contains(why, "another secret key") || in.requests() > 0 {
			t.Errorf("%d requests, and the stream says %s", in.requests(), why)
		}
	})
}
