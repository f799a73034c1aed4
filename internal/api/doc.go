// Package api is the door of connectors and of those who run them: sources with
// their mode and configuration, leases, checkpoints, runs, problems and agents,
// as JSON under /api/v1. What it answers is worked out by internal/directory; it
// only reads requests and writes answers. docs/api.md describes every endpoint.
//
// The bearer tokens are those of the SCIM endpoint: an admin token sees the
// whole tenant, a source's token its own source, and what it doesn't see is
// 404 as if it weren't there. Errors are problem details (RFC 9457) with a
// stable code.
package api
