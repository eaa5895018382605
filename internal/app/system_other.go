//go:build !unix

package app

// asItIs is nothing here: a link is followed by whoever may make one.
const asItIs = 0
