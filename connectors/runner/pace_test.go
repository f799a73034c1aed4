package runner

import (
	"testing"
	"time"
)

// A server that is slow gets less at once, so that no transaction of it takes
// long; one that has become quick again gets more.
func TestPagesFollowTheServersPace(t *testing.T) {
	most := pageChanges
	for range 10 {
		most = paced(most, 2*slowPage)
	}
	if most != leastPage {
		t.Errorf("a slow server gets %d changes at once, want %d", most, leastPage)
	}
	if got := paced(most, (slowPage+quickPage)/2); got != most {
		t.Errorf("a server that is neither slow nor quick gets %d, want %d as before", got, most)
	}
	for range 10 {
		most = paced(most, time.Millisecond)
	}
	if most != pageChanges {
		t.Errorf("a quick server gets %d changes at once, want %d", most, pageChanges)
	}
}
