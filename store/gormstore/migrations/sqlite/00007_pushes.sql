-- +goose Up
-- What guards sources that push (store/pushes.go): one row per source that ever
-- destroyed something.
CREATE TABLE pushes (
  source INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  run TEXT NOT NULL,
  started INTEGER NOT NULL,
  last INTEGER NOT NULL,
  counts TEXT NOT NULL,
  over_limit TEXT NOT NULL,
  held INTEGER NOT NULL
);
CREATE INDEX pushes_open ON pushes(last) WHERE run <> '';

-- How many members a group has lost in a push, which is known by its start.
CREATE TABLE push_losses (
  source INTEGER NOT NULL,
  grp INTEGER NOT NULL,
  started INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  PRIMARY KEY (source, grp)
) WITHOUT ROWID;

-- What a source asked for a resource, and what waits; and the members that are
-- to leave a group.
CREATE TABLE held (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  run TEXT NOT NULL,
  gone INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  at INTEGER NOT NULL
);
CREATE UNIQUE INDEX held_resource ON held(source, rid);
CREATE INDEX held_run ON held(run, id);

CREATE TABLE held_members (
  source INTEGER NOT NULL,
  grp INTEGER NOT NULL,
  member INTEGER NOT NULL,
  PRIMARY KEY (source, grp, member)
) WITHOUT ROWID;

-- Memberships are counted like resources: 1000 stands for their kind.
INSERT INTO counts (scope, kind, slot, n) SELECT source, 1000, 0, COUNT(*) FROM members GROUP BY source;
