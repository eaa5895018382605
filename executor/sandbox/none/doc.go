// Package none runs a command without a sandbox. It takes unconfined plans only (danger-full-access, or an approved
// run outside the sandbox) and refuses every other with sandbox.ErrUnsupported.
//
// The command gets its own session, dies with the proctor process that started it, and Kill reaches its process
// group. What it leaves running in other sessions is not followed, and no denials are watched.
package none
