package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// walk reads a whole list page by page with one client.
type walk struct {
	name string
	// next gives what to ask for after a page with this cursor, from this index.
	next func(cursor string, index int) string
}

var walks = []walk{
	{nameByCursor, func(cursor string, _ int) string { return "cursor=" + url.QueryEscape(cursor) }},
	{nameByIndex, func(_ string, index int) string { return "startIndex=" + strconv.Itoa(index) }},
}

// pageSize is how many resources a page of a whole list has: as many as the
// server gives, but a list has ten pages at least.
func (w *world) pageSize() int { return min(1000, max(1, w.users/10)) }

// walk measures one way to read whole lists on the worlds: as often as fits in
// the time, and once at least.
func (b *bench) walk(ctx context.Context, way walk, worlds []*world) ([]figure, error) {
	b.tell(way.name)
	var figures []figure
	for _, w := range worlds {
		f, err := b.walkOne(ctx, way, w)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", way.name, w, err)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func (b *bench) walkOne(ctx context.Context, way walk, w *world) (figure, error) {
	c, err := connect(ctx, w.server.address, w.token)
	if err != nil {
		return figure{}, err
	}
	defer c.close()
	g := gathering{unit: w.pageSize()}
	page := scenario{floor: echoFloor, ask: func(w *world, _ *client) request {
		return get(fmt.Sprintf("%s?count=%d&%s", scimUsers, w.pageSize(), way.next("", 1)))
	}}
	floor, err := page.echo(ctx, b.floor, w)
	if err != nil {
		return figure{}, err
	}
	var flat []float64
	for begin := time.Now(); len(flat) == 0 || time.Since(begin) < b.duration; {
		s, err := way.read(ctx, w, c)
		if err != nil {
			return figure{}, err
		}
		flat = append(flat, flatness(s.latencies))
		g.add(s)
		if s, err = floor.measure(ctx, 1, b.round()); err != nil {
			return figure{}, err
		}
		g.addFloor(s)
	}
	f := g.figure(way.name, w, 1)
	f.Flat = median(flat)
	return f, nil
}

// read reads the list once. Its time is that of the pages, so that looking into
// them isn't part of it.
func (way walk) read(ctx context.Context, w *world, c *client) (sample, error) {
	var s sample
	before, err := w.server.cpu()
	if err != nil {
		return s, err
	}
	cursor, index := "", 1
	for ctx.Err() == nil {
		path := fmt.Sprintf("%s?count=%d&%s", scimUsers, w.pageSize(), way.next(cursor, index))
		begin := time.Now()
		answer, err := c.want(http.StatusOK, http.MethodGet, path, nil)
		if err != nil {
			return s, err
		}
		took := time.Since(begin)
		s.latencies, s.took = append(s.latencies, took), s.took+took
		p, err := headOf(answer)
		if err != nil {
			return s, err
		}
		index += p.ItemsPerPage
		if cursor = p.NextCursor; index > p.TotalResults || p.ItemsPerPage == 0 {
			break
		}
	}
	after, err := w.server.cpu()
	s.cpu = after - before
	return s, err
}

// listHead is what a list response says about itself.
type listHead struct {
	TotalResults, ItemsPerPage int
	NextCursor                 string
}

// headOf reads what stands before the resources; to decode those would take
// longer than the server took to send them.
func headOf(answer []byte) (listHead, error) {
	var h listHead
	head, _, ok := bytes.Cut(answer, []byte(`,"Resources":`))
	if !ok {
		return h, fmt.Errorf("no list response: %.300s", answer)
	}
	return h, json.Unmarshal(append(bytes.Clone(head), '}'), &h)
}

// flatness is the time of the last tenth of the pages to that of the first.
func flatness(pages []time.Duration) float64 {
	tenth := max(1, len(pages)/10)
	first, last := slices.Clone(pages[:tenth]), slices.Clone(pages[len(pages)-tenth:])
	slices.Sort(first)
	slices.Sort(last)
	return float64(percentile(last, .5)) / float64(percentile(first, .5))
}
