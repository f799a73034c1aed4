package ad

import "time"

// OfPeople is for the comparison with a real schema.
var OfPeople = ofPeople

// Aged gives a checkpoint as it would be if it had been made so long before.
func Aged(b []byte, by time.Duration) ([]byte, error) {
	c, err := decodeCheckpoint(b)
	c.lookedAt = c.lookedAt.Add(-by)
	return c.encode(), err
}
