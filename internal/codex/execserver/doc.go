// Package execserver is Codex's external executor: the server that the Codex CLI hands every command, every terminal input and
// every file edit to when its environments.toml names no other environment.
//
// A [Server] serves one connection at a time per [Server.Serve], over lines ([Lines]) or WebSocket ([Listen]). What the client asks for becomes
// a proposal, and takes the one path of package executor: decided under the policy of the session and the sandbox that Codex states, the
// stricter of both; recorded; run; recorded. A request is answered only after that record is durable. A null sandbox is an
// escalation that Codex approved: here it is a request for approval like any other.
//
// Sessions are the client's threads, calls have its tool call ids. Terminal input is the call TOOLCALL/input-N; requests about files
// carry neither id: they are called fs-N and belong to the one thread that is known on the connection ([Thread] says how it is known).
//
// The protocol is that of Codex 0.169.0, which has no version of its own ([ProtocolVersion]): testdata holds what the CLI sent. Unknown methods
// are refused with -32601, missing paths with -32004. Frames are bounded by [MaxFrame]; members that are not known are ignored.
//
// When a connection ends, what it started is killed, and its sessions are closed. There is no resuming of a connection.
package execserver

// ProtocolVersion is the version of the Codex CLI whose protocol this is.
const ProtocolVersion = "0.169.0"
