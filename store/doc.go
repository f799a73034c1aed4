// Package store is the contract of Workspace's storage: records, queries, the
// transaction and the errors. It holds no SQL; store/gormstore fulfils it on
// SQLite and PostgreSQL, and store/storetest is the suite that each backend
// passes.
//
// # What is stored
//
// A resource (user or group) has one resolved document. Each source that
// asserted it has a link to it. A link has a document of its own only where the
// source's differs from the resolved one, so a user with one source is stored
// once. A view is what one reader sees: a source sees the resources that it has
// a live link to, with its own documents; the administrator sees the resolved
// ones. Documents are canonical JSON (scim/document) without id, meta, members
// and groups; beside each document stand its index rows.
//
// Memberships are rows of (group, member, source). The resolved members of a
// group are those that its authority asserts.
//
// # Transactions
//
// Everything that one call of Update writes becomes visible and durable
// together, or not at all. Every read in an Update sees its own writes.
package store
