package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// The names of the scenarios about uploads.
const (
	nameAccept  = "accept 50 uploaded records, none worked on"
	nameAccepts = "accept 50 uploaded records, backlog worked on"
	nameWorked  = "1,000 uploaded records worked on"
)

const (
	acceptSize = 50
	maxBacklog = 100_000
)

// uploads measures, on the largest server of each database, what accepting
// uploads takes while nothing is worked on and while a long backlog is, and how
// fast that is worked on.
func (b *bench) uploads(ctx context.Context) ([]figure, error) {
	b.tell("uploads")
	var figures []figure
	for _, w := range b.largest() {
		u, err := w.uploader(ctx)
		if err != nil {
			return figures, fmt.Errorf("%s: the source of uploads: %w", w, err)
		}
		more, err := u.measure(ctx, b)
		u.c.close()
		if figures = append(figures, more...); err != nil {
			return figures, fmt.Errorf("%s: uploads: %w", w, err)
		}
	}
	return figures, nil
}

// uploader is an HR tool.
type uploader struct {
	w   *world
	c   *client
	job string // its path
}

// uploader makes a source whose uploads only the server bounds.
func (w *world) uploader(ctx context.Context) (*uploader, error) {
	const name = "hr"
	token, err := administer(ctx, w.program, w.url, [][]string{
		{"source", "add", "--tenant", tenantName, "--kind", "api", "--name", name, "--upload-operations", "1000", "--upload-calls", "10000"},
		{"source", "limits", "--tenant", tenantName, "--name", name, "--off"},
		{"token", "add", "--tenant", tenantName, "--source", name},
	})
	if err != nil {
		return nil, err
	}
	u := &uploader{w: w, job: "/v1.0/servicePrincipals/" + name + "/synchronization/jobs"}
	if u.c, err = connect(ctx, w.server.address, token); err != nil {
		return nil, err
	}
	var jobs struct{ Value []struct{ ID string } }
	answer, err := u.c.want(http.StatusOK, http.MethodGet, u.job, nil)
	if err == nil {
		err = json.Unmarshal(answer, &jobs)
	}
	if err == nil && len(jobs.Value) != 1 {
		err = fmt.Errorf("%d jobs", len(jobs.Value))
	}
	if err != nil {
		u.c.close()
		return nil, err
	}
	u.job += "/" + jobs.Value[0].ID
	return u, nil
}

func (u *uploader) measure(ctx context.Context, b *bench) ([]figure, error) {
	if err := u.tell("pause"); err != nil {
		return nil, err
	}
	quiet, err := u.accepting(ctx, b, nameAccept)
	if err != nil {
		return nil, err
	}
	for range min(maxBacklog, 10*u.w.users) / bulkSize {
		if err := u.upload(bulkSize); err != nil {
			return nil, err
		}
	}
	if err := u.tell("start"); err != nil {
		return nil, err
	}
	busy, err := u.accepting(ctx, b, nameAccepts)
	if err != nil {
		return nil, err
	}
	worked, err := u.drain(ctx)
	return []figure{quiet, busy, worked}, err
}

func (u *uploader) accepting(ctx context.Context, b *bench, name string) (figure, error) {
	all := gathering{unit: acceptSize}
	for range b.rounds {
		s, err := side{u.w.server, func(*client) error { return u.upload(acceptSize) }}.measure(ctx, 1, b.round())
		if err != nil {
			return figure{}, fmt.Errorf("%s: %w", name, err)
		}
		all.add(s)
	}
	return all.figure(name, u.w, 1), nil
}

// upload sends people who are to be created.
func (u *uploader) upload(records int) error {
	u.c.scratch = appendBulk(u.c.scratch[:0], records, func(int) person { return u.w.person() })
	_, err := u.c.want(http.StatusAccepted, http.MethodPost, u.job+"/bulkUpload", u.c.scratch)
	return err
}

func (u *uploader) tell(action string) error {
	_, err := u.c.want(http.StatusNoContent, http.MethodPost, u.job+"/"+action, []byte("{}"))
	return err
}

// waiting is how many records wait, counted up to countedUploads.
func (u *uploader) waiting() (int, error) {
	answer, err := u.c.want(http.StatusOK, http.MethodGet, u.job, nil)
	if err != nil {
		return 0, err
	}
	var job struct{ Status struct{ WaitingRecords int } }
	err = json.Unmarshal(answer, &job)
	return job.Status.WaitingRecords, err
}

// countedUploads is up to where the server counts what waits.
const countedUploads = 10_000

// drain waits until nothing waits, and gives how fast the last records were
// worked on, which the server counts.
func (u *uploader) drain(ctx context.Context) (figure, error) {
	all := gathering{unit: bulkSize}
	last, at, cpu := countedUploads, time.Now(), time.Duration(0)
	for last > 0 {
		select {
		case <-ctx.Done():
			return figure{}, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		left, err := u.waiting()
		if err != nil {
			return figure{}, err
		}
		now, err := u.w.server.cpu()
		if err != nil {
			return figure{}, err
		}
		done := last - left
		if last < countedUploads && (done >= bulkSize || left == 0) {
			scale := float64(bulkSize) / float64(done)
			took := time.Duration(float64(time.Since(at)) * scale)
			all.add(sample{took: took, cpu: time.Duration(float64(now-cpu) * scale), latencies: []time.Duration{took}})
		}
		if left < countedUploads && (last == countedUploads || done >= bulkSize || left == 0) {
			last, at, cpu = left, time.Now(), now
		}
	}
	if len(all.rates) == 0 {
		return figure{}, fmt.Errorf("the backlog was worked on before that could be measured")
	}
	return all.figure(nameWorked, u.w, 1), nil
}
