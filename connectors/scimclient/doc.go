// Package scimclient speaks with a Workspace server as a connector does: SCIM
// (RFC 7644) for what it brings, and the API of connectors for its lease,
// checkpoint, runs and problems. Whether the server is elsewhere or in the same
// process is decided by the [net/http.RoundTripper] alone.
//
// What can succeed later is tried again: 429 and 503 after the time that the
// server names, broken connections after a growing time with jitter. A request
// that may have been carried out is only repeated where doing it twice is doing
// it once; else the error says so ([Uncertain]) and the caller looks first.
//
// A token goes into the Authorization header and nowhere else: no error and no
// log line has it.
package scimclient
