-- +goose Up
-- The rules of sources, each version. One without a document took them away.
CREATE TABLE mappings (
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  number INTEGER NOT NULL,
  document TEXT NOT NULL,
  version TEXT NOT NULL,
  author TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (source, number)
) WITHOUT ROWID;

-- What sources with rules said, each of one person.
CREATE TABLE raws (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  recognized TEXT NOT NULL,
  data TEXT NOT NULL,
  rules INTEGER NOT NULL,
  in_scope BOOLEAN NOT NULL,
  at INTEGER NOT NULL
);
CREATE UNIQUE INDEX raws_user ON raws(source, rid) WHERE rid <> 0;
CREATE INDEX raws_recognized ON raws(source, recognized, id);
CREATE INDEX raws_source ON raws(source, id);
CREATE INDEX raws_rid ON raws(rid) WHERE rid <> 0;
