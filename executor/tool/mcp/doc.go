// Package mcp offers the tools of MCP servers (Model Context Protocol) to the model.
//
// [Start] runs one server as a child process that talks over its standard streams, and lists its tools.
// Each is a tool of namespace mcp__SERVER; its action is an mcp_tool_call with the raw arguments, and
// the hints that the server advertises are facts for policy ([tool.MCPFacts]). Hints are the server's word.
//
// A server is not confined: it runs with the environment it is given, before any call is decided, as in Codex.
// Arguments are checked to be one JSON object; the server checks them against its schema.
//
// Bounds: [MaxTools] tools per server, definitions and outputs as in constants here and in package tool, a
// deadline for starting and for each call. After a deadline the server stays up; its late answer is dropped.
// A server that dies fails its calls; it is not started again.
package mcp
