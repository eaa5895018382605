package bus

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// link is a connection to a server: our own, or that of the process that owns the ledger.
type link struct {
	conn  *nats.Conn
	inbox string
	// service: the owner of the ledger is one that stays.
	service bool
	// The fields below are an owner's.
	server *server.Server
	ledger *nats.Subscription
	door   *door

	once sync.Once
}

// startTimeout bounds how long the embedded server may take to come up; it is milliseconds in practice.
const startTimeout = 10 * time.Second

// Users of the embedded server. Guests give no password, and may do what guests need.
const (
	ownerUser = "owner"
	guestUser = "guest"
)

// serverLink starts a server.
func (b *Bus) serverLink() (*link, error) {
	password := rand.Text()
	srv, err := server.NewServer(&server.Options{
		ServerName: "proctor", DontListen: true, NoSigs: true, NoLog: true,
		MaxPayload: MaxBatch + 4096, MaxPending: 4 * (MaxBatch + 4096), MaxSubs: maxSubscriptions,
		Users:      []*server.User{{Username: ownerUser, Password: password}, {Username: guestUser, Permissions: guestRights()}},
		NoAuthUser: guestUser,
	})
	if err != nil {
		return nil, fmt.Errorf("start bus: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		srv.Shutdown()
		return nil, fmt.Errorf("start bus: server not ready after %s", startTimeout)
	}
	l := &link{server: srv}
	if err := b.connect(l, srv, nats.UserInfo(ownerUser, password)); err != nil {
		srv.Shutdown()
		return nil, err
	}
	return l, nil
}

// maxSubscriptions bounds those of one connection.
const maxSubscriptions = 4096

func guestRights() *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{produced + ">", lent + ">"}},
		Subscribe: &server.SubjectPermission{Allow: []string{committed + ">", lent + ">", nats.InboxPrefix + ">"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: lendTimeout},
	}
}

// guestLink makes a link of a connection to the owner.
func (b *Bus) guestLink(conn net.Conn) (*link, error) {
	l := &link{}
	return l, b.connect(l, dialed{conn}, nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(flushWithin))
}

const (
	// pingEvery: an owner that does not answer two of these is taken for gone.
	pingEvery   = 5 * time.Second
	flushWithin = 10 * time.Second
)

// dialed hands a connection over that is there already.
type dialed struct{ conn net.Conn }

func (d dialed) InProcessConn() (net.Conn, error) { return d.conn, nil }

func (b *Bus) connect(l *link, to nats.InProcessConnProvider, opts ...nats.Option) error {
	conn, err := nats.Connect("", append(opts, nats.InProcessServer(to), nats.Name("proctor"), nats.NoReconnect(),
		nats.ClosedHandler(func(*nats.Conn) { b.linkLost(l) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { b.asyncError(sub, err) }))...)
	if err != nil {
		return fmt.Errorf("connect to bus: %w", err)
	}
	l.conn, l.inbox = conn, conn.NewInbox()
	sub, err := conn.Subscribe(l.inbox+".*", func(msg *nats.Msg) { b.answered(l, msg) })
	if err == nil {
		err = sub.SetPendingLimits(-1, -1) // bounded by the window: one answer for each submission
	}
	if err != nil {
		l.end()
		return fmt.Errorf("subscribe to answers: %w", err)
	}
	return nil
}

func (b *Bus) asyncError(sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
		dropped, _ := sub.Dropped()
		b.log.Warn("watcher falls behind, committed events were not delivered to it", "subject", sub.Subject, "dropped", dropped)
		return
	}
	b.log.Error("bus", "error", err)
}

// end closes the link in the order that gives no submission a wrong answer.
func (l *link) end() {
	l.once.Do(func() {
		if l.door != nil {
			l.door.close()
		}
		if l.ledger != nil {
			_ = l.ledger.Unsubscribe()
		}
		l.conn.Close()
		if l.server != nil {
			l.server.Shutdown()
			l.server.WaitForShutdown()
		}
	})
}

// use makes l the link of b: watchers first, so that they miss nothing that is submitted from now on.
func (b *Bus) use(l *link) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Err(); err != nil {
		return err
	}
	for w := range b.watchers {
		if err := w.subscribe(l, b.opts.MaxWatch); err != nil {
			return err
		}
	}
	if err := l.conn.Flush(); err != nil {
		return fmt.Errorf("connect to bus: %w", err)
	}
	b.link = l
	close(b.changed)
	b.changed = make(chan struct{})
	b.requeue()
	b.send()
	return nil
}

// linkLost is told once for each link that ended.
func (b *Bus) linkLost(l *link) {
	b.mu.Lock()
	current := b.link == l
	if current {
		b.link = nil
	}
	b.mu.Unlock()
	switch {
	case !current: // it was never used, or Close ends it
	case b.join == nil:
		b.markClosed(ErrClosed)
	default:
		b.rejoin(l)
	}
}

// Changed is closed when the process gets a new connection to the ledger: after that, watchers may have missed events.
func (b *Bus) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Owner reports whether this process owns the ledger now.
func (b *Bus) Owner() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.link != nil && b.link.server != nil
}

// ByService reports whether the ledger is owned by a process that stays to serve others, and not by one that runs and ends.
func (b *Bus) ByService() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.link != nil && b.link.service
}
