package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rogpeppe/go-internal/testscript"
)

// mcpServer is the program of that name: an MCP server over its standard streams, made with the official library.
func mcpServer() {
	if err := newMCPServer().Run(context.Background(), &sdk.StdioTransport{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type arguments map[string]string

func newMCPServer() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	yes, no := true, false
	add := func(name string, a *sdk.ToolAnnotations, handle func(*sdk.CallToolRequest, arguments) *sdk.CallToolResult) {
		s.AddTool(&sdk.Tool{Name: name, Description: "does " + name, Annotations: a, InputSchema: &jsonschema.Schema{Type: "object"}},
			func(_ context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				var in arguments
				if err := json.Unmarshal(r.Params.Arguments, &in); err != nil {
					return nil, err
				}
				return handle(r, in), nil
			})
	}
	add("echo", &sdk.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &no}, func(_ *sdk.CallToolRequest, in arguments) *sdk.CallToolResult { return said(in["text"]) })
	add("write", nil, func(_ *sdk.CallToolRequest, in arguments) *sdk.CallToolResult { return touch(in["path"]) })
	add("wipe", &sdk.ToolAnnotations{ReadOnlyHint: true, DestructiveHint: &yes}, func(_ *sdk.CallToolRequest, in arguments) *sdk.CallToolResult { return touch(in["path"]) })
	add("boom", &sdk.ToolAnnotations{ReadOnlyHint: true}, func(*sdk.CallToolRequest, arguments) *sdk.CallToolResult {
		r := said("it broke")
		r.IsError = true
		return r
	})
	add("die", &sdk.ToolAnnotations{ReadOnlyHint: true}, func(*sdk.CallToolRequest, arguments) *sdk.CallToolResult {
		os.Exit(3)
		return nil
	})
	add("names", &sdk.ToolAnnotations{ReadOnlyHint: true}, func(*sdk.CallToolRequest, arguments) *sdk.CallToolResult {
		var names []string
		for _, e := range os.Environ() {
			names = append(names, strings.SplitN(e, "=", 2)[0])
		}
		slices.Sort(names)
		return said("variables " + strings.Join(names, " "))
	})
	add("ask", &sdk.ToolAnnotations{ReadOnlyHint: true}, func(r *sdk.CallToolRequest, in arguments) *sdk.CallToolResult {
		if answer, ok := r.Params.InputResponses["q"].(*sdk.ElicitResult); ok {
			return said("the answer is " + answer.Action)
		}
		return &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{"q": &sdk.ElicitParams{Message: in["text"]}}}
	})
	return s
}

func said(text string) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}
}

func touch(path string) *sdk.CallToolResult {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		r := said(err.Error())
		r.IsError = true
		return r
	}
	return said("wrote " + path)
}

// cmdMCPHTTP serves the same over HTTP at $MCP_URL, for requests that carry the token.
func cmdMCPHTTP(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "mcp-http TOKEN")
	s := newMCPServer()
	inner := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+args[0] {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	ts.Defer(func() {
		for session := range s.Sessions() {
			_ = session.Close()
		}
		web.Close()
	})
	ts.Setenv("MCP_URL", web.URL)
}
