package app

import (
	"fmt"
	"io"
	"strings"

	"proctor/event"
	"proctor/executor"
	"proctor/internal/cli"
)

// human is the view for people: what happens on standard error, the final message
// alone on standard output.
type human struct {
	out, err io.Writer
	colour   bool
	terminal bool // out is one
}

func (h human) style(code, text string) string {
	if !h.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (h human) say(format string, args ...any) { _, _ = fmt.Fprintf(h.err, format+"\n", args...) }

// banner is the head of a run.
func (h human) banner(rows [][2]string) {
	h.say("proctor v%s", cli.Version)
	h.say("--------")
	for _, r := range rows {
		h.say("%s %s", h.style("1", r[0]+":"), cli.Plain(r[1]))
	}
	h.say("--------")
}

func (h human) prompt(text string) { h.say("%s\n%s", h.style("36", "user"), cli.Plain(text)) }

func (h human) ThreadStarted(string)        {}
func (h human) TurnStarted()                {}
func (h human) ItemUpdated(i executor.Item) { h.ItemStarted(i) }

func (h human) ItemStarted(i executor.Item) {
	switch i.Type {
	case executor.CommandExecution:
		h.say("%s\n%s in %s", h.style("35", "exec"), h.style("1", cli.Plain(quoteCommand(i.Argv))), cli.Plain(i.Cwd))
	case executor.FileChange:
		h.say("%s", h.style("35", "apply patch"))
	case executor.MCPToolCall:
		h.say("%s %s", h.style("35", "tool"), cli.Plain(i.Server+"."+i.Tool))
	case executor.TodoList:
		h.say("%s", h.style("35", "plan"))
		for _, s := range i.Steps {
			h.say("  [%s] %s", map[bool]string{true: "x", false: " "}[s.Status == "completed"], cli.Plain(s.Text))
		}
	default: // shown when completed
	}
}

func (h human) ItemCompleted(i executor.Item) {
	if i.Status == "declined" || i.Refused { // it was never started
		h.ItemStarted(i)
	}
	switch i.Type {
	case executor.AgentMessage:
		h.say("%s\n%s", h.style("36", "codex"), cli.Plain(i.Text))
	case executor.Reasoning:
		h.say("%s\n%s", h.style("2", "thinking"), h.style("2", cli.Plain(i.Text)))
	case executor.CommandExecution:
		h.say("%s%s", h.ending(i), block(i.Output))
	case executor.FileChange:
		h.say(" %s:", i.Status)
		for _, c := range i.Changes {
			h.say("  %s %s", c.Kind, cli.Plain(c.Path))
		}
	case executor.MCPToolCall:
		if i.Refused {
			h.say(" %s:%s", i.Status, block(i.Error))
			return
		}
		h.say(" %s in %dms:%s", i.Status, i.Millis, block(i.Result+i.Error))
	case executor.WebSearch:
		h.say("%s %s", h.style("35", "web search"), cli.Plain(i.Query))
	case executor.Warning:
		h.Notice(i.Text)
	default: // shown when started
	}
}

func (h human) ending(i executor.Item) string {
	switch {
	case i.Status == "declined":
		return h.style("33", " declined:")
	case i.ExitCode != nil && *i.ExitCode == 0:
		return h.style("32", fmt.Sprintf(" succeeded in %dms:", i.Millis))
	case i.ExitCode != nil:
		return h.style("31", fmt.Sprintf(" exited %d in %dms:", *i.ExitCode, i.Millis))
	}
	return h.style("31", fmt.Sprintf(" %s in %dms:", i.Status, i.Millis))
}

func (h human) Notice(m string)     { h.say("%s %s", h.style("33", "WARN"), cli.Plain(m)) }
func (h human) Refused(m string)    { h.say("%s %s", h.style("31", "REFUSED"), cli.Plain(m)) }
func (h human) Denied(m string)     { h.say("%s %s", h.style("31", "DENIED"), cli.Plain(m)) }
func (h human) Told(m string)       { h.say("%s %s", h.style("33", "HOOK"), cli.Plain(m)) }
func (h human) TurnFailed(m string) { h.say("%s %s", h.style("31", "ERROR"), cli.Plain(m)) }

func (h human) TurnCompleted(u event.Usage, last string) {
	h.say("%s\n%d", h.style("2", "tokens used"), u.Input+u.Output)
	if h.terminal {
		last = cli.Plain(last)
	}
	if last != "" {
		_, _ = fmt.Fprintln(h.out, last)
	}
}

// maxShown bounds the output of one command shown to people, in lines; the ledger keeps more.
const maxShown = 40

func block(text string) string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	if cut := len(lines) - maxShown; cut > 0 {
		lines = append(lines[:maxShown:maxShown], fmt.Sprintf("… %d more lines, see 'proctor replay'", cut))
	}
	return "\n" + cli.Plain(strings.Join(lines, "\n"))
}
