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

// work is a program that writes many files, confined with everything recorded and with nothing recorded.
type work struct{ name, prepare, run string }

// works are scripts. The first part makes what is built, cloned or installed, outside of the clock; SRC is where it may do so.
func works() []work {
	return []work{
		{"go build, cold cache", `mkdir -p "$SRC/gomod" && cd "$SRC/gomod" && printf 'module m\n\ngo 1.21\n' >go.mod
for i in $(seq 1 40); do mkdir -p p$i; { echo "package p$i"; for j in $(seq 1 60); do echo "func F$j(a, b int) (int, string) { if a > b { return a - b, \"x\" }; return a*$j + b, \"y$j\" }"; done; } >p$i/p.go; done
{ echo 'package main'; echo 'import ('; for i in $(seq 1 40); do echo "\"m/p$i\""; done; echo ')'; echo 'func main() {'; for i in $(seq 1 40); do echo "p$i.F1(1, 2)"; done; echo '}'; } >main.go`,
			`rm -rf go && cp -r "$SRC/gomod" go && cd go && GOCACHE=$PWD/cache GOFLAGS=-mod=mod CGO_ENABLED=0 go build -o bin . && cd .. && rm -rf go`},
		{"git clone, 5,000 files", `git init -q "$SRC/repo" && cd "$SRC/repo" && for d in $(seq 1 50); do mkdir d$d; for f in $(seq 1 100); do echo "$d $f" >d$d/f$f; done; done
git add -A && git -c user.name=b -c user.email=b@example.com commit -q -m all`,
			`rm -rf clone && git clone -q --no-hardlinks "$SRC/repo" clone && rm -rf clone`},
		{"npm install, local folder", `for i in $(seq 1 15); do mkdir -p "$SRC/npm/p$i"; echo "{\"name\":\"p$i\",\"version\":\"1.0.0\"}" >"$SRC/npm/p$i/package.json"; for f in $(seq 1 30); do echo "module.exports = $f" >"$SRC/npm/p$i/f$f.js"; done; done
mkdir -p "$SRC/npm/packed" && cd "$SRC/npm/packed" && for i in $(seq 1 15); do npm pack --silent ../p$i >/dev/null; done`,
			`rm -rf app && mkdir app && cd app && echo '{"name":"app","version":"1.0.0"}' >package.json && npm install --silent --no-audit --no-fund --offline --cache "$PWD/cache" "$SRC"/npm/packed/*.tgz && cd .. && rm -rf app`},
	}
}

func (s settings) workTasks(ctx context.Context, r *results) ([]task, error) {
	var tasks []task
	for _, w := range works() {
		tool, _, _ := strings.Cut(w.name, " ")
		if _, err := exec.LookPath(tool); err != nil {
			r.note(w.name + ": left out: " + err.Error())
			continue
		}
		source := filepath.Join(s.dir, "work", "src "+tool)
		if err := os.RemoveAll(source); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(source, 0o700); err != nil {
			return nil, err
		}
		prepare := exec.CommandContext(ctx, "sh", "-ec", w.prepare)
		prepare.Env = append(os.Environ(), "SRC="+source)
		if out, err := prepare.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("prepare %s: %w: %s", w.name, err, out)
		}
		for _, backend := range backends() {
			home := world{dir: filepath.Join(s.dir, "work", backend), backend: backend}
			if err := home.prepare(ctx); err != nil {
				return nil, err
			}
			for _, unsupervised := range []bool{false, true} {
				in := home.inside("workspace-write", "sh", "-ec", w.run)
				in.Env, in.Times, in.Unsupervised = append(in.Env, "SRC="+source), 1, unsupervised
				tasks = append(tasks, task{workName(w, backend, unsupervised), in.start})
			}
		}
	}
	return tasks, nil
}

func workName(w work, backend string, unsupervised bool) string {
	if unsupervised {
		return w.name + ", " + backend + ", nothing recorded"
	}
	return w.name + ", " + backend
}

func (r *results) printWork(w io.Writer, s settings) {
	slices.Sort(r.names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds, workspace-write; milliseconds as median (least)\n\n\twall\tCPU\n", s.rounds)
	for _, name := range r.names {
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, r.millis(name, wall), r.millis(name, cpu))
	}
	fmt.Fprintln(t, "\nrecorded : nothing recorded, median of the rounds\tmeasured\tgoal")
	for _, k := range works() {
		for _, b := range backends() {
			r.ratio(t, k.name+", "+b+", wall", "1.05", workName(k, b, false), workName(k, b, true), wall)
			r.ratio(t, k.name+", "+b+", CPU", "1.05", workName(k, b, false), workName(k, b, true), cpu)
		}
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}
