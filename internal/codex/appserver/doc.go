// Package appserver drives `codex app-server`, the Codex CLI as a JSON-RPC server: it starts the program in a process group of its own
// ([Start]), sends requests ([Client.Call]), answers the questions of the server and hands on what it tells.
//
// It records nothing and decides nothing: that is for who starts it. Messages are bounded by [MaxMessage]. The group is killed when the
// client is closed; when this process is killed, the server ends with its standard input.
//
// The protocol is that of Codex 0.169.0.
package appserver

// MaxMessage bounds a message of the server, in bytes.
const MaxMessage = 32 << 20
