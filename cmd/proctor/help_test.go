package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
)

// all are the commands below c and c itself.
func all(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		list = append(list, all(sub)...)
	}
	return list
}

var word = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// words splits a line as a shell would, as far as examples need it, from "proctor" to the end of its command.
func words(line string) []string {
	var out []string
	for _, w := range word.FindAllString(line, -1) {
		if w == "|" || w == ">" {
			if len(out) > 0 {
				break
			}
			continue
		}
		if w == "proctor" || len(out) > 0 {
			out = append(out, strings.Trim(w, `"'`))
		}
	}
	return out
}

func TestHelpExamplesAreValid(t *testing.T) {
	t.Parallel()
	examples := 0
	for _, c := range all(newRoot(cli.Env{})) {
		for line := range strings.Lines(c.Example) {
			args := words(line)
			if len(args) == 0 {
				t.Errorf("%s: example %q does not call proctor", c.CommandPath(), line)
				continue
			}
			examples++
			found, rest, err := newRoot(cli.Env{}).Find(args[1:])
			if err != nil {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
			}
		}
	}
	if examples < 10 {
		t.Errorf("only %d examples were found", examples)
	}
}

func TestHelpIsComplete(t *testing.T) {
	t.Parallel()
	for _, c := range all(newRoot(cli.Env{})) {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: Short %q; want one phrase without a full stop", c.CommandPath(), c.Short)
		}
		if c.Long != "" && c.Runnable() && !strings.Contains(c.Long, "Exit status: ") {
			t.Errorf("%s: the help does not say its exit statuses", c.CommandPath())
		}
	}
}
