package gormstore

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func benchEngines(b *testing.B, bench func(*testing.B, *world)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, newWorld(b, openSQLiteTest(b))) })
	b.Run("postgres", func(b *testing.B) {
		needPostgres(b)
		bench(b, newWorld(b, openTest(b, Config{URL: newPostgresSchema(b)})))
	})
}

// reportCPU adds the processor time of this process to a benchmark's figures:
// on a busy machine it says more than the wall clock. A connection's server
// process is not in it.
func reportCPU(b *testing.B) {
	b.Helper()
	before := cpuTime(b)
	b.Cleanup(func() { b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op") })
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCreate is a durable create as the directory does it, with as many
// clients at the same time as the name says.
func BenchmarkCreate(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			benchEngines(b, func(b *testing.B, w *world) {
				var n atomic.Int64
				reportCPU(b)
				b.SetParallelism(max(1, clients/2))
				if clients == 1 {
					for b.Loop() {
						r := w.user(fmt.Sprint("u", n.Add(1)))
						if err := w.create(&r); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						r := w.user(fmt.Sprint("u", n.Add(1)))
						if err := w.create(&r); err != nil {
							b.Error(err)
						}
					}
				})
			})
		})
	}
}

// BenchmarkLookUp is one of the queries that Entra sends before each write.
func BenchmarkLookUp(b *testing.B) {
	benchEngines(b, func(b *testing.B, w *world) {
		w.load(20_000)
		for _, source := range []int64{0, w.source} {
			for _, f := range []string{`userName eq "u777@contoso.example"`, `externalId eq "ext-u777"`, `emails[type eq "work" and value eq "u777@contoso.example"]`} {
				q := w.query(w.set.User, source, f)
				b.Run(fmt.Sprintf("%v/%s", source != 0, f), func(b *testing.B) {
					reportCPU(b)
					for b.Loop() {
						if names, _ := w.find(q); len(names) != 1 {
							b.Fatal(names)
						}
					}
				})
			}
		}
	})
}

// BenchmarkList reads all users in pages of 1,000 by position; one operation is
// one user.
func BenchmarkList(b *testing.B) {
	benchEngines(b, func(b *testing.B, w *world) {
		w.load(20_000)
		for _, source := range []int64{0, w.source} {
			b.Run(fmt.Sprint("own=", source != 0), func(b *testing.B) {
				q := w.query(w.set.User, source, "")
				q.Limit = 1000
				reportCPU(b)
				for left := b.N; left > 0; left -= q.Limit {
					_, page := w.find(q)
					q.After = page.Next
				}
			})
		}
	})
}

// BenchmarkAddMember adds one member to groups of different size.
func BenchmarkAddMember(b *testing.B) {
	for _, size := range []int{1_000, 20_000} {
		b.Run(fmt.Sprint("size=", size), func(b *testing.B) {
			benchEngines(b, func(b *testing.B, w *world) {
				w.load(size)
				g, extra := w.group("large"), w.user("extra")
				var rids []int64
				w.update(func(tx store.Tx) error {
					_, err := tx.List(w.query(w.set.User, 0, ""), func(*store.Record) error { return nil })
					if err != nil {
						return err
					}
					if err := w.insert(tx, &extra, "ext-extra"); err != nil {
						return err
					}
					for rid := int64(1); rid < extra.RID; rid++ {
						rids = append(rids, rid)
					}
					if err := w.insert(tx, &g, "ext-large"); err != nil {
						return err
					}
					_, _, err = tx.ChangeMembers(w.tenant, g.RID, w.source, rids, nil)
					return err
				})
				i := 0
				for b.Loop() {
					i++
					w.update(func(tx store.Tx) error {
						add, remove := []int64{extra.RID}, []int64{}
						if i%2 == 0 {
							add, remove = remove, add
						}
						_, _, err := tx.ChangeMembers(w.tenant, g.RID, w.source, add, remove)
						return err
					})
				}
			})
		})
	}
}
