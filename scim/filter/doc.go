// Package filter reads SCIM filters and attribute paths, resolves them against
// a resource type, and evaluates them.
//
// A filter goes three steps. Parse turns text into the syntax tree of
// github.com/scim2/filter-parser/v2 (RFC 7644 §3.4.2.2), knowing no schema.
// Resolve turns the tree into an Expr: names become attributes, operands get
// their attributes' types, and what makes no sense is refused. Match evaluates
// an Expr on a document; the store compiles the same Expr to SQL and uses Match
// for what SQL can't say. PATCH paths (RFC 7644 §3.5.2) go the same way through
// ParsePath, ResolveElement and MatchElement.
//
// Input is hostile: text, nesting and size are bounded, and no input panics.
// Everything here is a pure function, safe for concurrent use.
package filter
