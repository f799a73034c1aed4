// Package app assembles the server: the store, the core, the SCIM endpoint, the
// token endpoint, health and metrics, in one http.Server. It decides nothing
// about users and groups.
//
// A request passes, from the outside in: the request id, the log line and the
// metrics, the recovery from panics, the security headers, then the router. The
// routes are
//
//	/scim/v2/…      package scim; a token picks tenant and source
//	/oauth2/token   package scim/oauth; client credentials buy access tokens
//	/healthz        the process answers
//	/readyz         the database answers and the server isn't shutting down
//	/metrics        Prometheus; it names routes and repairs, no tenant
//
// The last three need no token.
package app
