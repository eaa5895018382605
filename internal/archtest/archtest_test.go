package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// layers says which packages of ours each package may import. The longest prefix
// decides; a package may always import those below its own folder and its parent.
var layers = []struct {
	pkg  string
	may  []string
	note string
}{
	{"event", nil, "vocabulary: imports nothing of ours"},
	{"policy", []string{"event", "policy"}, "decisions are functions of recorded facts"},
	{"bus", []string{"event"}, ""},
	{"bus/bustest", []string{"internal/certtest"}, "servers for tests, and is not linked"},
	{"ledger", []string{"event"}, ""},
	{"executor/approval", []string{"event", "policy"}, ""},
	{"executor/hook", nil, "words of Codex; knows no event of ours"},
	{"executor/sandbox", []string{"event", "policy", "executor/sandbox"}, ""},
	{"executor/netproxy", []string{"event", "policy"}, ""},
	{"executor/tool", []string{"event", "policy", "executor/sandbox", "executor/tool"}, ""},
	{"executor", []string{"event", "policy", "executor", "internal/responses"}, ""},
	{"reviewer", []string{"event", "policy", "reviewer", "internal/responses", "internal/redact"}, ""},
	{"exporters", []string{"event", "exporters", "internal/redact"}, ""},
	{"replay", []string{"event", "replay", "policy"}, ""},
	{"internal/config", []string{"event", "policy"}, ""},
	{"internal/redact", []string{"event"}, ""},
	{"internal/rulefile", []string{"policy"}, ""},
	{"internal/responses", nil, ""},
	{"internal/fakemodel", nil, ""},
	{"internal/otlpsink", nil, ""},
	{"internal/codex", []string{"event", "policy", "executor", "internal/config", "internal/responses", "internal/codexhook"}, ""},
	{"internal/codexhook", nil, "answers hooks of Codex; the front links it"},
	{"internal/archtest", nil, ""},
	{"internal/certtest", nil, "for tests, and is not linked"},
	{"internal/compareotel", []string{"internal/fakemodel", "internal/otlpsink"}, "runs both programs, and is not linked"},
	{"internal/mutate", nil, "runs tests, and is not linked"},
	{"internal/bench", []string{"internal/fakemodel", "event", "bus", "ledger", "executor", "policy", "internal/responses", "internal/app", "internal/config"}, "measures, and is not linked"},
	{"internal/cli", []string{"event", "executor/sandbox", "internal/config"}, "what every command stands on"},
	{"internal/front", []string{"internal/cli"}, ""},
	{"internal/terms", []string{"event", "policy", "executor/sandbox", "internal/config", "internal/cli"}, "what a configuration lays down for commands"},
	{"internal/unrecorded", []string{
		"event", "policy", "executor/approval", "executor/sandbox", "replay", "reviewer", "internal/config", "internal/cli", "internal/terms", "internal/codexhook",
	}, "commands that keep no record: see TestTheFrontIsLight"},
	{"internal/app", []string{
		"event", "policy", "bus", "ledger", "executor", "reviewer", "exporters", "replay",
		"internal/config", "internal/cli", "internal/terms", "internal/redact", "internal/responses", "internal/rulefile", "internal/fakemodel", "internal/otlpsink", "internal/codex", "internal/codexhook",
	}, "the one place that sees all adapters"},
	{"cmd/proctor", []string{"internal/app", "internal/unrecorded", "internal/cli", "internal/front", "internal/config", "executor/sandbox/backend"}, "backend: its helpers must run before anything else"},
}

// containment says which packages may import a third-party module or a part of
// the standard library; nobody else may.
var containment = []struct {
	path string
	only []string
}{
	{"github.com/nats-io/", []string{"bus"}},
	{"github.com/cockroachdb/", []string{"ledger"}},
	{"golang.org/x/mod/sumdb", []string{"ledger"}},
	{"go.opentelemetry.io/", []string{"exporters/otlp", "internal/otlpsink", "internal/codex/intake"}},
	{"google.golang.org/grpc", []string{"exporters/otlp", "internal/otlpsink", "internal/codex/intake"}},
	{"go.starlark.net", []string{"policy/execrules"}},
	{"github.com/pelletier/go-toml", []string{"internal/config"}},
	{"github.com/spf13/", []string{"cmd/proctor"}},
	{"mvdan.cc/sh", []string{"policy/command", "executor/tool/shell"}},
	{"github.com/landlock-lsm/", []string{"executor/sandbox/landlock"}},
	{"github.com/elastic/go-seccomp-bpf", []string{"executor/sandbox/seccomp"}},
	{"github.com/creack/pty", []string{"executor/sandbox"}},
	{"github.com/modelcontextprotocol/", []string{"executor/tool/mcp"}},
	{"golang.org/x/net/websocket", []string{"internal/codex/execserver"}},
	{"github.com/klauspost/compress/", []string{"internal/codex", "ledger"}},
}

// pure packages may not reach the world: what they decide is decided again in replay.
var pure = map[string][]string{"policy": {"os", "net", "time", "os/exec", "net/http", "syscall"}}

type pkg struct {
	ImportPath, Dir, Doc          string
	Imports, TestImports, GoFiles []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,TestImports,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, "proctor/")
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 20 {
		t.Fatalf("go list found %d packages only", len(pkgs))
	}
	return pkgs
}

func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		best := -1
		for i, l := range layers {
			if under(p.ImportPath, l.pkg) && (best < 0 || len(l.pkg) > len(layers[best].pkg)) {
				best = i
			}
		}
		if best < 0 {
			t.Errorf("%s stands in no layer: add a line to the table", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			own, ours := strings.CutPrefix(imp, "proctor/")
			if !ours || under(own, layers[best].pkg) {
				continue
			}
			if !slices.ContainsFunc(layers[best].may, func(dir string) bool { return under(own, dir) }) {
				t.Errorf("%s imports %s, which %s may not", p.ImportPath, own, layers[best].pkg)
			}
		}
	}
}

func TestContainment(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			for _, c := range containment {
				if strings.HasPrefix(imp, c.path) && !slices.ContainsFunc(c.only, func(dir string) bool { return under(p.ImportPath, dir) }) {
					t.Errorf("%s imports %s; only %s may", p.ImportPath, imp, strings.Join(c.only, ", "))
				}
			}
			for dir, forbidden := range pure {
				if under(p.ImportPath, dir) && slices.Contains(forbidden, imp) {
					t.Errorf("%s imports %s: decisions are functions of recorded facts", p.ImportPath, imp)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles) > 0 && len(p.Doc) < 20 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// bareGo is how many bare go statements a file may have, and why.
var bareGo = map[string]string{
	"internal/cli/signal.go":         "wait for signals and forward them; stop ends both",
	"internal/app/exec.go":           "watches the ledger; stop ends it",
	"ledger/health.go":               "guards Pebble, which may never return after a failure",
	"ledger/close.go":                "waits for Pebble, which may never come back after a failure",
	"reviewer/human/terminal.go":     "reads the terminal; a read cannot be interrupted",
	"executor/sandbox/denial/act.go": "opens a named pipe for the command; the open ends when somebody is at its other end, or with the process",
}

var goStatement = regexp.MustCompile(`(?m)^\s*go (func\b|[a-zA-Z_.]+\()`)

func TestBareGoStatementsAreListed(t *testing.T) {
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := len(goStatement.FindAll(text, -1)); n > 0 && bareGo[rel] == "" {
			t.Errorf("%s has %d bare go statements: wait for them with a WaitGroup, or list the file here with the reason", rel, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
