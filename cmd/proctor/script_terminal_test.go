package main

import (
	"cmp"
	"encoding/json"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	commands["terminal"], commands["shows"], commands["types"], commands["hangs-up"] = cmdTerminal, cmdShows, cmdTypes, cmdHangsUp
	commands["waiting"], commands["first-id"] = cmdWaiting, cmdFirstID
}

// screen is what a program wrote to its terminal. What was seen by shows is not seen again.
type screen struct {
	close func()
	write func(string) error

	mu   sync.Mutex
	text strings.Builder
	seen int
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// find moves past the first match after what was seen.
func (s *screen) find(re *regexp.Regexp) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := re.FindStringIndex(s.text.String()[s.seen:])
	if at != nil {
		s.seen += at[1]
	}
	return at != nil
}

func (s *screen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// cmdTerminal starts a program whose streams are a terminal of its own, as start; \e in an argument is the key escape.
func cmdTerminal(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "terminal NAME PROGRAM ARG...")
	w := worldOf(ts)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	p := &process{cmd: exec.Command(path, args[2:]...), screen: &screen{}}
	p.cmd.Args[0], p.cmd.Dir, p.cmd.Env = args[1], ts.MkAbs("."), environ(ts)
	for i := range p.cmd.Args {
		p.cmd.Args[i] = strings.ReplaceAll(p.cmd.Args[i], `\e`, "\x1b")
	}
	master, err := pty.Start(p.cmd)
	ts.Check(err)
	f, err := pollable(master)
	ts.Check(err)
	p.screen.close = func() { _ = f.Close() }
	p.screen.write = func(text string) error { _, err := f.WriteString(text); return err }
	p.reading.Go(func() { // ends with the program, or the terminal
		b := make([]byte, 4096)
		for {
			n, err := f.Read(b)
			_, _ = p.screen.Write(b[:n])
			if err != nil {
				return
			}
		}
	})
	w.processes[args[0]] = p
}

// cmdShows waits until the terminal shows what matches, after what was seen before; negated, what is there by now must not match anywhere.
func cmdShows(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 2, "[!] shows NAME REGEXP")
	p := started(ts, args[0])
	re, err := regexp.Compile("(?s)" + args[1])
	ts.Check(err)
	if neg {
		if re.MatchString(p.screen.all()) {
			ts.Fatalf("the terminal shows %q:\n%s", args[1], p.screen.all())
		}
		return
	}
	deadline := time.Now().Add(patience)
	for !p.screen.find(re) {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %s for the terminal to show %s:\n%s", patience, args[1], p.screen.all())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// cmdTypes types a text; \n is the key return, \d the end of input, \e the key escape.
func cmdTypes(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "types NAME TEXT")
	keys := strings.NewReplacer(`\n`, "\n", `\d`, "\x04", `\e`, "\x1b")
	ts.Check(started(ts, args[0]).screen.write(keys.Replace(args[1])))
}

// cmdHangsUp takes the terminal away.
func cmdHangsUp(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "hangs-up NAME")
	started(ts, args[0]).screen.close()
}

// cmdWaiting waits until N requests wait for people, and sets $ID0, $DIGEST0, $ID1 ... in the order they were asked.
func cmdWaiting(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "waiting N")
	path, err := exec.LookPath("proctor")
	ts.Check(err)
	var lines []string
	until(ts, args[0]+" approval requests", func() bool {
		c := exec.Command(path, "approvals", "ls", "--json")
		c.Args[0], c.Dir, c.Env = "proctor", ts.MkAbs("."), environ(ts)
		out, err := c.Output()
		if err != nil {
			return false
		}
		lines = strings.Split(strings.TrimSpace(string(out)), "\n")
		return len(out) > 0 && strconv.Itoa(len(lines)) == args[0]
	})
	for i, line := range lines {
		var r struct {
			ID     string `json:"approval_id"`
			Digest string `json:"action_digest"`
		}
		ts.Check(json.Unmarshal([]byte(line), &r))
		ts.Setenv("ID"+strconv.Itoa(i), r.ID)
		ts.Setenv("DIGEST"+strconv.Itoa(i), r.Digest)
	}
}

// cmdFirstID sets $NAME and $NAME_DIGEST to the id and digest of the first line that matches.
func cmdFirstID(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 3, "first-id FILE REGEXP NAME")
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if re.MatchString(line) {
			var r struct {
				Approval string `json:"approval_id"`
				ID       string `json:"id"`
				Session  string `json:"session"`
				Digest   string `json:"action_digest"`
			}
			ts.Check(json.Unmarshal([]byte(line), &r))
			ts.Setenv(args[2], cmp.Or(r.Approval+r.ID, r.Session))
			ts.Setenv(args[2]+"_DIGEST", r.Digest)
			return
		}
	}
	ts.Fatalf("no line of %s matches %s", args[0], args[1])
}
