// Package ad brings users and groups of an Active Directory domain to Workspace:
// a [connectors.Source] on top of connectors/ad/dirsync. What it brings, and as
// which attributes, is said by a [Document] that an administrator reads and
// changes on the server.
//
// A [Source] knows nothing from the pull before. So it says of each object what can be
// said without knowing what was told before, in the smallest form that is right:
//
//   - A change that can't have moved the object into or out of scope is told in
//     part, by the rules that read what changed. If the server doesn't know the
//     object, Change.Read judges it.
//   - A change that may have moved it is judged on the object as it is now, read
//     by its GUID: told whole, or as out of scope. Because the server ended the
//     memberships and references of an object that left, those are told again
//     for one that enters.
//   - Members and managers are told as the directory has them, in scope or not.
//     The server parks a reference to what it doesn't know and joins it when that
//     arrives.
//
// All that is looked up is newer than what the change stream says, never older:
// the stream is opened first. What changes after that comes with the next pull,
// so a judgement by newer facts is made again and converges.
//
// What grows with the directory and is kept in memory during a pull: the
// containers, if the scope names some; the members of the groups of the scope;
// the GUIDs of computers, and of groups where nesting matters, if a group with
// many members is told; one group's members, with those of the groups within it
// if they are flattened.
package ad
