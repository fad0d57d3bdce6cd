-- A term is a value of an index, with how many records have it now. Entries
-- name terms by number, and so do heads: values are long, and the same for
-- thousands of records.
CREATE TABLE terms (
	id    INTEGER PRIMARY KEY,
	idx   INTEGER NOT NULL,
	value TEXT    NOT NULL,
	n     INTEGER NOT NULL,
	UNIQUE (idx, value)
);
CREATE INDEX terms_unused ON terms (id) WHERE n = 0;

-- The counts of all stay. Everything else is built again when its table is
-- used, because the indexes are not there.
INSERT INTO terms (idx, value, n) SELECT c.idx, c.value, c.n FROM counts c JOIN indexes i ON i.id = c.idx WHERE i.name = '';
DELETE FROM indexes WHERE name <> '';
UPDATE heads SET entries = x'';
DROP TABLE counts;
DROP TABLE entries;
CREATE TABLE entries (
	term INTEGER NOT NULL,
	key  TEXT    NOT NULL,
	PRIMARY KEY (term, key)
) WITHOUT ROWID;
