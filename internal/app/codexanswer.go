package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/executor/tool/direct"
	"proctor/executor/tool/permissions"
	"proctor/policy"
	"proctor/policy/command"
)

var errQuestion = errors.New("proctor does not answer this question, and nobody else is asked")

// codexQuestion is a question of the app-server, as far as it is looked at.
type codexQuestion struct {
	ItemID, Command, Cwd, Reason string
	ServerName                   string
	Permissions                  codexPermissions
}

// answer answers a question of the app-server. What policy refuses without asking anybody is refused here; everything else that runs comes
// again as a request to our executor, which decides about exactly that, with the reviewer. Each refusal is recorded.
func (r *codexRun) answer(ctx context.Context, method string, params json.RawMessage) (any, error) {
	r.mu.Lock()
	session := r.session
	r.mu.Unlock()
	var p codexQuestion
	if err := json.Unmarshal(params, &p); err != nil || session == nil {
		return nil, errQuestion
	}
	switch method {
	case "item/commandExecution/requestApproval":
		r.remember(p.ItemID, p.Reason)
		refused, err := session.Calls.Foresee(ctx, p.ItemID, "exec_command", direct.New(direct.Options{
			Name: "exec_command", Argv: commandOf(p.Command), Dir: or(p.Cwd, r.cfg.Cwd), Permissions: event.RequireEscalated, Justification: or(p.Reason, "none was given"),
		}))
		if err != nil || refused != "" {
			return map[string]string{"decision": "decline"}, nil
		}
		return map[string]string{"decision": "accept"}, nil
	case "item/fileChange/requestApproval":
		return map[string]string{"decision": "accept"}, nil // each edit is decided about when it comes
	case "mcpServer/elicitation/request":
		approved, err := session.Elicit(ctx, p.ItemID, event.Action{Kind: event.ActionElicitation, Tool: "mcp__" + p.ServerName, Server: p.ServerName, Arguments: shorten(string(params), 64<<10)})
		if err != nil || !approved {
			return map[string]any{"action": "decline", "content": nil}, nil
		}
		return map[string]any{"action": "accept", "content": map[string]any{}}, nil
	case "item/permissions/requestApproval":
		return r.grant(ctx, p), nil
	}
	if err := session.Calls.Decline(ctx, p.ItemID, shorten(method, 64), policy.ReasonUnknownTool, errQuestion.Error()); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", shorten(method, 100), errQuestion)
}

// remember notes why a call wants to leave the sandbox, for when it comes to the executor.
func (r *codexRun) remember(item, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons[item] = reason; len(r.reasons) > maxReasons {
		clear(r.reasons)
	}
}

// maxReasons bounds the reasons that are remembered.
const maxReasons = 1024

// codexPermissions are those that Codex asks for.
type codexPermissions struct {
	Network *struct {
		Enabled bool `json:"enabled"`
	} `json:"network"`
	FileSystem *struct {
		Entries []struct {
			Path   struct{ Type, Path string }
			Access string
		} `json:"entries"`
		Read  []string `json:"read"`
		Write []string `json:"write"`
	} `json:"fileSystem"`
}

// arguments are p as those of our tool; what that cannot say is an error, since it must not be left out silently.
func (p codexPermissions) arguments(reason string) (string, error) {
	asked := map[string]any{}
	if p.Network != nil && p.Network.Enabled {
		asked["network"] = map[string]bool{"enabled": true}
	}
	if f := p.FileSystem; f != nil {
		read, write := append([]string{}, f.Read...), append([]string{}, f.Write...)
		if len(f.Entries) > 0 { // the newer form of the same
			read, write = []string{}, []string{}
		}
		for _, e := range f.Entries {
			switch {
			case e.Path.Type == "path" && e.Access == "read":
				read = append(read, e.Path.Path)
			case e.Path.Type == "path" && e.Access == "write":
				write = append(write, e.Path.Path)
			default:
				return "", fmt.Errorf("%s of a %s cannot be granted; expected read or write of a path", shorten(e.Access, 40), shorten(e.Path.Type, 40))
			}
		}
		asked["file_system"] = map[string][]string{"read": read, "write": write}
	}
	b, err := json.Marshal(map[string]any{"permissions": asked, "reason": reason})
	return string(b), err
}

// grant decides about permissions that Codex asks for. What is approved counts for our executor too; nothing else is told as granted.
func (r *codexRun) grant(ctx context.Context, p codexQuestion) any {
	nothing := map[string]any{"permissions": map[string]any{}, "scope": "turn"}
	refuse := func(err error) any {
		_ = r.session.Calls.Decline(ctx, p.ItemID, permissions.Name, policy.ReasonBadArguments, err.Error()) // the store tells of what it lost
		return nothing
	}
	arguments, err := p.Permissions.arguments(p.Reason)
	if err != nil {
		return refuse(err)
	}
	asking, err := permissions.New(or(p.Cwd, r.cfg.Cwd))
	if err != nil {
		return refuse(err)
	}
	proposal, err := asking.Propose(ctx, tool.Call{ID: p.ItemID, Name: permissions.Name, Arguments: arguments})
	if err != nil {
		return refuse(err)
	}
	outcome, err := r.session.Calls.Direct(ctx, p.ItemID, permissions.Name, proposal)
	if err != nil || !outcome.Tool.Success {
		return nothing
	}
	granted, given := map[string]any{}, proposal.Action().Additional
	if given.Network {
		granted["network"] = map[string]bool{"enabled": true}
	}
	if len(given.Read)+len(given.Write) > 0 {
		granted["fileSystem"] = map[string][]string{"read": append([]string{}, given.Read...), "write": append([]string{}, given.Write...)}
	}
	return map[string]any{"permissions": granted, "scope": "turn"}
}

// commandOf are the words of a command line as the app-server writes it; one that is not a plain command stays with a shell.
func commandOf(line string) []string {
	argv := []string{"/bin/sh", "-c", line}
	if parsed := command.Parse(argv); parsed.Split && len(parsed.Parts) == 1 {
		return parsed.Parts[0].Argv
	}
	return argv
}
