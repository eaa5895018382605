package config

import "net"

// listenSpec is an address to listen on; empty for none.
func listenSpec() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		v := n.val.(string)
		if _, port, err := net.SplitHostPort(v); v != "" && (err != nil || port == "") {
			return "got " + shown(v), `HOST:PORT such as "127.0.0.1:9464"`
		}
		return "", ""
	}}
}
