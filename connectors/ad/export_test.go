package ad

// OfPeople is for the comparison with a real schema.
var OfPeople = ofPeople
