// Package schema is the attribute dictionary: it compiles the SCIM library's
// schema definitions (RFC 7643 §7) once into the tables that the codec, the
// filter resolver, the PATCH engine, the projection and the index share.
//
// Two things make the rest of the server simple. A resource type is one complex
// attribute whose sub-attributes are the common attributes, the core attributes
// and, under their URN, the extensions; so "an extension" is no special case
// anywhere else. And an attribute is a pointer that is equal to itself only, so
// nothing downstream compares names.
//
// Everything here is immutable after construction and safe for concurrent use.
// The package is a leaf: it knows nothing of HTTP, storage or the rules.
package schema
