//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// row is one way of using a proxy. open makes what an operation starts from; a kept one is used again and again.
type row struct {
	name  string
	socks bool
	kept  bool
	open  func(c net.Conn, origin string) error
	plain bool // the request goes to the proxy itself
}

func rows() []row {
	return []row{
		{name: "plain, kept", kept: true, plain: true},
		{name: "plain, new", plain: true},
		{name: "CONNECT, new", open: connectTunnel},
		{name: "inside a tunnel", kept: true, open: connectTunnel},
		{name: "SOCKS5, new", socks: true, open: connectSOCKS},
	}
}

// originBody is what the origin answers, in bytes.
const originBody = 1024

// startOrigin answers every request with the same kilobyte. Each measurement has one of its own: ports that connections to the last one still
// hold would cost the next.
func startOrigin() (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(originBody)+"\r\n\r\n"), bytes.Repeat([]byte("x"), originBody)...)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 {
						if _, err := c.Write(answer); err != nil {
							return
						}
					}
				}
			})
		}
	})
	return l.Addr().String(), func() { _ = l.Close() }, nil
}

// load is what n clients got out of a proxy.
type load struct {
	answers   int
	perSecond float64
	p99       time.Duration
}

// drive keeps n clients busy for a while.
func drive(ctx context.Context, r row, proxy, origin string, n int, span time.Duration) (load, error) {
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	times := make([][]time.Duration, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	began := time.Now()
	for i := range n {
		all.Go(func() { times[i], errs[i] = r.client(ctx, proxy, origin) })
	}
	all.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return load{}, fmt.Errorf("%s through %s: %w", r.name, proxy, err)
		}
	}
	flat := slices.Concat(times...)
	if len(flat) == 0 {
		return load{}, fmt.Errorf("%s through %s: nothing was answered in %s", r.name, proxy, span)
	}
	slices.Sort(flat)
	return load{len(flat), float64(len(flat)) / took.Seconds(), flat[len(flat)*99/100]}, nil
}

func (r row) client(ctx context.Context, proxy, origin string) (times []time.Duration, err error) {
	target := "/"
	if r.plain {
		target = "http://" + origin + "/"
	}
	last := ""
	if !r.kept {
		last = "Connection: close\r\n"
	}
	ask := []byte("GET " + target + " HTTP/1.1\r\nHost: " + origin + "\r\nUser-Agent: bench\r\nAccept: */*\r\n" + last + "\r\n")
	var c net.Conn
	in := bufio.NewReader(nil)
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for ctx.Err() == nil {
		began := time.Now()
		if c == nil {
			if c, err = net.Dial("tcp", proxy); err != nil {
				return nil, err
			}
			if r.open != nil {
				if err := r.open(c, origin); err != nil {
					return nil, err
				}
			}
			in.Reset(c)
		}
		if _, err := c.Write(ask); err != nil {
			return nil, err
		}
		if err := readAnswer(in); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
		if !r.kept {
			_ = c.Close()
			c = nil
		}
	}
	return times, nil
}

// readAnswer takes an answer with a known length.
func readAnswer(in *bufio.Reader) error {
	size := -1
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			return fmt.Errorf("answer is %q", line)
		}
		if len(line) == 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if size != originBody {
		return fmt.Errorf("answer has a length of %d, want %d", size, originBody)
	}
	_, err := in.Discard(size)
	return err
}

func connectTunnel(c net.Conn, origin string) error {
	if _, err := io.WriteString(c, "CONNECT "+origin+" HTTP/1.1\r\nHost: "+origin+"\r\n\r\n"); err != nil {
		return err
	}
	head := make([]byte, 0, 256)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b := make([]byte, cap(head)-len(head))
		n, err := c.Read(b)
		if err != nil || n == 0 {
			return fmt.Errorf("read answer to CONNECT: %w", err)
		}
		head = append(head, b[:n]...)
	}
	if !bytes.Contains(head, []byte(" 200 ")) {
		return fmt.Errorf("answer to CONNECT is %q", head)
	}
	return nil
}

func connectSOCKS(c net.Conn, origin string) error {
	at, err := net.ResolveTCPAddr("tcp", origin)
	if err != nil {
		return err
	}
	if _, err := c.Write([]byte{5, 1, 0}); err != nil {
		return err
	}
	var b [10]byte
	if _, err := io.ReadFull(c, b[:2]); err != nil {
		return err
	}
	ask := append(append([]byte{5, 1, 0, 1}, at.IP.To4()...), byte(at.Port>>8), byte(at.Port))
	if _, err := c.Write(ask); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, b[:]); err != nil || b[1] != 0 {
		return fmt.Errorf("SOCKS answers % x, %w", b, err)
	}
	return nil
}

// cpuOf is the CPU time that a process has used so far; zero when it cannot be told.
func cpuOf(pid int) time.Duration {
	var t unix.Timespec
	// The clock of another process, see clock_getcpuclockid(3): its number inverted above three bits, of which 2 is the scheduler's.
	if unix.ClockGettime(int32(^pid<<3|2), &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
