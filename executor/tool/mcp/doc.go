// Package mcp offers the tools of MCP servers (Model Context Protocol) to the model.
//
// [Start] runs one server as a child process that talks over its standard streams, or reaches one over streamable HTTP, and lists
// its tools. Each is a tool of namespace mcp__SERVER; its action is an mcp_tool_call with the raw arguments and with what
// stands behind the server's name, and the hints that the server advertises are facts for policy ([tool.MCPFacts]).
// Hints are the server's word.
//
// A server is not confined: it runs before any call is decided, as in Codex. It gets the environment it is given, see [Environ].
// Arguments are checked to be one JSON object; the server checks them against its schema.
//
// The tools are those that were listed at the start. When the server announces that it changed one, or took it away, calls of
// that tool are refused, also between decision and call; new ones are not offered.
//
// What a server asks the user in the middle of a call goes to the [Asker]. A yes is all that can be answered: forms that need
// text, and pages to visit, are declined. Sampling and roots are not offered.
//
// Bounds: [MaxTools] tools per server, definitions, answers and questions as in constants here and in package tool, a
// deadline for starting and for each call. After a deadline the server stays up; its late answer is dropped.
// A server that dies fails its calls; it is not started again. Redirects are not followed.
package mcp
