package execserver

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

// maxConnections bounds the clients of a listener.
const maxConnections = 32

// ErrAddress means that clients of other machines could connect, or that the address is none.
var ErrAddress = errors.New("expected ws://127.0.0.1:PORT or ws://[::1]:PORT: this server is for clients of this machine only")

// Listen opens the loopback address of a URL ws://IP:PORT; port 0 takes a free one.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "ws" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("listen on %s: %w", clip(address, 200), ErrAddress)
	}
	at, err := netip.ParseAddrPort(u.Host)
	if err != nil || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("listen on %s: %w", clip(address, 200), ErrAddress)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", at.String())
}

// socket is a Conn over WebSocket, one message a frame.
type socket struct{ *websocket.Conn }

func (socket) Transport() string { return "websocket" }

// Read implements Conn.
func (s socket) Read() ([]byte, error) {
	var frame []byte
	err := websocket.Message.Receive(s.Conn, &frame)
	return frame, err
}

// Write implements Conn. The library holds a lock for each frame.
func (s socket) Write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return websocket.Message.Send(s.Conn, string(b))
}

// ServeListener serves clients that connect to l until ctx ends. With a token only those who bear it: as Authorization, or as the path of
// the URL. Browsers, which name an origin, are turned away. Failed is told the errors of connections.
func (s *Server) ServeListener(ctx context.Context, l net.Listener, token string, failed func(error)) error {
	var clients sync.WaitGroup
	slots := make(chan struct{}, maxConnections)
	ws := websocket.Server{
		Handshake: func(_ *websocket.Config, r *http.Request) error { return admit(r, token) },
		Handler: func(to *websocket.Conn) {
			to.MaxPayloadBytes = MaxFrame
			if err := s.Serve(ctx, socket{to}); err != nil {
				failed(err)
			}
		},
	}
	server := http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			clients.Add(1)
			defer func() { <-slots; clients.Done() }()
			ws.ServeHTTP(w, r)
		default:
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
		}
	})}
	var serving sync.WaitGroup
	ended := make(chan error, 1)
	serving.Go(func() { ended <- server.Serve(l) })
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = server.Close()
	}
	clients.Wait()
	serving.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

var (
	errOrigin = errors.New("a connection with an Origin header comes from a browser")
	errToken  = errors.New("the token is missing or wrong")
)

// admit decides about a handshake.
func admit(r *http.Request, token string) error {
	if r.Header.Get("Origin") != "" {
		return errOrigin
	}
	if token == "" {
		return nil
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, given := range []string{bearer, strings.TrimPrefix(r.URL.Path, "/")} {
		if subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 1 {
			return nil
		}
	}
	return errToken
}
