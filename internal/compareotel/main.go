package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == mcpArgument {
		if err := serveMCP(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "compareotel:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	unlisted, err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "compareotel:", err)
		os.Exit(2)
	case unlisted > 0:
		os.Exit(1)
	}
}

// run returns how many differences no row explains.
func run(ctx context.Context, args []string, out io.Writer) (int, error) {
	flags := flag.NewFlagSet("compareotel", flag.ContinueOnError)
	ours := flags.String("proctor", "bin/proctor", "the `program` to compare")
	codex := flags.String("codex", cmp.Or(os.Getenv("CODEX"), "codex"), "the real CLI")
	doc := flags.String("doc", "doc/compatibility.md", "the document whose rows explain differences")
	only := flags.String("scenario", "", "run this scenario alone")
	verbose := flags.Bool("v", false, "also print what is the same, attribute by attribute")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	rows, err := readRows(*doc)
	if err != nil {
		return 0, err
	}
	scenarios, err := readScenarios(*only)
	if err != nil {
		return 0, err
	}
	programs := []program{{name: "CLI", path: *codex}, {name: "proctor", path: *ours}}
	for i := range programs {
		found, err := exec.LookPath(programs[i].path)
		if err != nil {
			return 0, fmt.Errorf("find %s: %w", programs[i].name, err)
		}
		if programs[i].path, err = filepath.Abs(found); err != nil {
			return 0, err
		}
	}
	all := [2]shapes{{}, {}}
	for _, s := range scenarios {
		for i, p := range programs {
			seen, err := p.play(ctx, s)
			if err != nil {
				return 0, fmt.Errorf("scenario %s, %s: %w", s.Name, p.name, err)
			}
			_, _ = fmt.Fprintf(out, "%-10s %-8s %4d log records, %4d metric points, status %d\n", s.Name, p.name, seen.records, seen.points, seen.status)
			all[i].add(seen.shapes)
		}
	}
	_, _ = fmt.Fprintln(out)
	return report(out, all[0], all[1], rows, *verbose), nil
}
