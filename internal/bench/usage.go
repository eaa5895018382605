//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sample is one measurement. Zero fields were not measured.
type sample struct {
	wall, cpu, first time.Duration
	calls            []time.Duration
	// largest is the peak resident set of the largest process, tree the peak of all together with shared pages
	// counted in shares; both in bytes.
	largest, tree int64
}

// adoptOrphans makes this process the parent of what its children leave behind, so that its CPU time is counted.
func adoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// clocked runs cmd to its end.
func clocked(cmd *exec.Cmd, memory bool) (s sample, err error) {
	before := childTime()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	var watching sync.WaitGroup
	stop := make(chan struct{})
	if memory {
		watching.Go(func() { s.tree = watch(stop) })
	}
	err = cmd.Wait()
	s.wall = time.Since(began)
	close(stop)
	watching.Wait()
	reap()
	s.cpu = childTime() - before
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.largest = u.Maxrss << 10
	}
	if memory {
		s.wall, s.cpu = 0, 0
	}
	return s, err
}

// reap collects orphans; a helper that stays longer is left alone and its time goes to nobody.
func reap() {
	deadline := time.Now().Add(2 * time.Second)
	for time.Now().Before(deadline) {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR) || pid > 0:
		case err != nil: // no child left
			return
		default:
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func childTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_CHILDREN, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watch returns the highest sum of proportional set sizes below this process until stop.
func watch(stop <-chan struct{}) (peak int64) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-tick.C:
			var sum int64
			for _, pid := range descendants(os.Getpid()) {
				sum += proportional(pid)
			}
			peak = max(peak, sum)
		}
	}
}

// descendants lists the processes below pid.
func descendants(pid int) (out []int) {
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, t := range tasks {
		b, _ := os.ReadFile(t)
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				out = append(append(out, child), descendants(child)...)
			}
		}
	}
	return out
}

func proportional(pid int) int64 {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	_, rest, _ := strings.Cut(string(b), "\nPss:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(f[0], 10, 64)
	return kb << 10
}

// repeat runs a command n times; the sample is the mean of one.
func repeat(ctx context.Context, n int, name string, args ...string) (s sample, err error) {
	before, began := childTime(), time.Now()
	for range n {
		if err := exec.CommandContext(ctx, name, args...).Run(); err != nil {
			return s, err
		}
	}
	return sample{wall: time.Since(began) / time.Duration(n), cpu: (childTime() - before) / time.Duration(n)}, nil
}
