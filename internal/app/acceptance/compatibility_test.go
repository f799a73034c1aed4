package acceptance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// Rows H030 and H041: without an order, the same function says the same.
func TestCompatibilityIsWhatAnOrderWouldBe(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		fits := s.product("Fits", s.own)
		p := s.admin.create("/CatalogProducts", object{"displayName": "Visio", "groups": refs(s.local, s.cloud, s.own), "alternatives": refs(fits)})
		blocked := s.product("Blocked", s.local)
		ask := func(user, product string) *answer {
			t.Helper()
			return s.api("GET", "/compatibility?user="+user+"&product="+product, nil)
		}
		s.unchanged(t, func() {
			a := ask(s.onPrem, p).status(200).is("outcome", "partial").is("user/display", "Olga").is("product/display", "Visio")
			a.is("lines", s.preview(p, s.onPrem).at("lines")).is("alternatives", list{object{"id": fits, "display": "Fits"}})
			ask(s.hybrid, p).is("outcome", "complete")
			ask(s.inCloud, blocked).status(200).is("outcome", "blocked").is("lines/0/reason", "cloudUserOnPremGroup").is("alternatives", list{})
		})
		ask(nobody, p).status(404)
		ask(s.onPrem, s.local).status(404)
		ask(s.onPrem, "").status(400)
		s.api("GET", "/compatibility?user="+s.onPrem+"&product="+p+"&x=1", nil).status(400)
		for _, path := range []string{"/compatibility?user=" + s.onPrem + "&product=" + p, "/compatibility/map", "/pending-exports"} {
			s.ad.get(s.house.URL + "/api/v1" + path).status(403)
		}
	})
}

// Row H029: a user of one domain fits another one's groups only by a trust.
func TestH029ATrustBetweenDomainsCounts(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		eu := s.source(store.SourceAD, "eu", store.Policies{})
		u := eu.create("/Users", user("eu@contoso.com"))
		p := s.product("Visio", s.local)
		path := "/compatibility?user=" + u + "&product=" + p
		s.api("GET", path, nil).is("lines/0/reason", "otherDomain")
		s.api("GET", "/compatibility/map", nil).is("items/0/unlock/kind", "account")
		if err := s.house.Directory.SetPolicies(t.Context(), "provider", s.slug, "ad", store.Policies{Trusts: []string{"eu"}}); err != nil {
			t.Fatal(err)
		}
		s.api("GET", path, nil).is("lines/0/verdict", "compatible").is("outcome", "complete")
		s.order(p, u).status(201).is("lines/0/state", "pendingExport").is("lines/0/command", nil)
	})
}

// A source that disabled its account of a user is no presence (docs/model.md).
func TestAnAccountThatIsDisabledThereDoesNotCount(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.cloud)
		path := "/compatibility?user=" + s.hybrid + "&product=" + p
		s.api("GET", path, nil).is("outcome", "complete")
		s.entra.patch("/Users/"+s.hybrid, op("replace", "active", false)).status(200)
		s.admin.get("/Users/"+s.hybrid).is("active", true)
		s.api("GET", path, nil).is("outcome", "blocked").is("lines/0/reason", "onPremUserCloudOnlyGroup")
		s.api("GET", "/compatibility/map", nil).is("items/0/people", object{"complete": 1, "blocked": 3})
	})
}

func TestTheMapCountsPeopleForEachProduct(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		for i := range 3 {
			s.ad.create("/Users", user(fmt.Sprintf("more%d@contoso.com", i)))
		}
		s.ad.create("/Users", user("gone@contoso.com", "active", false))
		dynamic := s.entra.create("/Groups", group("All", wsGroupURN, object{"groupType": "dynamic"}))
		s.product("Both", s.local, s.cloud)
		s.product("Dynamic", s.own, dynamic)
		s.product("Free")
		a := s.api("GET", "/compatibility/map?limit=2", nil).status(200)
		people := 0.0
		crowds, _ := a.at("crowds").(list)
		for i, c := range crowds {
			people += c.(object)["people"].(float64)
			names := []string{}
			for _, x := range c.(object)["presence"].(list) {
				names = append(names, x.(object)["name"].(string))
			}
			want := map[string]string{"ad": "partial", "entra": "partial", "entra ad": "complete", "workspace": "blocked"}[strings.Join(names, " ")]
			if c.(object)["active"] == false {
				want = "blocked"
			}
			a.is(fmt.Sprintf("items/0/cells/%d/outcome", i), want)
		}
		if people != 8 {
			t.Errorf("%v people in %v", people, crowds)
		}
		a.is("items/0/product/display", "Both").is("items/0/people", object{"complete": 1, "partial": 5, "blocked": 1}).
			is("items/0/unlock/kind", "account").is("items/0/unlock/source/name", "entra").is("items/0/unlock/people", 4)
		a.is("items/1/people", object{"partial": 7}).is("items/1/unlock/kind", "group").is("items/1/unlock/group/id", dynamic).is("items/1/unlock/people", 7)
		rest := s.api("GET", "/compatibility/map?limit=2&cursor="+a.text("nextCursor"), nil).status(200)
		rest.is("items/0/product/display", "Free").is("items/0/people", object{"complete": 7}).is("items/0/unlock", nil).is("items/1", nil).is("nextCursor", nil)
		s.api("GET", "/compatibility/map?cursor=x", nil).status(400)
	})
}

// Row E082.
func TestE082WhatADirectoryHasStillToBeToldIsListed(t *testing.T) {
	clock := &apptest.HandClock{}
	each(t, func(t *testing.T, h *house) {
		s := newShop(h.tenant(t))
		exports := func(parameters string) *answer {
			t.Helper()
			return s.api("GET", "/pending-exports"+parameters, nil).status(200)
		}
		exports("").is("items", list{}).is("counts", nil)
		p := s.product("Visio", s.local, s.cloud, s.own)
		first := s.order(p, s.onPrem).status(201).text("id")
		clock.Add(time.Hour)
		second := s.order(p, s.hybrid).status(201).text("id")

		a := exports("").is("items/3", nil).is("nextCursor", nil)
		a.is("items/0/order/id", first).is("items/0/user/id", s.onPrem).is("items/0/group/id", s.local).is("items/0/group/display", "Local").
			is("items/0/source/name", "ad").is("items/0/age", 3600).is("items/0/overdue", false).
			is("items/0/command", "Add-ADGroupMember -Identity '"+guid(2)+"' -Members '"+guid(1)+"'")
		a.is("items/1/order/id", second).is("items/1/age", 0).is("items/2/source/name", "entra").
			is("items/2/command", "New-MgGroupMember -GroupId '"+guid(4)+"' -DirectoryObjectId (Get-MgUser -UserId 'hybrid@contoso.com').Id")
		a.is("counts/0/source/name", "ad").is("counts/0/count", 2).is("counts/0/overdue", 0).is("counts/1/source/name", "entra").is("counts/1/count", 1)
		// Older than so many cycles.
		exports("?cycles=1").is("items/0/overdue", true).is("items/1/overdue", false).is("counts/0/overdue", 1).is("counts/1/overdue", 0)

		page := exports("?limit=1").is("items/1", nil).is("counts/0/count", 2)
		page = exports("?limit=1&cursor="+page.text("nextCursor")).is("items/0/order/id", second).is("items/1/order/id", second).is("counts", nil)
		exports("?limit=1&cursor="+page.text("nextCursor")).is("items", list{})
		s.api("GET", "/pending-exports?cycles=0", nil).status(400)

		// It ends when the directory asserts it, and when the order is cancelled.
		s.ad.patch("/Groups/"+s.local, op("add", "members", refs(s.onPrem))).status(204)
		exports("").is("items/0/order/id", second).is("counts/0/count", 1)
		s.admin.patch("/Orders/"+second, op("replace", "state", "cancelled")).status(200)
		exports("").is("items", list{})
	}, apptest.WithClock(clock))
}
