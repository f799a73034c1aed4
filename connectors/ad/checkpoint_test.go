package ad

import (
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// A checkpoint is read as it was written, and one of the first version too, which
// had no switchedAt.
func TestCheckpointsOfBothVersionsAreRead(t *testing.T) {
	want := checkpoint{domain: dirsync.GUID{1}, lookedAt: time.Unix(1000, 0).UTC(), nextExpiry: time.Unix(2000, 0).UTC(),
		switchedAt: time.Unix(3000, 0).UTC(), directory: []byte("of dirsync")}
	encoded := want.encode()
	check := func(b []byte) {
		t.Helper()
		got, err := decodeCheckpoint(b)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(checkpoint{})); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	check(encoded)
	earlier := slices.Delete(encoded[:len(encoded)-sha256.Size], checkpointHead, checkpointHead+8)
	copy(earlier, firstMagic)
	sum := sha256.Sum256(earlier)
	want.switchedAt = time.Time{}
	check(append(earlier, sum[:]...))
	want.setBack = true
	check(want.encode())
}
