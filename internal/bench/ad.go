package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// adFigures are what was measured of the way from one domain to one database.
// Rates are of users; their groups come with them.
type adFigures struct {
	Database      string
	Users, Groups int
	// Floor is what DirSync alone gives, with all that the agent asks for;
	// FloorCPU is this process's, for a user.
	Floor    float64
	FloorCPU time.Duration
	// Initial is the whole run of workspace-ad once on an empty database, Ratio
	// what it is of Floor in the same rounds.
	Initial, Ratio      float64
	AgentCPU, ServerCPU time.Duration // of the initial cycle, for a user
	InitialPeak         int64         // resident bytes of the agent at most
	// Resync is the whole run of workspace-ad resync, when nothing has changed.
	Resync     time.Duration
	ResyncPeak int64
	// PollPeak is that of the agent that polled the increments. It is a part of
	// this program, and so carries the server's code too.
	PollPeak   int64
	Idle       []time.Duration // polls that find nothing
	IdleWrites int             // SCIM requests of them that write
	Increments []increment
}

func (f *adFigures) where() string { return fmt.Sprintf("%s, AD %s", f.Database, short(f.Users)) }

// ad measures the way from domains of all sizes to all databases.
func (b *bench) ad(ctx context.Context) ([]adFigures, error) {
	var all []adFigures
	for _, users := range b.adSizes {
		b.tell(fmt.Sprintf("making a domain of %s users", short(users)))
		d, err := newDomain(ctx, b.made.dir, b.adDomains, users)
		if err != nil {
			return all, err
		}
		for _, database := range b.databases {
			f := adFigures{Database: database, Users: users, Groups: d.groups()}
			if err = b.adOne(ctx, d, &f); err != nil {
				err = fmt.Errorf("%s: %w", f.where(), err)
				break
			}
			all = append(all, f)
		}
		if err := errors.Join(err, d.close()); err != nil {
			return all, err
		}
	}
	return all, nil
}

// fewUsers is the number of users up to which an initial cycle is measured in
// several rounds.
const fewUsers = 10_000

func (b *bench) adOne(ctx context.Context, d *adDomain, f *adFigures) (err error) {
	config, err := d.asked()
	if err != nil {
		return err
	}
	s, after, err := b.adInitial(ctx, d, config, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	b.tell("AD, " + f.where() + ": everything again")
	resync, err := s.run(ctx, "resync", d)
	if err != nil {
		return err
	}
	f.Resync, f.ResyncPeak = resync.took, resync.peak
	b.tell("AD, " + f.where() + ": increments")
	p, err := s.poller(d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	session, err := dirsync.Open(ctx, config)
	if err != nil {
		return err
	}
	defer session.Close()
	if err := (&increments{d, session, p, f, after}).measure(ctx, b.rounds); err != nil {
		return err
	}
	_, f.PollPeak, err = p.memory()
	return err
}

// adInitial measures initial cycles, each of an empty database, beside DirSync
// alone. It gives the last server, and DirSync's checkpoint.
func (b *bench) adInitial(ctx context.Context, d *adDomain, config dirsync.Config, f *adFigures) (last *adServer, after []byte, err error) {
	rounds := 1
	if d.users <= fewUsers {
		rounds = b.rounds
	}
	var floors, rates []float64
	rate := func(took time.Duration) float64 { return float64(d.users) / took.Seconds() }
	for range rounds {
		b.tell("AD, " + f.where() + ": initial cycle")
		if last != nil {
			if err := last.close(); err != nil {
				return nil, nil, err
			}
		}
		begin, cpu := time.Now(), ownCPU()
		if after, _, err = readAll(ctx, config); err != nil {
			return nil, nil, err
		}
		floors = append(floors, rate(time.Since(begin)))
		f.FloorCPU += (ownCPU() - cpu) / time.Duration(d.users*rounds)
		if last, err = newADServer(ctx, b.made, f.Database, b.program, b.agent); err != nil {
			return nil, nil, err
		}
		run, err := last.run(ctx, "once", d)
		if err != nil {
			return nil, nil, errors.Join(err, last.close())
		}
		rates = append(rates, rate(run.took))
		f.AgentCPU += run.cpu / time.Duration(d.users*rounds)
		f.ServerCPU += run.serverCPU / time.Duration(d.users*rounds)
		f.InitialPeak = max(f.InitialPeak, run.peak)
	}
	f.Floor, f.Initial, f.Ratio = median(floors), median(rates), ratio(rates, floors)
	return last, after, nil
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
