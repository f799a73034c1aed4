-- +goose Up
-- Numbers that a database remembers about itself. control is another one after
-- each change of what says who a token speaks for.
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO settings (name, value) VALUES ('control', 1);
