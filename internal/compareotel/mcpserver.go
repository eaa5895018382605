package main

import (
	"encoding/json"
	"io"
)

// mcpArgument makes this program the MCP server of the scenario of that name.
const mcpArgument = "mcp-server"

// rpc is a message of JSON-RPC, a line each.
type rpc struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  struct {
		Version string `json:"protocolVersion"`
		Name    string `json:"name"`
	} `json:"params,omitzero"`
	Result any `json:"result,omitempty"`
}

// serveMCP offers three tools: echo only reads, boom fails, wipe can destroy. It ends with its input.
func serveMCP(in io.Reader, out io.Writer) error {
	type object map[string]any
	dec, enc := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q rpc
		if err := dec.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if q.ID == nil { // a notification
			continue
		}
		a := rpc{Version: "2.0", ID: q.ID, Result: object{}}
		switch q.Method {
		case "initialize":
			a.Result = object{"protocolVersion": q.Params.Version, "capabilities": object{"tools": object{}}, "serverInfo": object{"name": "demo", "version": "1"}}
		case "tools/list":
			var tools []object
			for name, hints := range map[string]object{"echo": {"readOnlyHint": true}, "boom": {"readOnlyHint": true}, "wipe": {"destructiveHint": true}} {
				tools = append(tools, object{"name": name, "description": name, "inputSchema": object{"type": "object"}, "annotations": hints})
			}
			a.Result = object{"tools": tools}
		case "tools/call":
			a.Result = object{"content": []object{{"type": "text", "text": q.Params.Name + " was called"}}, "isError": q.Params.Name == "boom"}
		}
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
}
