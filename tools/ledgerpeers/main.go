//go:build linux

// Command ledgerpeers writes records durably with what a ledger might have been built on, for internal/bench. It opens one store of each in
// the folder it is given and then answers lines on its standard input: "SYSTEM WRITERS SPAN SIZE" gives "RECORDS NANOSECONDS P50 CPU",
// the last three in nanoseconds, or "error: ...". Each writer waits until its record is on the disk before it writes the next.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// write stores one record durably; i is the writer, n counts its records.
type write func(ctx context.Context, i int, n uint64, record []byte) error

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ledgerpeers FOLDER")
		os.Exit(2)
	}
	ctx := context.Background()
	systems := map[string]write{}
	for name, open := range map[string]func(context.Context, string) (write, error){
		"pebble": openPebble, "sqlite": openSQLite, "immudb": openImmudb, "tessera": openTessera, "jetstream": openJetStream,
	} {
		dir := filepath.Join(os.Args[1], name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			fmt.Fprintln(os.Stderr, "ledgerpeers:", err)
			os.Exit(1)
		}
		w, err := open(ctx, dir)
		if err != nil {
			w = func(context.Context, int, uint64, []byte) error { return err }
		}
		systems[name] = w
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	var next uint64 // records of all rounds have different numbers
	for in.Scan() {
		var name, span string
		var writers, size int
		if _, err := fmt.Sscan(in.Text(), &name, &writers, &span, &size); err != nil {
			fmt.Println("error:", err)
			continue
		}
		d, err := time.ParseDuration(span)
		w := systems[name]
		if err != nil || w == nil || writers < 1 {
			fmt.Println("error: no such system or span:", in.Text())
			continue
		}
		answer, err := drive(ctx, w, writers, d, size, &next)
		if err != nil {
			fmt.Println("error:", err)
			continue
		}
		fmt.Println(answer)
	}
}

func drive(ctx context.Context, w write, writers int, span time.Duration, size int, next *uint64) (string, error) {
	const room = 1 << 40
	*next += room
	times, errs := make([][]time.Duration, writers), make([]error, writers)
	var all sync.WaitGroup
	before, began := used(), time.Now()
	for i := range writers {
		record := make([]byte, size)
		_, _ = rand.Read(record) // contents are encrypted in the ledger: nobody may gain by compressing
		all.Go(func() {
			for n := uint64(0); ; n++ {
				start := time.Now()
				if start.Sub(began) >= span {
					return
				}
				if errs[i] = w(ctx, i, *next+n, record); errs[i] != nil {
					return
				}
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	all.Wait()
	took, cpu := time.Since(began), used()-before
	for _, err := range errs {
		if err != nil {
			return "", err
		}
	}
	flat := slices.Concat(times...)
	slices.Sort(flat)
	return fmt.Sprint(len(flat), took.Nanoseconds(), flat[len(flat)/2].Nanoseconds(), cpu.Nanoseconds()), nil
}

func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
