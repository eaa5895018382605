package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Bounds of one table of hooks.
const (
	maxHandlers = 256
	maxCommand  = 64 << 10
	maxMatcher  = 4096
)

// Definition is one hook as it is written down.
type Definition struct {
	Event Event
	// Key names it: FILE:EVENT:GROUP:INDEX, as hooks.state does.
	Key string
	// Command is given to the shell.
	Command string
	Timeout time.Duration
	// Async: nobody waits for its answer, which then has no effect.
	Async bool
	// Context bounds what an answer adds to the conversation, in tokens; 0 is the default.
	Context int

	matcher *string
	match   func(string) bool
	status  *string
}

// Problem is a hook that cannot be called as it is written.
type Problem struct {
	Key   string
	Event Event
	Text  string
}

func (p Problem) String() string { return p.Key + ": " + p.Text }

type groupJSON struct {
	Matcher *string       `json:"matcher"`
	Hooks   []handlerJSON `json:"hooks"`
}

type handlerJSON struct {
	Type    string  `json:"type"`
	Command string  `json:"command"`
	Timeout *uint64 `json:"timeout"`
	Async   bool    `json:"async"`
	Status  *string `json:"statusMessage"`
	Context *uint64 `json:"additionalContextLimit"`
}

// Parse reads the groups of one source, by event name, as JSON or TOML decode them. An error means that nothing in it can be
// relied on: a shape or an event that is not known. Problems are single hooks that are left out.
func Parse(file string, groups map[string]any) ([]Definition, []Problem, error) {
	var all []Definition
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		event := Event(name)
		if _, known := events[event]; !known {
			return nil, nil, fmt.Errorf("%s: hooks.%s: there is no such event", file, clip(name, 64))
		}
		list, err := decodeGroups(groups[name])
		if err != nil {
			return nil, nil, fmt.Errorf("%s: hooks.%s: %w", file, name, err)
		}
		for g, group := range list {
			for n, h := range group.Hooks {
				d, wrong := define(event, fmt.Sprintf("%s:%s:%d:%d", file, events[event].label, g, n), group.Matcher, h)
				if wrong != "" {
					problems = append(problems, Problem{d.Key, event, wrong})
					continue
				}
				if all = append(all, d); len(all) > maxHandlers {
					return nil, nil, fmt.Errorf("%s: hooks: more than %d", file, maxHandlers)
				}
			}
		}
	}
	return all, problems, nil
}

func decodeGroups(v any) ([]groupJSON, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var list []groupJSON
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("expected a list of { matcher, hooks = [ { type, command, timeout } ] }: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return list, nil
}

// define checks one hook; wrong says why it cannot be called.
func define(event Event, key string, matcher *string, h handlerJSON) (d Definition, wrong string) {
	t := events[event]
	d = Definition{Event: event, Key: key, Command: h.Command, Async: h.Async, status: h.Status, Timeout: timeout(t, h.Timeout)}
	if t.context && h.Context != nil {
		d.Context = int(min(*h.Context, 1<<20))
	}
	switch {
	case h.Type != "command":
		return d, fmt.Sprintf("hooks of type %q are not supported; use type = \"command\"", clip(h.Type, 64))
	case h.Command == "":
		return d, "its command is empty"
	case len(h.Command) > maxCommand || bytes.IndexByte([]byte(h.Command), 0) >= 0:
		return d, fmt.Sprintf("its command is longer than %d bytes or has a zero byte", maxCommand)
	}
	d.match = anything
	if t.matcher && matcher != nil {
		var err error
		if d.match, err = compile(*matcher); err != nil {
			return d, fmt.Sprintf("matcher %q: %v", clip(*matcher, 128), err)
		}
		d.matcher = matcher
	}
	return d, ""
}

func timeout(t traits, seconds *uint64) time.Duration {
	d := defaultTimeout
	if t.ending {
		d = endTimeout
	}
	if seconds != nil {
		d = time.Duration(min(max(*seconds, 1), uint64(maxTimeout/time.Second))) * time.Second
	}
	if t.ending {
		d = min(d, maxEndTimeout)
	}
	return d
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:n]), nil)) + "…"
}
