package main

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// rateLimit sends faster than a source may (RELIABILITY S16). Whoever is refused
// hears 429 with Retry-After; clients that wait so long and try again, as Entra
// ID does, lose nothing. Another source isn't held up.
func rateLimit(t *trial) error {
	s, err := t.open("--rate", "20")
	if err != nil {
		return err
	}
	other, err := s.command("source", "add", "--tenant", tenant, "--kind", "api", "--name", "other", "--token")
	if err != nil {
		return err
	}
	for round := range t.rounds {
		var refused atomic.Int64
		n := t.size(8, 50)
		err := together(func(w int) error {
			for i := range n {
				name := fmt.Sprintf("fast-%d-%d-%d", round, w, i)
				times, err := s.persist(object{"schemas": []string{userURN}, "userName": name, "externalId": name})
				if err != nil {
					return err
				}
				refused.Add(int64(times))
				if w == 0 {
					if err := newClient(s.server.url, other).get(t.ctx, "/Users?count=0", new(page)); err != nil {
						t.fault("another source: %v", err)
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if refused.Load() == 0 {
			t.fault("nobody heard 429")
		}
		users, err := s.admin.all(t.ctx, "Users", false)
		if err != nil {
			return err
		}
		if want := (round + 1) * writers * n; len(users) != want {
			t.fault("%d users are there, %d were acknowledged", len(users), want)
		}
		t.say("            %d created with patience, %d times 429", writers*n, refused.Load())
	}
	return s.close()
}

// persist makes a user, and tries again as long as it is told to. It says how
// often it was.
func (s *site) persist(user object) (refused int, err error) {
	for {
		a, err := s.client.send(s.t.ctx, http.MethodPost, "/Users", user)
		if err != nil {
			return refused, err
		}
		switch a.status {
		case http.StatusCreated:
			return refused, nil
		case http.StatusTooManyRequests:
			seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
			if err != nil || seconds < 1 {
				return refused, fmt.Errorf("429 with Retry-After %q", a.header.Get("Retry-After"))
			}
			refused++
			s.t.pause(time.Duration(seconds) * time.Second)
		default:
			return refused, fmt.Errorf("POST /Users: %d %s", a.status, a.body)
		}
		if err := s.t.ctx.Err(); err != nil {
			return refused, err
		}
	}
}
