-- +goose Up
-- Requests that are carried out later. One waits while settled is 0, then result
-- tells what became of it.
CREATE TABLE requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  source INTEGER NOT NULL,
  admin BOOLEAN NOT NULL,
  actor TEXT NOT NULL,
  txn TEXT NOT NULL UNIQUE,
  method TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  target TEXT NOT NULL,
  query TEXT NOT NULL,
  if_match TEXT NOT NULL,
  base TEXT NOT NULL,
  body TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  result TEXT NOT NULL
);
CREATE INDEX requests_waiting ON requests(source, id) WHERE settled = 0;
CREATE INDEX requests_settled ON requests(settled) WHERE settled <> 0;
