-- The log is the truth: a row's number is its revision, a body is written
-- once. A body of NULL is a deletion. previous is the key's change before this
-- one, 0 when there was none.
CREATE TABLE changes (
	revision INTEGER PRIMARY KEY,
	"commit" INTEGER NOT NULL,
	kind     TEXT    NOT NULL,
	key      TEXT    NOT NULL,
	previous INTEGER NOT NULL,
	body     BLOB,
	at       INTEGER NOT NULL,
	"by"     TEXT    NOT NULL
);

-- What there is now. entries are the record's index entries as they stand in
-- the table of that name, so that they can be taken away without its type.
CREATE TABLE heads (
	kind     TEXT    NOT NULL,
	key      TEXT    NOT NULL,
	revision INTEGER NOT NULL,
	entries  BLOB    NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- What there was: the newest deletion of each key, as long as it is history.
CREATE TABLE graves (
	kind     TEXT    NOT NULL,
	key      TEXT    NOT NULL,
	revision INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- The index named "" of a kind holds no entries, only the count of all.
CREATE TABLE indexes (
	id   INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	UNIQUE (kind, name)
);

CREATE TABLE entries (
	idx   INTEGER NOT NULL,
	value TEXT    NOT NULL,
	key   TEXT    NOT NULL,
	PRIMARY KEY (idx, value, key)
) WITHOUT ROWID;

CREATE TABLE counts (
	idx   INTEGER NOT NULL,
	value TEXT    NOT NULL,
	n     INTEGER NOT NULL,
	PRIMARY KEY (idx, value)
) WITHOUT ROWID;

CREATE TABLE series (
	id   INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	key  TEXT NOT NULL,
	UNIQUE (kind, key)
);

CREATE TABLE points (
	id     INTEGER PRIMARY KEY,
	series INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	body   BLOB    NOT NULL
);
-- Both end in the row number, so they are (series, at, id) and (series, id).
CREATE INDEX points_by_time ON points (series, at);
CREATE INDEX points_by_id ON points (series);

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;
