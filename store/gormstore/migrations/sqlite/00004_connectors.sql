-- +goose Up
ALTER TABLE sources ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN run TEXT NOT NULL DEFAULT '';

-- What the server keeps for connectors that pull (store/connectors.go).

-- One row per partition that was ever worked on. It stays when the lease ends,
-- so that its token never begins again.
CREATE TABLE leases (
  source INTEGER NOT NULL,
  partition TEXT NOT NULL,
  holder TEXT NOT NULL,
  token INTEGER NOT NULL,
  run TEXT NOT NULL,
  acquired INTEGER NOT NULL,
  renewed INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  PRIMARY KEY (source, partition)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
  source INTEGER NOT NULL,
  partition TEXT NOT NULL,
  tenant INTEGER NOT NULL,
  version INTEGER NOT NULL,
  data BLOB NOT NULL,
  token INTEGER NOT NULL,
  saved INTEGER NOT NULL,
  PRIMARY KEY (source, partition)
);

CREATE TABLE configurations (
  source INTEGER NOT NULL,
  version INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  document TEXT NOT NULL,
  hash BLOB NOT NULL,
  author TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (source, version)
);

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  public_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  partition TEXT NOT NULL,
  holder TEXT NOT NULL,
  token INTEGER NOT NULL,
  phase TEXT NOT NULL,
  done INTEGER NOT NULL,
  total INTEGER NOT NULL,
  counts TEXT NOT NULL,
  detail TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  started INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  next INTEGER NOT NULL,
  plan_hash BLOB,
  plan_size INTEGER NOT NULL,
  plan_upload INTEGER NOT NULL,
  version INTEGER NOT NULL
);
CREATE INDEX runs_tenant ON runs(tenant, id);
CREATE INDEX runs_source ON runs(source, id);

-- Parts of uploads of plans; the plan of a run is its upload plan_upload.
CREATE TABLE run_plans (
  run INTEGER NOT NULL,
  upload INTEGER NOT NULL,
  position INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, upload, position)
);

CREATE TABLE problems (
  source INTEGER NOT NULL,
  anchor TEXT NOT NULL,
  code TEXT NOT NULL,
  tenant INTEGER NOT NULL,
  kind TEXT NOT NULL,
  display TEXT NOT NULL,
  detail TEXT NOT NULL,
  retry TEXT NOT NULL,
  run TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (source, anchor, code)
) WITHOUT ROWID;

CREATE TABLE agents (
  public_id TEXT PRIMARY KEY,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  name TEXT NOT NULL,
  enrolled INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  version TEXT NOT NULL,
  os TEXT NOT NULL,
  state TEXT NOT NULL,
  hash BLOB,
  started INTEGER NOT NULL,
  colocated INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL
);
CREATE INDEX agents_tenant ON agents(tenant, source);

CREATE TABLE commands (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  agent TEXT NOT NULL,
  name TEXT NOT NULL,
  author TEXT NOT NULL,
  created INTEGER NOT NULL
);
CREATE INDEX commands_source ON commands(source, id);

CREATE TABLE pending (
  source INTEGER NOT NULL,
  key TEXT NOT NULL,
  tenant INTEGER NOT NULL,
  changes TEXT NOT NULL,
  hash BLOB NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (source, key)
);
