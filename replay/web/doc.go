// Package web shows recorded sessions as pages: [Handler] serves a list and a page for each session from
// an event.Reader, [WriteHTML] writes one session as a single file that needs nothing else.
//
//	err := http.Serve(listener, web.Handler(ledger, web.Options{}))
//
// # Guarantees
//
// Pages hold no script, no form and no link to another place, and say so in a content security policy that allows
// nothing but the one style sheet, by its hash. Every recorded text is escaped twice: by replay.Escape for what a reader
// could not see, and by html/template for its place in the page.
//
// The handler only reads. It answers GET and HEAD for hosts it was told to serve, by default those of the loopback, so
// that a page of another site cannot reach it through a name that points here. It may be used concurrently.
//
// # Limits
//
// A session page shows at most 20,000 entries and says when there are more; the list holds the latest 10,000 sessions. The
// list is built from the ledger on first use and brought up to date with each request.
//
// It does not authenticate: whoever reaches the listener may read. The caller binds it to a place that only the
// right people reach.
package web
