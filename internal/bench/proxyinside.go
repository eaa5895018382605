//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// confinedDrive is what a confined process does: it drives the proxy that its environment names.
type confinedDrive struct {
	Row, Clients int
	Origin       string
	Span         time.Duration
}

// confinedLoad is what it prints.
type confinedLoad struct {
	Answers   int
	PerSecond float64
	P99       time.Duration
}

const confinedArg = "drive-confined"

// confinedFlag returns what to do when this process was started for it.
func confinedFlag() func() {
	if len(os.Args) != 3 || os.Args[1] != confinedArg {
		return nil
	}
	return func() {
		if err := driveConfined(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench confined:", err)
			os.Exit(1)
		}
	}
}

func driveConfined(what string) error {
	var d confinedDrive
	if err := json.Unmarshal([]byte(what), &d); err != nil {
		return err
	}
	row := rows()[d.Row]
	name := "HTTP_PROXY"
	if row.socks {
		name = "ALL_PROXY"
	}
	at, err := url.Parse(os.Getenv(name))
	if err != nil || at.Host == "" {
		return fmt.Errorf("%s is %q; expected the address of a proxy", name, os.Getenv(name))
	}
	// A few requests first, so that neither side is measured while it starts.
	if _, err := drive(context.Background(), row, at.Host, d.Origin, d.Clients, d.Span/5); err != nil {
		return err
	}
	got, err := drive(context.Background(), row, at.Host, d.Origin, d.Clients, d.Span)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(confinedLoad{got.answers, got.perSecond, got.p99})
}

// proxied is one configuration for everybody: commands reach loopback, through the proxy.
const proxied = `default_permissions = "bench"
check_for_update_on_startup = false
[analytics]
enabled = false
[permissions.bench]
extends = ":workspace"
[permissions.bench.network]
enabled = true
[permissions.bench.network.domains]
"127.0.0.1" = "allow"
[features.network_proxy]
enabled = true
[features.network_proxy.domains]
"127.0.0.1" = "allow"
`

const (
	recorded   = "proctor run"
	unrecorded = "proctor sandbox"
	realCodex  = "codex sandbox"
)

// networkTasks drive the proxy from inside the sandbox: with every decision durable in the ledger before its connection is made, and without
// a record, as the real codex does it.
func (s settings) networkTasks(ctx context.Context, r *results) ([]task, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	starts := []struct {
		name, binary string
		args         []string
	}{
		{recorded, s.proctor, []string{"run", "--"}},
		{unrecorded, s.proctor, []string{"sandbox", "-P", "bench", "--"}},
		{realCodex, s.codex, []string{"sandbox", "-P", "bench", "--"}},
	}
	var tasks []task
	for i, row := range rows() {
		for _, n := range proxyClients {
			for _, c := range starts {
				if c.binary == "" {
					continue
				}
				w := world{dir: filepath.Join(s.dir, "network", c.name), backend: "native"}
				if err := w.prepare(ctx); err != nil {
					return nil, err
				}
				if err := os.WriteFile(filepath.Join(w.dir, "home", "config.toml"), []byte(proxied), 0o600); err != nil {
					return nil, err
				}
				args := slices.Concat(c.args, []string{self, confinedArg})
				tasks = append(tasks, task{proxyName(c.name, row, n), func(ctx context.Context) (sample, error) {
					return w.drives(ctx, c.binary, args, confinedDrive{Row: i, Clients: n, Span: s.span})
				}})
			}
		}
	}
	return tasks, nil
}

// drives starts a confined process once; wall is the time from one answer to the next over all clients, first the 99th percentile.
func (w world) drives(ctx context.Context, binary string, args []string, what confinedDrive) (sample, error) {
	origin, stop, err := startOrigin()
	if err != nil {
		return sample{}, err
	}
	defer stop()
	what.Origin = origin
	b, err := json.Marshal(what)
	if err != nil {
		return sample{}, err
	}
	cmd := w.command(ctx, "", binary, slices.Concat(args, []string{string(b)})...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, stderr.String())
	}
	var got confinedLoad
	if err := json.Unmarshal(out, &got); err != nil {
		return sample{}, fmt.Errorf("%w: %q, %s", err, out, stderr.String())
	}
	if got.Answers == 0 {
		return sample{}, errors.New("nothing was answered")
	}
	return sample{wall: time.Duration(float64(time.Second) / got.PerSecond), first: got.P99}, nil
}

func (r *results) printNetwork(w io.Writer, s settings) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "from inside the sandbox, %d interleaved rounds of %s; medians: requests a second and p99 in microseconds, ratios (rate: more is better; p99: less)\n\n", s.rounds, s.span)
	fmt.Fprintf(t, "row\tclients\t%s\t%s\t%s\trate %s : codex\tp99\trate %s : codex\tp99\n", recorded, unrecorded, realCodex, recorded, unrecorded)
	for _, row := range rows() {
		for _, n := range proxyClients {
			fmt.Fprintf(t, "%s\t%d", row.name, n)
			codex := proxyName(realCodex, row, n)
			for _, c := range []string{recorded, unrecorded, realCodex} {
				name := proxyName(c, row, n)
				if len(r.samples[name]) == 0 {
					fmt.Fprint(t, "\t-")
					continue
				}
				fmt.Fprintf(t, "\t%.0f, %d", 1e9/float64(median(r.column(name, wall))), median(r.column(name, first)).Microseconds())
			}
			for _, c := range []string{recorded, unrecorded} {
				name := proxyName(c, row, n)
				fmt.Fprint(t, r.quotient(codex, name, wall), r.quotient(name, codex, first))
			}
			fmt.Fprintln(t)
		}
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}
