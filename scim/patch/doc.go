// Package patch reads and applies PATCH requests (RFC 7644 §3.5.2).
//
// Parse reads the message, checks all that can be checked without the resource,
// and turns each operation into changes: a value without path becomes one
// change per attribute, in the order sent, so there is one form to apply.
// Patch.Apply carries the changes out on a document, all or none of them.
//
// Group.members is not part of a document (schema.InMembers): operations on it
// come out as Patch.Members, for the caller to carry out on rows.
//
// Where the RFC leaves room, this package reads it so:
//
//   - An add of an element that is already there changes nothing, whatever its
//     "primary" is; what the new one says of primary is taken over.
//   - An element whose primary becomes true takes it from the others (§3.5.2).
//     One operation that would make several elements primary is refused.
//   - A remove whose filter matches nothing changes nothing, so a replayed
//     request is harmless; an add or replace whose filter matches nothing is
//     noTarget (§3.5.2.3).
//   - A replace by a value filter merges the given sub-attributes into the
//     matching elements.
//   - An element of which a change leaves no more than type and primary says
//     nothing and goes, as in Microsoft's reference code.
//   - Elements that a change has made equal are one (RFC 7643 §2.4).
//   - A new value of a complex attribute takes away the $ref to the old one.
//   - In a value without path, readOnly and unknown attributes are ignored, as
//     they are in a POST (§3.3); as a path they are refused.
//   - Nulls inside a complex value are unassigned attributes (RFC 7643 §2.5).
//   - A password is checked and forgotten.
package patch
