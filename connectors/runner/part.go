package runner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Part is the part of a source's objects that a cycle is about. An object is in
// the same one for ever, wherever in the directory it moves, because its anchor
// decides. The zero Part is all of them.
type Part struct {
	Index, Of int // Index counts from 0; Of is how many parts there are
}

// maxParts is how many parts a source has at most.
const maxParts = 16

// ReadParts reads into how many parts "partitions" of a configuration document
// divides the source: 1 to 16, and 1 if it doesn't say.
func ReadParts(configuration json.RawMessage) (int, error) {
	doc := struct {
		Partitions int `json:"partitions"`
	}{1}
	if len(configuration) > 0 {
		if err := json.Unmarshal(configuration, &doc); err != nil {
			return 0, fmt.Errorf("the partitions of the configuration can't be read: %w", err)
		}
	}
	if doc.Partitions < 1 || doc.Partitions > maxParts {
		return 0, fmt.Errorf("partitions is %d: give 1 to %d", doc.Partitions, maxParts)
	}
	return doc.Partitions, nil
}

// Name is the partition's name for leases, checkpoints and runs: "default" for
// all of a source, else as in "2of3". Another number of parts has other names,
// so that each of them begins with a full pull.
func (p Part) Name() string {
	if p.Of <= 1 {
		return "default"
	}
	return fmt.Sprintf("%dof%d", p.Index+1, p.Of)
}

// owns says whether an object is in the part. What has no anchor is in the
// first.
func (p Part) owns(anchor string) bool {
	switch {
	case p.Of <= 1:
		return true
	case anchor == "":
		return p.Index == 0
	}
	sum := sha256.Sum256([]byte(anchor))
	return binary.BigEndian.Uint64(sum[:8])%uint64(p.Of) == uint64(p.Index)
}

// share is the part's share of a number.
func (p Part) share(n int) int {
	of := max(p.Of, 1)
	return (n + of - 1) / of
}

// shared are the part's share, rounded down, of what the limits count of a source.
// So the counts of all parts together stay within the source's, and not all parts
// lose everything or more than the percentage where the source may not.
func (l Limits) shared(p Part) Limits {
	for _, n := range []*int{&l.Deletes, &l.Disables, &l.MembershipRemovals, &l.PercentFrom, &l.Emptied} {
		*n /= max(p.Of, 1)
	}
	return l
}
