//go:build linux

package backend_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"proctor/executor/sandbox"
)

// Programs that people use every day do their work unmodified in workspace-write.
func TestProgramsWork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds with empty caches take long")
	}
	compiled := t.TempDir()
	cases := []struct{ needs, setup, script string }{
		{"node", "", `node -e 'require("child_process").execSync("true"); new (require("worker_threads").Worker)("1", {eval: true})'`},
		{"npm", `mkdir dep js; echo '{"name":"dep","version":"1.0.0"}' > dep/package.json
echo '{"name":"app","version":"1.0.0","dependencies":{"dep":"file:../dep"}}' > js/package.json`,
			"cd js && npm install --offline --no-audit --no-fund && test -e node_modules/dep/package.json"},
		// The standard library is compiled once, outside: what is tested is the build of a program, not the machine.
		{"go", "git init -q m; cd m; printf 'module m\ngo 1.24\n' > go.mod; printf 'package main\nfunc main(){println(1)}\n' > main.go; " +
			"export GOFLAGS= CGO_ENABLED=0 GOCACHE=" + compiled + "; go build -o /dev/null . && go vet . && cp -R " + compiled + " ../.gc; echo 'func init(){}' >> main.go; " +
			"git add .; git -c user.name=a -c user.email=a@b commit -qm m", // go build asks the nearest repository, which may be any folder named .git above
			"cd m && go build -o x . && ./x && go vet ."},
		{"cargo", "mkdir -p c/src; cd c; printf '[package]\nname=\"c\"\nversion=\"0.1.0\"\nedition=\"2021\"\n' > Cargo.toml; echo 'fn main(){}' > src/main.rs",
			"cd c && cargo build --offline && target/debug/c"},
		{"make", "printf 'b: a\n\tcp a b\n' > Makefile; touch a", "make -j4 && test -e b"},
		{"python3", `cat > mp.py <<'X'
import multiprocessing as m
def f(x): return x * x
if __name__ == "__main__":
    assert m.Pool(4).map(f, range(9))[8] == 64
    q = m.Queue(); w = m.Process(target=q.put, args=(1,)); w.start(); assert q.get() == 1; w.join()
X`, "python3 mp.py && python3 -m venv --without-pip v && v/bin/python -c 1"},
		{"script", "", "script -qec 'test -t 0 && tty' /dev/null"},
		{"git", "git init -q $OUT/o; cd $OUT/o; echo x > f; git add f; git -c user.name=a -c user.email=a@b commit -qm m",
			"git clone -q --no-hardlinks $OUT/o sub && cd sub && echo y > g && git add g && git -c user.name=a -c user.email=a@b commit -qm n"},
	}
	eachBackend(t, func(t *testing.T, b box) {
		for _, c := range cases {
			if _, err := exec.LookPath(c.needs); err != nil {
				t.Logf("missing capability: %s is not installed", c.needs)
				continue
			}
			if b.lacks(c.needs) {
				continue
			}
			if c.setup != "" {
				host(t, b, c.setup)
			}
			s := b.spec(t, b.request(), "/bin/sh", "-c", c.script)
			s.Limits = sandbox.DefaultLimits()
			for name, value := range map[string]string{"HOME": b.ws, "TMPDIR": b.ws, "GOCACHE": b.ws + "/.gc", "GOPROXY": "off", "GOFLAGS": "", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local",
				"CARGO_HOME": b.ws + "/.cargo", "RUSTUP_HOME": rustup(), "npm_config_cache": b.ws + "/.npm"} {
				s.Env = append(s.Env, name+"="+value)
			}
			if r := b.run(t, s); r.ExitCode != 0 {
				t.Errorf("%s: exit %d, stdout %s, stderr %s, denials %+v", c.needs, r.ExitCode, r.stdout, r.stderr, r.denials)
			}
		}
	})
}

func rustup() string {
	if dir := os.Getenv("RUSTUP_HOME"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil || strings.HasPrefix(home, "/nonexistent") {
		return "/usr/local/rustup"
	}
	return home + "/.rustup"
}
