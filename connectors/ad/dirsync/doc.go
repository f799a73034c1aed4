// Package dirsync reads an Active Directory domain and what changes in it, over
// LDAP with the DirSync control (MS-ADTS 3.1.1.3.4.1.3), or by update sequence
// numbers where the right for that is missing ([ModeUSNChanged]). It knows nothing
// of what becomes of the changes.
//
// A [Session] is one controller of the domain. [Session.Changes] gives
// everything, or what changed after a checkpoint, as [Object] values: which
// object by its GUID, which attributes have which values now, which links were
// added and removed, and what became of the object. A checkpoint comes only with
// a complete answer, so that whoever keeps a checkpoint when all that came
// before it is settled misses nothing, whatever is cut, stalled or killed: the
// same changes come again.
//
// Where a checkpoint can't be continued, the answer is a full read and says why
// ([Reason]), before it gives anything; a cookie alone would not do for that.
// What a controller doesn't say is left to the consumer, who keeps what it was
// told: the groups of a deleted member, the objects below a renamed container,
// the members of a primary group, the attributes of an object that was restored.
// [Session.Object], [Session.LinkValues], [Session.Containers] and [Session.Find]
// look those up at the same controller.
//
// The messages of LDAP are read by this package itself, as the consumer asks for
// them, and by no goroutine: decision 0007.
package dirsync
