// Package document holds resources in memory: a tree of values keyed by the
// attributes of scim/schema, with its JSON codec.
//
// A document is what a source asserted, in canonical form: attribute names in
// the schema's spelling and order, no nulls, no empty lists (RFC 7643 §2.5:
// both mean unassigned), values exactly as they were sent. It holds neither id
// nor meta, nor what lives in rows of its own (members, groups) or is derived
// (Origin).
//
// The package is a leaf above scim/schema.
package document
