// Package windows confines one command on Windows by a restricted token and a job object.
//
// Start with [NewPlan], which is pure: filesystem.Plan to the token, the job and the changes of access lists that confine.
// A reviewer can read it (testdata/*.json). [Run], on Windows only, applies it, runs the command and takes the changes back.
//
// How it holds. The token is the user's with every privilege but one removed, administrators for denial only, and a list of
// restricting identities: everyone, the users group and one identity made from the plan. An access must be granted to the user and
// to one of these. So nothing below the user's profile can be read or written, our own state included, but what the changes
// grant to the plan's identity. The job ends every process of the command when its last handle is closed, at the latest
// with this process, and bounds their number and memory.
//
// What it cannot: close the network, hide files that everyone may read, read the rest of the profile. Plans that need the
// first two are refused with sandbox.ErrUnsupported, the third is stricter than asked. Missing protected names are made as
// empty folders, so that they can be closed. Nothing of it was run on Windows yet; see doc/compatibility.md.
package windows
