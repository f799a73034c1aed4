package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// scenario is a kind of request that clients repeat.
type scenario struct {
	name    string
	clients int
	unit    int // what one request counts for, e.g. the creates in a bulk request
	floor   floorKind
	// ask makes the next request; c.scratch may hold its body.
	ask func(w *world, c *client) request
	// check looks at an answer; nil if its status says it all.
	check func(answer []byte) error
}

// floorKind says what a scenario is compared to.
type floorKind int

const (
	// echoFloor is the same exchange with a plain Echo handler; the zero
	// floorKind is none.
	echoFloor floorKind = iota + 1
	// rowsFloor is creates without HTTP.
	rowsFloor
)

// request is one request to the SCIM endpoint and the status of its answer.
type request struct {
	method string
	path   string
	body   []byte
	status int
}

func get(path string) request { return request{http.MethodGet, path, nil, http.StatusOK} }

// send asks the server of a world.
func (s *scenario) send(w *world, c *client) ([]byte, error) {
	r := s.ask(w, c)
	answer, err := c.want(r.status, r.method, r.path, r.body)
	if err == nil && s.check != nil {
		err = s.check(answer)
	}
	return answer, err
}

// server is the side of the server.
func (s *scenario) server(w *world) side {
	return side{w.server, func(c *client) error {
		_, err := s.send(w, c)
		return err
	}}
}

// echo is the side of the Echo handler: the same requests, but for the path,
// and an answer as the server's to one of them.
func (s *scenario) echo(ctx context.Context, f *process, w *world) (side, error) {
	c, err := connect(ctx, w.server.address, w.token)
	if err != nil {
		return side{}, err
	}
	defer c.close()
	answer, err := s.send(w, c)
	if err != nil {
		return side{}, err
	}
	to, err := connect(ctx, f.address, "")
	if err != nil {
		return side{}, err
	}
	defer to.close()
	path := fmt.Sprintf("/floor/%s-%d", w.database, w.users)
	if _, err := to.want(http.StatusOK, http.MethodPut, path, answer); err != nil {
		return side{}, err
	}
	return side{f, func(c *client) error {
		r := s.ask(w, c)
		_, query, _ := strings.Cut(r.path, "?")
		_, err := c.want(http.StatusOK, r.method, path+"?"+query, r.body)
		return err
	}}, nil
}

// scenario measures one on the worlds: in each round each server, and right
// after it its floor.
func (b *bench) scenario(ctx context.Context, s scenario, worlds []*world) ([]figure, error) {
	b.tell(s.name)
	all := make([]gathering, len(worlds))
	for range b.rounds {
		for i, w := range worlds {
			all[i].unit = s.unit
			if err := b.scenarioRound(ctx, &s, w, &all[i]); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", s.name, w, err)
			}
		}
	}
	figures := make([]figure, len(worlds))
	for i, w := range worlds {
		figures[i] = all[i].figure(s.name, w, s.clients)
	}
	return figures, nil
}

func (b *bench) scenarioRound(ctx context.Context, s *scenario, w *world, g *gathering) error {
	if err := warm(ctx, w.url); err != nil {
		return fmt.Errorf("reading the database into memory: %w", err)
	}
	got, err := s.server(w).measure(ctx, s.clients, b.round())
	if err != nil {
		return err
	}
	g.add(got)
	var floor side
	switch s.floor {
	case echoFloor:
		floor, err = s.echo(ctx, b.floor, w)
	case rowsFloor:
		floor, err = w.durable.creates(ctx, b.round())
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("its floor: %w", err)
	}
	got, err = floor.measure(ctx, s.clients, b.round())
	if err != nil {
		return fmt.Errorf("its floor: %w", err)
	}
	g.addFloor(got)
	return nil
}
