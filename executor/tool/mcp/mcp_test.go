package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/policy"
)

// serverMode makes the test binary a server over its standard streams.
const serverMode = "PROCTOR_TEST_MCP_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(hostileMode); kind != "" {
		hostile(kind)
		os.Exit(0)
	}
	if os.Getenv(serverMode) != "" {
		fmt.Fprintln(os.Stderr, "server is here")
		if err := testServer().Run(context.Background(), &sdk.StdioTransport{}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func testServer() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	yes, no := true, false
	add := func(name string, a *sdk.ToolAnnotations, handle func(context.Context, map[string]any) (*sdk.CallToolResult, error)) {
		s.AddTool(&sdk.Tool{Name: name, Description: "does " + name, Annotations: a, InputSchema: &jsonschema.Schema{Type: "object"}},
			func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				var in map[string]any
				if err := json.Unmarshal(r.Params.Arguments, &in); err != nil {
					return nil, err
				}
				return handle(ctx, in)
			})
	}
	say := func(format string, args ...any) *sdk.CallToolResult {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf(format, args...)}}}
	}
	add("echo", &sdk.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &no}, func(_ context.Context, in map[string]any) (*sdk.CallToolResult, error) {
		return say("you said %v", in["t"]), nil
	})
	add("wipe", &sdk.ToolAnnotations{DestructiveHint: &yes}, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return say("wiped"), nil })
	add("boom", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		r := say("it broke")
		r.IsError = true
		return r, nil
	})
	add("fail", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		return nil, errors.New("protocol error")
	})
	add("slow.tool/x", nil, func(ctx context.Context, _ map[string]any) (*sdk.CallToolResult, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	add("flood", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		return say("%s", strings.Repeat("x", 2_000_000)), nil
	})
	add("picture", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "look"}, &sdk.ImageContent{MIMEType: "image/png", Data: []byte("png")}}}, nil
	})
	add("die", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		os.Exit(3)
		return nil, nil
	})
	add("env", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		dir, _ := os.Getwd()
		return say("%s in %s", strings.Join(os.Environ(), " "), dir), nil
	})
	add("contained", &sdk.ToolAnnotations{DestructiveHint: &no, OpenWorldHint: &no}, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return say("done"), nil })
	s.AddTool(&sdk.Tool{Name: "ask", InputSchema: &jsonschema.Schema{Type: "object"}}, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		if answer, ok := r.Params.InputResponses["q"].(*sdk.ElicitResult); ok {
			return say("the user said %s", answer.Action), nil
		}
		q := &sdk.ElicitParams{Message: "delete it?"}
		if strings.Contains(string(r.Params.Arguments), "form") {
			q.RequestedSchema = &jsonschema.Schema{Type: "object", Required: []string{"name"}, Properties: map[string]*jsonschema.Schema{"name": {Type: "string"}}}
		}
		return &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{"q": q}}, nil
	})
	add("change", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) {
		s.AddTool(&sdk.Tool{Name: "echo", Description: "does something else", InputSchema: &jsonschema.Schema{Type: "object"}},
			func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) { return say("changed"), nil })
		return say("changed"), nil
	})
	add("hidden", nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return say("no"), nil })
	add(strings.Repeat("long", 20), nil, func(context.Context, map[string]any) (*sdk.CallToolResult, error) { return say("long"), nil })
	return s
}

// startServer runs this test binary as a server.
func startServer(t *testing.T, change func(*ServerConfig)) (*Server, *tool.Registry) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := ServerConfig{Name: "demo", Command: exe, Cwd: t.TempDir(), Env: []string{serverMode + "=1"}, Disabled: []string{"hidden"}}
	if change != nil {
		change(&c)
	}
	s, err := Start(context.Background(), c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r, err := tool.NewRegistry(s.Tools()...)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func call(t *testing.T, ctx context.Context, r *tool.Registry, name, arguments string) (tool.Proposal, tool.Result, error) {
	t.Helper()
	impl, err := r.Lookup("mcp__demo", name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := impl.Propose(context.Background(), tool.Call{Name: name, Namespace: "mcp__demo", Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(ctx, tool.Grant{Digest: p.Action().Digest()}, nil)
	return p, res, err
}

func TestServerOverStdio(t *testing.T) {
	_, r := startServer(t, nil)
	for _, c := range []struct {
		name, arguments, want string
		success               bool
	}{
		{"echo", `{"t":"hey"}`, "you said hey", true},
		{"wipe", ``, "wiped", true},
		{"boom", `{}`, "The tool reports a failure.\nOutput:\nit broke", false},
		{"fail", `{}`, "tool call error: ", false},
		{"env", `{}`, serverMode + "=1 in /", true},
		{"flood", `{}`, "Warning: truncated output (original token count: 500000)", true},
	} {
		_, got, err := call(t, context.Background(), r, c.name, c.arguments)
		if err != nil || got.Success != c.success || !strings.Contains(got.Output, c.want) || len(got.Output) > 50_000 {
			t.Errorf("%s: got %v %.300q %v, want %q", c.name, got.Success, got.Output, err, c.want)
		}
	}
	_, got, err := call(t, context.Background(), r, "picture", `{}`)
	if err != nil || len(got.Items) != 2 || string(got.Items[1]) != `{"image_url":"data:image/png;base64,cG5n","type":"input_image"}` {
		t.Errorf("got %s %v", got.Items, err)
	}
}

func TestActionsAndHints(t *testing.T) {
	s, r := startServer(t, nil)
	yes, no := true, false
	for name, want := range map[string]policy.MCP{
		"echo":      {Server: "demo", Tool: "echo", ReadOnly: &yes, OpenWorld: &no},
		"wipe":      {Server: "demo", Tool: "wipe", Destructive: &yes},
		"boom":      {Server: "demo", Tool: "boom"},
		"contained": {Server: "demo", Tool: "contained", Destructive: &no, OpenWorld: &no},
	} {
		p, _, _ := call(t, context.Background(), r, name, `{"a":1}`)
		if d := cmp.Diff(want, p.(tool.MCPFacts).MCPFacts()); d != "" {
			t.Errorf("%s: hints (-want +got):\n%s", name, d)
		}
		action := event.Action{Kind: event.ActionMCP, Tool: "mcp__demo__" + name, Server: "demo", Origin: s.config.Command, Arguments: `{"a":1}`}
		if d := cmp.Diff(action, p.Action()); d != "" {
			t.Errorf("%s: action (-want +got):\n%s", name, d)
		}
		if _, err := p.Run(context.Background(), tool.Grant{}, nil); !errors.Is(err, tool.ErrDigest) {
			t.Errorf("%s: got %v, want ErrDigest", name, err)
		}
	}
}

func TestNamesFitTheModel(t *testing.T) {
	s, r := startServer(t, nil)
	var names []string
	for _, impl := range s.Tools() {
		names = append(names, impl.Name())
		var form struct{ Name string }
		if err := json.Unmarshal(impl.Definition(), &form); err != nil || form.Name != tool.FullName(impl) || len(form.Name) > 64 || safeName(form.Name) != form.Name {
			t.Errorf("definition of %s is called %q: %v", impl.Name(), form.Name, err)
		}
	}
	if slices.Contains(names, "hidden") || !slices.Contains(names, "slow_tool_x") || len(names) != 13 {
		t.Errorf("offered %q", names)
	}
	long := names[slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "long") })]
	if _, got, err := call(t, context.Background(), r, long, `{}`); err != nil || !strings.Contains(got.Output, "long") {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestCallsHaveAnEnd(t *testing.T) {
	_, r := startServer(t, func(c *ServerConfig) { c.ToolTimeout = 200 * time.Millisecond })
	if _, got, err := call(t, context.Background(), r, "slow_tool_x", `{}`); err != nil || got.Success || !strings.Contains(got.Output, "within 200ms") {
		t.Errorf("deadline: got %+v %v", got, err)
	}
	if _, got, err := call(t, context.Background(), r, "echo", `{"t":1}`); err != nil || !got.Success {
		t.Errorf("after a deadline: got %+v %v", got, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := call(t, ctx, r, "slow_tool_x", `{}`); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	for range 2 {
		if _, got, err := call(t, context.Background(), r, "die", `{}`); err != nil || got.Success || !strings.HasPrefix(got.Output, "tool call error: ") {
			t.Errorf("dead server: got %+v %v", got, err)
		}
	}
}

func TestServerThatDoesNotStart(t *testing.T) {
	for name, c := range map[string]ServerConfig{
		"missing": {Name: "demo", Command: "/nonexistent", Cwd: "/"},
		"no MCP":  {Name: "demo", Command: "true", Cwd: "/"},
		"silent":  {Name: "demo", Command: "sleep", Args: []string{"60"}, Cwd: "/", StartupTimeout: 200 * time.Millisecond},
	} {
		start := time.Now()
		if _, err := Start(context.Background(), c, "test", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), `MCP server "demo"`) || time.Since(start) > 8*time.Second {
			t.Errorf("%s: got %v after %s", name, err, time.Since(start))
		}
	}
	if _, err := Start(context.Background(), ServerConfig{Name: "a b", Cwd: "x"}, "", nil); err == nil || !strings.Contains(err.Error(), "name") || !strings.Contains(err.Error(), "command") {
		t.Errorf("got %v, want both problems", err)
	}
	for url, want := range map[string]string{"ftp://h/": "url", "http://u:p@h/": "bearer_token_env_var", "http:///x": "url"} {
		if _, err := Start(context.Background(), ServerConfig{Name: "a", URL: url}, "", nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestServerDoesNotInheritOurEnvironment(t *testing.T) {
	t.Setenv("OUR_SECRET", "x")
	cmd := ServerConfig{Name: "demo", Command: "env", Cwd: "/"}.process()
	if out, err := cmd.Output(); err != nil || len(out) != 0 && string(out) != "PWD=/\n" {
		t.Errorf("the server sees %q %v", out, err)
	}
}

func TestServerOutputIsLoggedInBounds(t *testing.T) {
	var out strings.Builder
	w := &logWriter{log: slog.New(slog.NewTextHandler(&out, nil))}
	for range 1000 {
		if n, err := w.Write([]byte(strings.Repeat("x", 5000) + "\npart")); n != 5005 || err != nil {
			t.Fatalf("got %d %v", n, err)
		}
	}
	if out.Len() < maxLogBytes || out.Len() > 2*maxLogBytes {
		t.Errorf("logged %d bytes", out.Len())
	}
}
