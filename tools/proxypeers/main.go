// Command proxypeers runs the Go proxies that ours is measured against, on loopback ports that it prints: goproxy for HTTP and
// CONNECT, go-socks5 for SOCKS5. It ends with its standard input. It is a module of its own: the product needs neither.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/armon/go-socks5"
	"github.com/elazarl/goproxy"
)

func main() {
	log.SetOutput(io.Discard)
	plain := goproxy.NewProxyHttpServer()
	plain.Tr = &http.Transport{MaxIdleConnsPerHost: 64} // the default of 2 would have it dial for nearly every request
	socks, err := socks5.New(&socks5.Config{Logger: log.New(io.Discard, "", 0)})
	fail(err)
	h, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	s, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	fmt.Println(h.Addr(), s.Addr())
	var serving sync.WaitGroup
	serving.Go(func() { fail(http.Serve(h, plain)) })
	serving.Go(func() { fail(socks.Serve(s)) })
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "proxypeers:", err)
		os.Exit(1)
	}
}
