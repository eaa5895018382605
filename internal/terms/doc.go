// Package terms makes ready what a configuration lays down for commands: the rules that decide about them ([Rules]),
// the plan and the backend that confine them ([Confine]), the environment and the limits that they get.
//
// A configuration that promises more than this version keeps is refused: an error means that these terms are not to
// be had, and nothing may run instead.
package terms
