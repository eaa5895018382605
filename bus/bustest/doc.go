// Package bustest runs NATS servers for tests: processes of the test's own binary, with the configuration in deploy/nats.
//
//	func TestMain(m *testing.M) { bustest.Main(); os.Exit(m.Run()) }
//	servers := bustest.Start(t, 3)
//	servers.Kill(servers.Leader("proctor-0"))
package bustest
