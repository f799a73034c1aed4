// Package oauth is the token endpoint: a client of a source buys short-lived
// access tokens there with the client credentials grant (RFC 6749 §4.4). It
// proves who it is in one of two ways:
//
//   - with a client secret, in the form or by HTTP Basic (RFC 6749 §2.3.1); a
//     source may have several at a time, so that one can be rotated;
//   - with a client assertion (RFC 7523 §2.2), a JWT that another issuer signed
//     for it. Entra calls that workload identity federation. What such a JWT
//     must say is pinned beforehand, with Directory.Federate.
//
// The client_id is the public id of the source. A refresh token is never
// issued (RFC 6749 §4.4.3), and scope is ignored: a token speaks for its source
// and can do what the source can.
//
// Assertions are verified with go-jose: it parses a JWT only with the algorithms
// that the caller lists, so that "none" and HMAC with a public key can't come
// up. The key set is our own, 100 lines, because go-oidc's has no bound for the
// body and asks the issuer again on every unknown key id, which anyone can make
// up.
//
// Every refusal costs one look-up and one hash or signature, whatever is wrong;
// an issuer is asked for its keys at most twice a minute.
package oauth
