// Package inbound is the door of HR tools: it speaks as Microsoft Graph does for
// API-driven inbound provisioning, so that the clients that are published for it
// can be pointed here unchanged. bulkUpload accepts users and answers 202; the
// look-ups around it, and the provisioning log, tell what became of them. What an
// upload means is the business of internal/directory; docs/uploads.md describes
// both.
//
// A service principal is a source, its one synchronization job the work on its
// uploads, a cycle a run. The bearer tokens are those of the SCIM endpoint: a
// source's token is for its own job, an admin token sees all of the tenant and
// uploads nothing.
package inbound
