// Package mapping is the rules by which a source's records become SCIM resources:
// which of them are in scope, what they are recognized by, and which attribute
// comes from what. Rules are data ([Rules]), which [Compile] checks against the
// schema of a resource type; what comes of it, a [Mapping], is a pure function
// from a record to what is to be asserted ([Mapping.Apply]): no clock, no store,
// no randomness but what it is given. So a preview and a run are the same.
//
// What a record leaves out says nothing, and what it says is null clears. This
// is kept apart all the way: an expression over attributes of which the record
// names none isn't worked out, and one of which it names some reads the others
// from what was said before.
package mapping
