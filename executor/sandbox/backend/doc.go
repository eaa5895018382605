// Package backend chooses how commands are confined on this machine.
//
// [Select] tries bwrap, native and landlock in this order and returns one sandbox.Backend that uses the first
// usable one that can enforce a plan in full, and runs unconfined plans directly. When none is usable it fails with
// sandbox.ErrUnavailable, and the text says why and what to do. A plan that no usable backend can enforce is refused
// by Start with sandbox.ErrUnsupported; nothing is ever weakened.
//
// [Probe] reports on each backend for people. A probe really starts a confined process; its answer is kept in a
// file for as long as the machine runs (keyed by boot id, user and program), so commands are never probed for.
package backend
