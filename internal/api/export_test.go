package api

import "slices"

// Description is the OpenAPI document, for the tests of the door.
func Description() []byte { return New(Config{}).description }

// Routes are the methods of all routes, as in "GET /sources/{id}".
func Routes() []string {
	var all []string
	for _, x := range New(Config{}).endpoints() {
		for method := range x.methods {
			all = append(all, operationKey(method, x.path))
		}
	}
	slices.Sort(all)
	return all
}

// Statuses are the codes of the core's refusals.
func Statuses() map[string]int { return statuses }
