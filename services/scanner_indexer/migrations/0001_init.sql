-- What was found in each layer, once for each detector and version of it, ever.
CREATE TABLE index_layer_finds (
    digest     text NOT NULL,
    detector   text NOT NULL,
    version    text NOT NULL,
    finds      bytea NOT NULL,
    indexed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, detector, version)
);

-- Who indexes a layer at the moment; a row whose time is over belongs to nobody.
CREATE TABLE index_layer_lease (
    digest text PRIMARY KEY,
    owner  text NOT NULL,
    until  timestamptz NOT NULL
);

-- One row for each image that was asked for: where its indexing stands, and its report.
CREATE TABLE index_manifest (
    hash_id    text PRIMARY KEY,
    state      text NOT NULL,
    detectors  text NOT NULL DEFAULT '',
    error      text NOT NULL DEFAULT '',
    report     bytea,
    notes      bytea,
    expiration timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX index_manifest_expiration ON index_manifest (expiration);

CREATE TABLE index_manifest_layer (
    hash_id  text NOT NULL REFERENCES index_manifest (hash_id) ON DELETE CASCADE,
    position integer NOT NULL,
    digest   text NOT NULL,
    PRIMARY KEY (hash_id, position)
);
CREATE INDEX index_manifest_layer_digest ON index_manifest_layer (digest);

-- Reports of images that a secured cluster's own Indexer made.
CREATE TABLE external_index_report (
    hash_id         text PRIMARY KEY,
    indexer_version text NOT NULL,
    report          bytea NOT NULL,
    expiration      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX external_index_report_expiration ON external_index_report (expiration);
