-- All times are integer microseconds since 1970. Texts that are compared are in
-- comparison form already: the database never folds.

-- +goose Up
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  slug TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  sync_enabled BOOLEAN NOT NULL,
  schema_version INTEGER NOT NULL,
  created INTEGER NOT NULL
);

CREATE TABLE tenant_domains (
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  position INTEGER NOT NULL,
  domain TEXT NOT NULL,
  PRIMARY KEY (tenant, position)
) WITHOUT ROWID;

CREATE TABLE sources (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  public_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  directory_domain TEXT NOT NULL,
  mode TEXT NOT NULL,
  policies TEXT NOT NULL,
  created INTEGER NOT NULL
);
CREATE UNIQUE INDEX sources_name ON sources(tenant, name);
CREATE UNIQUE INDEX sources_domain ON sources(tenant, directory_domain) WHERE directory_domain <> '';

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  source INTEGER NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  prefix TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  last_used INTEGER NOT NULL
);
CREATE INDEX tokens_tenant ON tokens(tenant, id);
CREATE INDEX tokens_expires ON tokens(expires) WHERE kind = 'access';

CREATE TABLE federations (
  source INTEGER NOT NULL REFERENCES sources(id),
  issuer TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  audience TEXT NOT NULL,
  keys_url TEXT NOT NULL,
  PRIMARY KEY (source, issuer, tenant_id, subject)
) WITHOUT ROWID;

CREATE TABLE custom_attributes (
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  number INTEGER NOT NULL,
  urn TEXT NOT NULL,
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  type INTEGER NOT NULL,
  PRIMARY KEY (tenant, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX custom_attributes_name ON custom_attributes(tenant, folded);

-- One row per user or group. States 1 and 2 are the visible ones: partial
-- indexes and queries both spell that "state <= 2".
CREATE TABLE resources (
  rid INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  id TEXT NOT NULL,
  unique_key TEXT,
  display TEXT NOT NULL,
  authority INTEGER NOT NULL,
  class TEXT NOT NULL,
  state INTEGER NOT NULL,
  state_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  doc TEXT NOT NULL
);
CREATE UNIQUE INDEX resources_id ON resources(tenant, id);
CREATE UNIQUE INDEX resources_unique ON resources(tenant, kind, unique_key) WHERE unique_key IS NOT NULL AND state <= 2;
CREATE INDEX resources_visible ON resources(tenant, kind, rid) WHERE state <= 2;
CREATE INDEX resources_expiry ON resources(state, state_at) WHERE state <> 1;

-- What each source asserted. view is the number under which the index rows of
-- the link's document stand: 0, those of the resolved document, or the source's
-- id if it has a document of its own. States 1 and 2 are the live ones.
CREATE TABLE links (
  rid INTEGER NOT NULL,
  source INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  external_id TEXT,
  anchor TEXT,
  state INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  view INTEGER NOT NULL,
  PRIMARY KEY (rid, source)
) WITHOUT ROWID;
CREATE INDEX links_live ON links(source, kind, rid) WHERE state <= 2;
CREATE UNIQUE INDEX links_external ON links(source, kind, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX links_anchor ON links(source, kind, anchor) WHERE anchor IS NOT NULL;

CREATE TABLE link_docs (
  rid INTEGER NOT NULL,
  source INTEGER NOT NULL,
  doc TEXT NOT NULL
);
CREATE UNIQUE INDEX link_docs_key ON link_docs(rid, source);

CREATE TABLE ix (
  tenant INTEGER NOT NULL,
  attr INTEGER NOT NULL,
  key TEXT NOT NULL,
  rid INTEGER NOT NULL,
  view INTEGER NOT NULL,
  PRIMARY KEY (tenant, attr, key, rid, view)
) WITHOUT ROWID;

CREATE TABLE members (
  grp INTEGER NOT NULL,
  source INTEGER NOT NULL,
  member INTEGER NOT NULL,
  PRIMARY KEY (grp, source, member)
) WITHOUT ROWID;
CREATE INDEX members_member ON members(member, source, grp);

-- How many resources of a kind a view shows: the sum over the slots, of which
-- SQLite needs one. scope is minus the tenant for the resolved view, else the
-- source. Under minus the kind stands how often one came or went elsewhere than
-- at the end.
CREATE TABLE counts (
  scope INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (scope, kind, slot)
) WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  time INTEGER NOT NULL,
  txn TEXT NOT NULL,
  actor TEXT NOT NULL,
  source INTEGER NOT NULL,
  type TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  subject TEXT NOT NULL,
  subject_rid INTEGER NOT NULL,
  before TEXT,
  after TEXT
);
CREATE INDEX events_tenant ON events(tenant, seq);

CREATE TABLE parked (
  source INTEGER NOT NULL,
  ref TEXT NOT NULL,
  kind TEXT NOT NULL,
  rid INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  PRIMARY KEY (source, ref, kind, rid)
) WITHOUT ROWID;

CREATE TABLE conflicts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  rid INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  doc TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  open INTEGER NOT NULL
);
CREATE INDEX conflicts_tenant ON conflicts(tenant, id);
CREATE UNIQUE INDEX conflicts_open ON conflicts(source, rid, external_id) WHERE open = 1;
