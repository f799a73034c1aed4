package acceptance_test

import (
	"fmt"
	"testing"
)

// backlog is more than two batches of a push.
const backlog = 120

// stuck is an inbox that lets its third request wait until it is released.
func stuck(t *testing.T) (in *inbox, reached, release chan struct{}) {
	reached, release = make(chan struct{}), make(chan struct{})
	in = newInbox(t, func(n int) int {
		if n == 3 {
			close(reached)
			<-release
		}
		return 202
	})
	return in, reached, release
}

// burst makes users in one request.
func (n *tenant) burst(c *client) {
	n.t.Helper()
	var ops list
	for i := range backlog {
		ops = append(ops, bulkOp("POST", "/Users", fmt.Sprint(i), user(fmt.Sprintf("u%d@contoso.com", i))))
	}
	c.post("/Bulk", bulkOf(ops...)).status(200)
}

// While there is much to send, the stream is looked at again after each batch of 50
// tokens: what follows goes to the endpoint that it has by then.
func TestAPushThatRunsFollowsItsEndpoint(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		old, reached, release := stuck(t)
		next := newInbox(t, func(int) int { return 202 })
		r := n.admin.pushed(h, old)
		n.burst(n.entra)
		<-reached
		r.do("PATCH", r.url, object{"endpoint": next.URL + "/sets", "authorization": "Bearer of-the-receiver"}, "Content-Type: application/json").status(200)
		close(release)
		until(t, "the rest goes to the new endpoint", func() bool { return len(old.took())+len(next.took()) == backlog && len(next.took()) > 0 })
		if got := len(old.took()); got > 50 {
			t.Errorf("%d tokens went to the old endpoint", got)
		}
	}, pushedTo())
}

// Disabled or paused, a stream ends with the batch that is being sent.
func TestAPushThatRunsEndsWithItsSource(t *testing.T) {
	for what, end := range map[string]func(h *house, n *tenant, r *receiver, on bool){
		"disabled": func(h *house, n *tenant, _ *receiver, on bool) {
			do := h.Directory.DisableSource
			if on {
				do = h.Directory.EnableSource
			}
			if err := do(t.Context(), "provider", n.slug, "entra"); err != nil {
				t.Error(err)
			}
		},
		"paused": func(_ *house, _ *tenant, r *receiver, on bool) {
			r.do("PATCH", r.url, object{"paused": !on}, "Content-Type: application/json").status(200)
		},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				n := h.tenant(t)
				in, reached, release := stuck(t)
				other := newInbox(t, func(int) int { return 202 })
				everybody, r := n.admin.pushed(h, other), n.entra.pushed(h, in)
				n.burst(n.entra)
				<-reached
				end(h, n, r, false)
				close(release)
				later := n.admin.create("/Users", user("later@contoso.com"))
				until(t, "what comes later is told to others", func() bool {
					all := other.took()
					return len(all) == backlog+1 && everybody.verify(all[backlog]).Subject.URI == "/Users/"+later
				})
				if got := len(in.took()); got > 50 {
					t.Errorf("%d tokens were sent", got)
				}
				end(h, n, r, true)
				until(t, "it goes on where it was", func() bool { return len(in.took()) == backlog })
			}, pushedTo())
		})
	}
}
