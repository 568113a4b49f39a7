-- Contents of blobs, in pieces small enough to be read and written one at a time. Rows
-- and not large objects: a dump of one schema holds them, and a restore empties them.
CREATE TABLE blob_parts (
    name text NOT NULL,
    number integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (name, number)
);
-- What is kept is compressed already.
ALTER TABLE blob_parts ALTER COLUMN data SET STORAGE EXTERNAL;
