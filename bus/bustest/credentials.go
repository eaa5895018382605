package bustest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// StartWithCredentials is Start with servers whose users are JWTs of an operator instead of names and passwords. It returns the file of a
// user who may do everything in the account.
func StartWithCredentials(t testing.TB, n int) (s *Servers, file string) {
	t.Helper()
	operator, account, user := newKey(t, nkeys.CreateOperator), newKey(t, nkeys.CreateAccount), newKey(t, nkeys.CreateUser)
	system := newKey(t, nkeys.CreateAccount)
	o := jwt.NewOperatorClaims(operator.id)
	a := jwt.NewAccountClaims(account.id)
	a.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	u := jwt.NewUserClaims(user.id)
	u.IssuerAccount = account.id
	conf := fmt.Sprintf("operator: %q\nresolver: MEMORY\nsystem_account: %s\nresolver_preload: { %s: %q, %s: %q }\n", signed(t, o, operator),
		system.id, account.id, signed(t, a, operator), system.id, signed(t, jwt.NewAccountClaims(system.id), operator))
	text, err := jwt.FormatUserConfig(signed(t, u, account), user.seed)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, n, []nats.Option{nats.UserCredentials(file)}, []func(file, text string) string{func(file, text string) string {
		if file == "accounts.conf" {
			return conf
		}
		return text
	}}), file
}

type nkey struct {
	pair nkeys.KeyPair
	id   string
	seed []byte
}

func newKey(t testing.TB, create func() (nkeys.KeyPair, error)) (k nkey) {
	t.Helper()
	var err error
	if k.pair, err = create(); err == nil {
		if k.id, err = k.pair.PublicKey(); err == nil {
			k.seed, err = k.pair.Seed()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t testing.TB, c jwt.Claims, by nkey) string {
	t.Helper()
	text, err := c.Encode(by.pair)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
