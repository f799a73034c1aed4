// Package dialect mends the form of what real provisioning clients send, before
// the strict code below it reads the request.
//
// Each repair has an id, a client, a source and a counter, a test with the body
// as it was sent, and a row in docs/compatibility.md; All lists them. A repair
// never makes a correct request mean something else: it is asked only where a
// strict reading would refuse. The exceptions are EmptyClears, RolesJSON and, in
// values without a path, CustomAttribute; the reasons stand at their constants.
//
// The package judges nothing: whose value wins, or who may write, is decided
// elsewhere. It knows HTTP only by the query string, and by the search that
// stands for one.
package dialect
