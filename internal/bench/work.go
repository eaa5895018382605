//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// work is a program that writes many files, confined with everything recorded and with nothing recorded. All are scripts; SRC is
// where prepare, which runs once, may make what is built, cloned or installed. Before each run fresh puts the workspace in order,
// outside of the clock and of any sandbox.
type work struct{ name, prepare, fresh, run string }

// workBackend is measured: the one that is taken where there is a choice. Recording is the same in bwrap.
const workBackend = "native"

const cloneRepository = `git init -q "$SRC/repo" && cd "$SRC/repo" && for d in $(seq 1 50); do mkdir d$d; for f in $(seq 1 100); do echo "$d $f" >d$d/f$f; done; done
git add -A && git -c user.name=b -c user.email=b@example.com commit -q -m all`

func works() []work {
	return []work{
		{"go build, cold cache", `mkdir -p "$SRC/gomod" && cd "$SRC/gomod" && printf 'module m\n\ngo 1.21\n' >go.mod
for i in $(seq 1 20); do mkdir -p p$i; { echo "package p$i"; for j in $(seq 1 60); do echo "func F$j(a, b int) (int, string) { if a > b { return a - b, \"x\" }; return a*$j + b, \"y$j\" }"; done; } >p$i/p.go; done
{ echo 'package main'; echo 'import ('; for i in $(seq 1 20); do echo "\"m/p$i\""; done; echo ')'; echo 'func main() {'; for i in $(seq 1 20); do echo "p$i.F1(1, 2)"; done; echo '}'; } >main.go`,
			`rm -rf go && cp -r "$SRC/gomod" go`, `cd go && GOCACHE=$PWD/cache GOFLAGS=-mod=mod CGO_ENABLED=0 go build -o bin .`},
		{"git clone, 5,000 files", cloneRepository, `rm -rf clone`, `git clone -q --no-hardlinks "$SRC/repo" clone`},
		{"git clone, 5,000 files in a pack", cloneRepository + ` && git gc -q`, `rm -rf clone`, `git clone -q --no-hardlinks "$SRC/repo" clone`},
		{"npm install, local archives", `for i in $(seq 1 15); do mkdir -p "$SRC/npm/p$i"; echo "{\"name\":\"p$i\",\"version\":\"1.0.0\"}" >"$SRC/npm/p$i/package.json"; for f in $(seq 1 30); do echo "module.exports = $f" >"$SRC/npm/p$i/f$f.js"; done; done
mkdir -p "$SRC/npm/packed" && cd "$SRC/npm/packed" && for i in $(seq 1 15); do npm pack --silent ../p$i >/dev/null; done`,
			`rm -rf app && mkdir app && echo '{"name":"app","version":"1.0.0"}' >app/package.json`,
			`cd app && npm install --silent --no-audit --no-fund --offline --cache "$PWD/cache" "$SRC"/npm/packed/*.tgz`},
	}
}

func (s settings) workTasks(ctx context.Context, r *results) ([]task, error) {
	home := world{dir: filepath.Join(s.dir, "work"), backend: workBackend}
	if err := home.prepare(ctx); err != nil {
		return nil, err
	}
	var tasks []task
	for n, w := range works() {
		tool, _, _ := strings.Cut(w.name, " ")
		if _, err := exec.LookPath(tool); err != nil {
			r.note(w.name + ": left out: " + err.Error())
			continue
		}
		source := filepath.Join(s.dir, fmt.Sprintf("source %d", n))
		if err := os.RemoveAll(source); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(source, 0o700); err != nil {
			return nil, err
		}
		outside := func(ctx context.Context, script string) error {
			cmd := home.command(ctx, "", "sh", "-ec", script)
			cmd.Env = append(cmd.Env, "SRC="+source)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("prepare %s: %w: %s", w.name, err, out)
			}
			return nil
		}
		if err := outside(ctx, w.prepare); err != nil {
			return nil, err
		}
		for _, unsupervised := range []bool{false, true} {
			in := home.inside("workspace-write", "sh", "-ec", w.run)
			in.Env, in.Times, in.Unsupervised = append(in.Env, "SRC="+source), 1, unsupervised
			tasks = append(tasks, task{workName(w, unsupervised), func(ctx context.Context) (sample, error) {
				if err := outside(ctx, w.fresh); err != nil {
					return sample{}, err
				}
				return in.start(ctx)
			}})
		}
	}
	return tasks, nil
}

func workName(w work, unsupervised bool) string {
	if unsupervised {
		return w.name + ", nothing recorded"
	}
	return w.name
}

func (r *results) printWork(w io.Writer, s settings) {
	slices.Sort(r.names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds, workspace-write, %s; milliseconds as median (least)\n\n\twall\tCPU\n", s.rounds, workBackend)
	for _, name := range r.names {
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, r.millis(name, wall), r.millis(name, cpu))
	}
	fmt.Fprintln(t, "\nrecorded : nothing recorded, median of the rounds\tmeasured\tgoal")
	for _, k := range works() {
		r.ratio(t, k.name+", wall", "1.05", workName(k, false), workName(k, true), wall)
		r.ratio(t, k.name+", CPU", "1.05", workName(k, false), workName(k, true), cpu)
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}
