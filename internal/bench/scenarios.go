package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// The names of the scenarios that others are compared with.
const (
	nameCreate1  = "create, 1 client"
	nameCreate   = "create"
	namePatch    = "PATCH one attribute"
	nameByID     = "GET by id"
	nameByName   = "look-up by userName"
	nameByExtID  = "look-up by externalId"
	nameByMail   = "look-up by work e-mail"
	nameFirst    = "page of 100 at index 1"
	nameLast     = "page of 100 at the end"
	nameByCursor = "whole list by cursor"
	nameByIndex  = "whole list by index"
	nameBulk     = "bulk of 1,000 creates"
)

// lookups are the names of the scenarios that read one user.
var lookups = []string{nameByID, nameByName, nameByExtID, nameByMail}

// reads are the scenarios that change nothing.
func (b *bench) reads() []scenario {
	find := func(name, attribute string, value func(person) string) scenario {
		return scenario{name: name, clients: b.clients, unit: 1, floor: echoFloor, check: one,
			ask: func(w *world, _ *client) request {
				return get(filterPath(attribute, value(personOf(rand.IntN(w.users)))))
			}}
	}
	page := func(name string, start func(w *world) int) scenario {
		return scenario{name: name, clients: 1, unit: 1, floor: echoFloor,
			ask: func(w *world, _ *client) request {
				return get(fmt.Sprintf("%s?startIndex=%d&count=100", scimUsers, start(w)))
			}}
	}
	return []scenario{
		{name: nameByID, clients: b.clients, unit: 1, floor: echoFloor,
			ask: func(w *world, _ *client) request { return get(w.path(rand.IntN(w.users))) }},
		find(nameByName, "userName", person.userName),
		find(nameByExtID, "externalId", person.externalID),
		find(nameByMail, `emails[type eq "work"].value`, person.mail),
		page(nameFirst, func(*world) int { return 1 }),
		page(nameLast, func(w *world) int { return max(1, w.users-99) }),
	}
}

// writes are the scenarios that change users or add to them. Those that add come
// last, because they make the small databases larger.
func (b *bench) writes() []scenario {
	return []scenario{
		{name: namePatch, clients: b.clients, unit: 1, floor: echoFloor, ask: patchOne},
		{name: nameCreate1, clients: 1, unit: 1, floor: rowsFloor, ask: createOne},
		{name: nameCreate, clients: b.clients, unit: 1, floor: rowsFloor, ask: createOne},
		{name: nameBulk, clients: 1, unit: bulkSize, ask: createMany, check: allCreated},
	}
}

// one checks that a look-up found exactly one resource.
func one(answer []byte) error {
	if !bytes.Contains(answer, []byte(`"totalResults":1,`)) {
		return fmt.Errorf("not one resource: %.300s", answer)
	}
	return nil
}

func createOne(w *world, c *client) request {
	c.scratch = w.person().appendBody(c.scratch[:0])
	return request{http.MethodPost, scimUsers, c.scratch, http.StatusCreated}
}

// patchOne changes the displayName of a user, as Entra sends it.
func patchOne(w *world, c *client) request {
	b := append(c.scratch[:0], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"displayName","value":"Ines Okafor-`...)
	c.scratch = append(strconv.AppendUint(b, rand.Uint64(), 36), `"}]}`...)
	return request{http.MethodPatch, w.path(rand.IntN(w.users)), c.scratch, http.StatusOK}
}

func createMany(w *world, c *client) request {
	c.scratch = appendBulk(c.scratch[:0], bulkSize, func(int) person { return w.person() })
	return request{http.MethodPost, scimBulk, c.scratch, http.StatusOK}
}

// allCreated checks the answer to a bulk request of creates.
func allCreated(answer []byte) error {
	if n := bytes.Count(answer, []byte(`"status":"201"`)); n != bulkSize {
		return fmt.Errorf("%d of %d creates succeeded: %.300s", n, bulkSize, answer)
	}
	return nil
}
