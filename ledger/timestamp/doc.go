// Package timestamp reads and checks time-stamps by RFC 3161: an authority's signature over a hash and a time.
//
//	request := timestamp.BuildRequest(data, nonce)
//	token, err := timestamp.ParseResponse(answer)   // asked by package tsa
//	err = token.Answers(nonce)
//	err = token.Verify(data)                        // imprint, signed attributes, signature, certificate
//	root, err := token.Chain(roots)                 // whether a root that is trusted vouches for the authority
//
// It is pure: no network, no clock, no randomness. What it accepts is DER without a byte too many, bounded before it is read. Where RFC 3161
// or RFC 5652 (the signed message around the time) lay a rule down, their section stands beside it.
//
// Of algorithms it takes SHA-256, SHA-384 and SHA-512, with RSA (PKCS #1 v1.5 or PSS, 2048 bits or more), ECDSA (P-256 and up) and Ed25519. The
// hash of the signing certificate inside the token may be SHA-1, which RFC 3161 prescribes: it names a certificate and proves nothing alone.
//
// Verify says that whoever has the key of the certificate in the token signed the time. Anybody can make such a certificate: only
// Chain says who that is. Neither asks whether a certificate was revoked, and the authority's accuracy is not read.
package timestamp
