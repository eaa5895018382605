// Package survey walks folders within bounds and tells what stands in them.
//
// Start with [Walk]. It goes level by level, so that a walk which stops at a bound has seen everything up to some depth,
// visits folders that usually hold bulk (node_modules and the like) after the others, follows no symlink, leaves out
// /proc, /sys and /dev, and passes over folders that may not be opened: a confined process of the same user cannot
// open them either.
//
// Guarantees: memory and time are bounded by [Bounds]; [Report] says where the walk stopped. It changes nothing. Linux only.
package survey
