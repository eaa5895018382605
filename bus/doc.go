// Package bus carries events between the parts of proctor and between its processes: an embedded NATS
// server that never listens on TCP, in front of one ledger, or a cluster of NATS servers in front of several, see below.
//
//	b, err := bus.Start(bus.Options{Logger: log})
//	detach, err := b.Attach(ledger)
//	pending, err := b.Submit(ctx, e) // accepted
//	receipts, err := pending.Wait(ctx) // committed
//
// Attach the ledger before the first Submit. Submit implements [event.Sink]: events travel on the subject
// proctor.v1.<session>.<family>.<name> and are answered after the ledger's commit.
// While messages are on their way, what is submitted meanwhile is gathered and
// travels in one message, named after its first event, as group commit does it
// with a disk. Events of one Bus reach the ledger in the order of the calls. Receipts travel in one message as well, and to the owner's own
// submissions not at all: whoever commits hands them over.
//
// Bounds: at most [Options].MaxInFlight bytes wait for their commit; a further
// Submit blocks until there is room or its context ends. Nothing that was
// accepted is ever dropped. When the ledger fails, every waiting and later
// submission fails with its error. An error that is an [event.Fault] stays one in another process.
//
// Subscribe delivers committed events, at most once, to one subscriber of each
// queue group, or to all without a group. A watcher that falls behind by more
// than [Options].MaxWatch messages, or 64 MiB, loses the newest ones, which is logged;
// whoever needs every entry follows the ledger instead.
//
// # Several processes
//
// Join makes this process one of those that share a ledger directory:
//
//	b, err := bus.Join(ctx, bus.JoinOptions{Dir: dir, Own: takeTheLedger})
//
// Own takes the ledger's lock. The process that gets it is the owner: it attaches the ledger and serves the
// others on the Unix socket bus.sock in the directory (mode 0600). The other end must run as the same user or
// as root, by its peer credentials, and know the owner's pass, which lies beside the socket: a confined command, which
// may be able to connect but cannot look into the directory, is no guest. A process that does not get it connects there. Everything above holds
// in both, and receipts and committed events cross the socket in both directions.
//
// When the owner goes away, in order or by SIGKILL, each of the others tries both again: one becomes the owner.
// What was not acknowledged is sent again, in its order; the ledger knows an event by its id, so nothing is
// recorded twice, and a session's own numbers keep its order. Without an owner for [JoinOptions].Patience every
// waiting and later submission fails with [ErrNoOwner]: no receipt, no action. So does a bus whose Own fails otherwise.
// An owner that hangs (a stopped process) is noticed after about 15 s.
//
// Around such a change a watcher may get an event twice in different processes of a queue group, and may miss
// those that were committed while it had no connection, unless its own process submitted them. [Bus.Changed]
// tells; then look into the ledger.
//
// # Another process's session
//
// One process numbers and writes the events of a session. Another one that has a fact for it, a reviewer's answer,
// borrows its stream: the process that runs the session lends it, records the drafts it accepts, and answers with the receipts.
//
//	stop, err := b.Lend(stream, accept)                             // where the session runs
//	receipts, err := b.Borrow(session).Record(ctx, draft)           // in any other process, and in this one
//
// So a second process finds the open approval requests of all sessions in the ledger (ledger.OpenReadOnly, which
// works beside an owner), subscribes with Filter{Kind: event.ApprovalRequested} for those to come, and records
// approval_decided through Borrow. The executor that waits gets it as if it came from its own process.
//
// # Beyond one machine
//
// Dial records on a cluster, and ServeNode takes what is there into a ledger:
//
//	b, err := bus.Dial(ctx, bus.ClusterOptions{URL: "tls://n1:4222,tls://n2:4222"})                    // where runs are
//	err := bus.ServeNode(ctx, cluster, bus.NodeOptions{Name: "ledger-1", Identity: key}, ledger)       // where a ledger is
//
// What a receipt promises then. Every server of a majority has the event on its disk, synced ([ErrNotDurable] says which stream or server would
// not have), in a stream that drops nothing before a ledger node has it, behind all earlier events of its session and once: Message is its place in the stream,
// SessionSeq its number as the sender gave it, Received the sender's clock. It does not promise that a ledger has the event, so Seq and
// Leaf are missing and [event.Receipt.InLedger] is false; nor that one will accept it: a message that breaks the rules of the record is
// recorded as [event.MessageRefused], which a sender that numbers its session with [event.Stream] does not cause. No receipt, no action
// holds as before: without an acknowledgement within [ClusterOptions].Patience everything that waits and comes later fails with [ErrNoOwner].
//
// A session is in one partition, which is one stream. One message of a session is on its way at a time, and what is submitted meanwhile travels in the next; each
// names the message that it follows, so a second writer fails with [ErrMoved], and what is sent again after a lost answer is found to be there. A submission has
// events of one session.
//
// A ledger's position in a stream moves in the commit of the entries, and each message names the one before it, so none is taken twice, left out or
// taken out of order, whoever is killed when. Of all nodes the holder of a partition's lease reads it, through the only consumer, which
// is named after the reign; see [NodeOptions]. A node whose ledger lacks what the stream no longer has does not take the partition. That no two
// nodes reign at once is not what correctness rests on: each ledger is a copy of the stream as far as it goes, and cannot become another.
//
// Watchers hear only of the kinds of approvals, from the process that recorded, once the cluster has acknowledged; Lend and Borrow work across machines.
// Whoever may connect to the cluster's account is trusted as the user's own processes are on one machine.
//
// # The protocol
//
// The first line from each side names the protocol, [Protocol]; another version is refused by both, with both
// named. After it the line is that of NATS, with the rights of a guest: to submit, to ask and answer,
// to watch what is committed. Hostile or broken guests are bounded: [MaxGuests] connections, [MaxBatch] for a message,
// 64 MiB of messages that wait for the ledger from all of them, ten seconds for a reader that does not read. They are trusted as the user's own
// processes are, which can also end each other and write the ledger's files.
package bus
