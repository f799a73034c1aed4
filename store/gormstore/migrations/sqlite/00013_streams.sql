-- +goose Up
-- Who wants which security events, and how far each got. Lists are JSON arrays.
CREATE TABLE streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL REFERENCES tenants(id),
  source INTEGER NOT NULL,
  public_id TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  delivery TEXT NOT NULL,
  subjects INTEGER NOT NULL,
  issuer TEXT NOT NULL,
  audience TEXT NOT NULL,
  events TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  secret TEXT NOT NULL,
  paused BOOLEAN NOT NULL,
  reason TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  position INTEGER NOT NULL,
  acked TEXT NOT NULL,
  delivered INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  last_error_at INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  failing_since INTEGER NOT NULL,
  next INTEGER NOT NULL,
  holder TEXT NOT NULL,
  holder_until INTEGER NOT NULL
);
CREATE INDEX streams_tenant ON streams(tenant, id);
CREATE INDEX streams_pushed ON streams(id) WHERE delivery = 'push' AND NOT paused;

-- With what they are signed; the newest signs.
CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  private_key TEXT NOT NULL,
  created INTEGER NOT NULL,
  retired INTEGER NOT NULL
);
