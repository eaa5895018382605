package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"proctor/bus/bustest"
	"proctor/executor/sandbox/backend"
)

// TestMain serves four kinds of process: launchers of the sandbox, NATS servers, the command proctor that scripts run, and the tests.
func TestMain(m *testing.M) {
	backend.Main()
	bustest.Main()
	testscript.Main(leakChecked{m}, programs)
}

// programs are what scripts run beside the machine's own.
var programs = map[string]func(){"proctor": whole, "proctor-full": whole, "mcpserver": mcpServer}

func whole() { os.Exit(int(run())) }

// leakChecked fails when tests leave goroutines behind.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var update = flag.Bool("update", false, "rewrite the expected files of scripts")

// TestScripts is the acceptance suite: testdata/script/README says how to write one.
func TestScripts(t *testing.T) { testscript.Run(t, scripts(t)) }

// scripts are the acceptance suite, in a folder of its own.
func scripts(t *testing.T) testscript.Params {
	t.Helper()
	// Not below the temporary folder: that is writable for confined commands, and most of a script's files must not be.
	root, err := os.MkdirTemp("/var/tmp", "proctor-script-")
	if err != nil {
		t.Fatal(err)
	}
	if f := flag.Lookup("testwork"); f == nil || f.Value.String() != "true" {
		t.Cleanup(func() {
			if err := os.RemoveAll(root); err != nil {
				t.Errorf("remove the folders of the scripts: %v", err)
			}
		})
	}
	return testscript.Params{
		Dir: "testdata/script", WorkdirRoot: root, Setup: setup, Cmds: commands, Condition: condition,
		UpdateScripts: *update, RequireUniqueNames: true,
	}
}

// commands are those that scripts have beyond the standard ones; README lists them.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"exits": cmdExits, "within": cmdWithin, "start": cmdStart, "signal": cmdSignal, "finish": cmdFinish,
	"kill-after": cmdKillAfter, "wait-file": cmdWaitFile, "no-process": cmdNoProcess, "flip-byte": cmdFlipByte,
	"fakemodel": cmdFakemodel, "model-done": cmdModelDone, "requests": cmdRequests, "wait-requests": cmdWaitRequests,
	"witness": cmdWitness, "witness-fault": cmdWitnessFault, "authority": cmdAuthority, "authority-fault": cmdAuthorityFault, "authority-asked": cmdAuthorityAsked,
	"sink": cmdSink, "sink-fault": cmdSinkFault, "sink-count": cmdSinkCount, "sink-distinct": cmdSinkDistinct, "sink-points": cmdSinkPoints, "sink-spans": cmdSinkSpans, "sink-requests": cmdSinkRequests, "sink-complete": cmdSinkComplete,
	"sink-nowhere": cmdSinkNowhere, "siem-complete": cmdSiemComplete, "kill-export": cmdKillExport,
	"json-count": cmdJSONCount, "json-values": cmdJSONValues, "same-value": cmdSameValue, "json-text": cmdJSONText, "same-turn": cmdSameTurn, "supervised": cmdSupervised, "clean": cmdClean,
	"big-file": cmdBigFile, "mcp-http": cmdMCPHTTP, "website": cmdWebsite, "unixsite": cmdUnixsite, "nowhere": cmdNowhere,
}

// setup gives a script homes, a repository to work in, and a name that its processes can be found by.
func setup(env *testscript.Env) error {
	w := env.WorkDir
	doc, err := filepath.Abs("../../doc")
	if err != nil {
		return err
	}
	vars := [][2]string{
		{"HOME", w + "/home"}, {"CODEX_HOME", w + "/codex"}, {"PROCTOR_HOME", w + "/state"},
		{"XDG_STATE_HOME", ""}, {"XDG_CONFIG_HOME", ""}, {"LANG", "C.UTF-8"}, {"TERM", "dumb"}, {"TZ", "UTC"}, {"SHELL", "/bin/bash"},
		{"GIT_CONFIG_NOSYSTEM", "1"}, {"GIT_CONFIG_GLOBAL", "/dev/null"},
		{"GIT_AUTHOR_NAME", "tester"}, {"GIT_AUTHOR_EMAIL", "tester@example.com"},
		{"GIT_COMMITTER_NAME", "tester"}, {"GIT_COMMITTER_EMAIL", "tester@example.com"},
		{"MARK", "mark-" + uuid.NewString()}, {"CODEX", codexCLI()}, {"UNSHARE", unshare()}, {"DOC", doc},
		{"RUSTUP_HOME", cmp.Or(os.Getenv("RUSTUP_HOME"), filepath.Join(os.Getenv("HOME"), ".rustup"))}, // cargo may be a shim of rustup
	}
	for _, v := range vars {
		env.Setenv(v[0], v[1])
	}
	for _, dir := range []string{"home", "codex", "repo/.git/objects", "repo/.git/refs"} {
		if err := os.MkdirAll(filepath.Join(w, dir), 0o700); err != nil {
			return err
		}
	}
	env.Cd = filepath.Join(w, "repo")
	env.Values[worldKey{}] = newWorld(env)
	return os.WriteFile(filepath.Join(w, "repo", ".git", "HEAD"), []byte("ref: refs/heads/main\n"), 0o600)
}

// unshare is the command that starts another in mount namespace of its own.
func unshare() string {
	if os.Getuid() == 0 {
		return "unshare -m"
	}
	return "unshare -rm"
}

// codexCLI is the installed Codex CLI, or empty.
func codexCLI() string {
	path, err := exec.LookPath(cmp.Or(os.Getenv("CODEX"), "codex"))
	if err != nil {
		return ""
	}
	return path
}

func condition(word string) (bool, error) {
	if program, ok := strings.CutPrefix(word, "runs:"); ok { // more than installed: a shim of a version manager may lead nowhere
		return exec.Command(program, "--version").Run() == nil, nil
	}
	switch word {
	case "codex": // the real CLI, of $CODEX or PATH
		return codexCLI() != "", nil
	case "cargo": // one that knows sparse registries
		out, _ := exec.Command("cargo", "--version").Output()
		var minor int
		n, _ := fmt.Sscanf(string(out), "cargo 1.%d.", &minor)
		return n == 1 && minor >= 70, nil
	case "root":
		return os.Getuid() == 0, nil
	case "mountns": // may mount a tmpfs in a namespace of its own
		return exec.Command("sh", "-c", unshare()+" mount -t tmpfs none /mnt").Run() == nil, nil
	}
	return false, errors.New("unknown condition " + word)
}
