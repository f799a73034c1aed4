// Package runner brings what a [connectors.Source] tells to Workspace. It is
// the same for every source that pulls, in an agent and inside the server.
//
// What is told page by page becomes the fewest SCIM writes: an object that
// Workspace doesn't know is created, a whole one replaced, a partial one
// patched; what turns out to change nothing costs no event. Ids are found by
// externalId, which is the anchor. References (members, manager) go out as
// anchors; the server parks those whose target hasn't arrived. In a full pull
// groups wait for the users, so that few members have to be parked.
//
// # What a checkpoint stands for
//
// A checkpoint is saved when everything told before it is settled: written, or
// refused for a reason of the object's own and kept with the checkpoint, to be
// tried again. What can succeed later (no connection, 429, 503) settles
// nothing: the run fails and the next one begins at the checkpoint before. So a
// crash anywhere leads to repetition, never to a gap, and repetition changes
// nothing, because every write says what is, and a create whose answer was lost
// is looked up before it is sent again.
//
// # What destroys
//
// Deletes, disables and removals of members are set aside until the pull has
// ended, counted, and held against the [Limits]. Within them they are carried
// out. Over them everything else goes on and they become a plan on the server
// that a person approves by its hash; what is approved is done at the end of the
// next pull, but for what has changed since, whatever else has to be held then. A
// plan that is rejected is forgotten, and the next pull is full, which tells again
// what the directory says.
//
// An object that left the scope is treated as one that was deleted, and as one
// that a full pull with Absence didn't tell: the source ends its link. A user
// without another link is disabled and kept for the grace time, so whoever
// comes back gets the same id.
//
// # Who comes back
//
// An object that is told as deleted and then as present has a new life: groups that
// have it as a member and users whose manager it is are those that are told after
// that. Others that Workspace knows, by references that waited for it too, end with
// the pull, as removals of members that count for the limits. Each part does that in
// its own groups and users, whosever the object is: a full pull isn't told of
// deletions, but it is told the part's groups and users whole. Until the object has
// arrived, what was told of it is kept with the checkpoint. Of one that is deleted
// before it ever arrived, the server is told, so that nothing waits for it.
//
// # Preview
//
// [Preview] makes the plan of a full pull by the same decisions and shows it,
// object by object. It writes nothing.
//
// # Memory
//
// One page (500 changes or 2 MiB of them), 256 changes that the source is ahead,
// what is set aside, and, in a full pull, 8 MiB of groups and 48 bytes for each
// object of the source.
package runner
