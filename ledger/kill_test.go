package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"proctor/event"
)

// childDir makes TestMain append to a ledger until it is killed, see TestKilledOwner.
const childDir = "PROCTOR_LEDGER_TEST_CHILD"

// appendUntilKilled is what the child does: it prints each receipt it gets.
func appendUntilKilled(dir string) error {
	l, err := Open(dir, Options{CheckpointEvery: 64})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for i := uint64(0); ; i++ {
		receipts, err := l.Append(context.Background(), prompt("s", 0, "a"), output("s", 0))
		if err != nil {
			return err
		}
		for _, r := range receipts {
			if err := out.Encode(r); err != nil {
				return err
			}
		}
	}
}

// TestKilledOwner kills the owner again and again: every receipt it printed is honoured.
func TestKilledOwner(t *testing.T) {
	dir := t.TempDir()
	for round := range soaked(6, "PROCTOR_SOAK_KILLS") {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var given []event.Receipt
		lines := bufio.NewScanner(out)
		for n := 0; n < 40+37*(round%6)+rand.IntN(30) && lines.Scan(); n++ {
			var r event.Receipt
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatalf("child said %q: %v", lines.Text(), err)
			}
			given = append(given, r)
		}
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", child.Process.Pid)) {
			t.Fatalf("open while the child has it: %v", err)
		}
		if err := child.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()

		l, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range given {
			if entries, err := l.Read(context.Background(), r.Seq, 1); err != nil || len(entries) != 1 || entries[0].Receipt != r {
				t.Fatalf("round %d: receipt %+v is not honoured: %+v, %v", round, r, entries, err)
			}
		}
		if round < 6 || round%25 == 24 { // all of it costs more each time
			mustBeGreen(t, l)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
