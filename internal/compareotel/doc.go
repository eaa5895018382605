// Command compareotel runs the real Codex CLI and proctor on the same scripted models, with the same configuration and a collector each,
// and says of every log event and metric of the CLI whether ours is the same:
//
//	compareotel -proctor bin/proctor [-codex PATH] [-doc doc/compatibility.md] [-scenario NAME] [-v]
//
// Compared are scopes, attribute names and attribute types of log records; kinds, units and tags of metrics; names of resource attributes.
// Of spans, ours are compared: name, attribute names and types.
// Values and counts are shown (-v) and not judged: they hold times, ids and each program's own list of tools.
//
// A difference is fine when a table of the document names it in its first cell, as `EVENT ATTRIBUTE`, or as `METRIC` for one that is not
// measured. Anything else is unlisted, and the status is 1. Attributes that begin with "proctor." and the join keys conversation.id, turn.id and call_id are
// ours by design. What proctor sends and the CLI does not is shown and not judged: the CLI loses records when a turn fails.
//
// The CLI is that of -codex, else $CODEX, else codex of PATH. Folders are made in /var/tmp and removed.
package main
