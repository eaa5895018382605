//go:build linux

package main

import (
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// groupCommit is the least that durable records cost: what waits is written to the end of one file and synced, for all at once.
type groupCommit struct {
	file    *os.File
	running sync.WaitGroup

	mu      sync.Mutex
	more    sync.Cond
	bytes   []byte       // guarded by mu, as all below
	waiting []chan error // one for each record in bytes
	closed  bool
}

func openGroupCommit(path string) (*groupCommit, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	g := &groupCommit{file: f}
	g.more.L = &g.mu
	g.running.Go(g.run)
	return g, nil
}

// run takes what waits, as the ledger's committer does: those that the last group woke come first.
func (g *groupCommit) run() {
	var spare []byte
	var woken []chan error
	for {
		runtime.Gosched()
		g.mu.Lock()
		for len(g.waiting) == 0 && !g.closed {
			g.more.Wait()
		}
		if len(g.waiting) == 0 {
			g.mu.Unlock()
			return
		}
		bytes, waiting := g.bytes, g.waiting
		g.bytes, g.waiting = spare[:0], woken[:0]
		g.mu.Unlock()
		err := g.alone(bytes)
		for _, w := range waiting {
			w <- err
		}
		spare, woken = bytes, waiting
	}
}

// alone writes and syncs.
func (g *groupCommit) alone(b []byte) error {
	if _, err := g.file.Write(b); err != nil {
		return err
	}
	return unix.Fdatasync(int(g.file.Fd()))
}

func (g *groupCommit) commit(record ...[]byte) error {
	answer := make(chan error, 1)
	g.mu.Lock()
	for _, part := range record {
		g.bytes = append(g.bytes, part...)
	}
	g.waiting = append(g.waiting, answer)
	g.more.Signal()
	g.mu.Unlock()
	return <-answer
}

func (g *groupCommit) close() {
	g.mu.Lock()
	g.closed = true
	g.more.Signal()
	g.mu.Unlock()
	g.running.Wait()
	_ = g.file.Close()
}

// driveRecords keeps writers busy for a while: wall and cpu of the sample are for one record, first is the median wait for one.
func driveRecords(write func(writer int) error, writers int, span time.Duration) (sample, error) {
	times, errs := make([][]time.Duration, writers), make([]error, writers)
	var all sync.WaitGroup
	before, began := ownTime(), time.Now()
	for i := range writers {
		all.Go(func() {
			for {
				start := time.Now()
				if start.Sub(began) >= span {
					return
				}
				if errs[i] = write(i); errs[i] != nil {
					return
				}
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	all.Wait()
	took, spent := time.Since(began), ownTime()-before
	for _, err := range errs {
		if err != nil {
			return sample{}, err
		}
	}
	flat := slices.Concat(times...)
	slices.Sort(flat)
	n := time.Duration(len(flat))
	return sample{wall: took / n, first: flat[len(flat)/2], cpu: spent / n}, nil
}

// ownTime is the CPU time of this process.
func ownTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
