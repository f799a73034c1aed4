-- +goose Up
-- The chain of hashes over the events of each tenant.
CREATE TABLE seals (
  tenant INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  prev INTEGER NOT NULL,
  events INTEGER NOT NULL,
  hash BLOB NOT NULL,
  sealed INTEGER NOT NULL,
  PRIMARY KEY (tenant, seq),
  UNIQUE (tenant, prev)
) WITHOUT ROWID;
