-- +goose Up
-- control is another number after each change of what says who a token speaks
-- for.
INSERT INTO settings (name, value) VALUES ('control', 1);
