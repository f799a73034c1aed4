package reconcile

import "fmt"

// The sentences of the log, as a person reads them (rows A036–A039). Names are
// as they were at the time.

// Assigned is that a user got an item; watch says that it would have.
func Assigned(user, item, group string, watch bool) string {
	return fmt.Sprintf("%s %s assigned to %s because this user is now a member of the group %s.", user, was(watch), item, group)
}

// Removed is that a user lost an item.
func Removed(user, item, group string, watch bool) string {
	return fmt.Sprintf("%s %s removed from %s because this user is no longer a member of the group %s.", user, was(watch), item, group)
}

// Kept is that a user who is no longer a member has an item for another reason.
func Kept(user, item, group string) string {
	return fmt.Sprintf("%s is no longer a member of the group %s and keeps %s for another reason.", user, group, item)
}

// NotEntitled is that a member of the group lost an item.
func NotEntitled(user, item, group string, watch bool) string {
	return fmt.Sprintf("%s %s removed from %s because this member of the group %s no longer has the Microsoft Online service.", user, was(watch), item, group)
}

// Skipped is that a member of the group didn't get an item.
func Skipped(user, item, group, reason string) string {
	why := "is not known"
	if reason == SkipNotEligible {
		why = "does not have the Microsoft Online service"
	}
	return fmt.Sprintf("%s was not assigned to %s because this member of the group %s %s.", user, item, group, why)
}

// GroupNotFound is that an item could not be compared.
func GroupNotFound(item, group, id string) string {
	return fmt.Sprintf("%s was not reconciled because its group %s (%s) cannot be found. Nobody was removed.", item, group, id)
}

// Suspended is that an item is no longer kept in sync though it should be.
func Suspended(item, rule string) string {
	return fmt.Sprintf("%s is no longer kept in sync: %s Nobody was removed.", item, UnfitDetail(rule))
}

func was(watch bool) string {
	if watch {
		return "would have been"
	}
	return "was"
}
