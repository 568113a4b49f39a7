-- One row for each bundle of advisories; its id is the key of its partitions.
CREATE TABLE vuln_source (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        varchar(128) NOT NULL UNIQUE,
    -- When the bundle was made; the epoch until it was loaded once.
    updated     timestamptz NOT NULL DEFAULT 'epoch',
    loaded_at   timestamptz,
    -- Which loader and key orders made the rows; others mean: load again.
    made_by     text NOT NULL DEFAULT '',
    generation  integer NOT NULL DEFAULT 0,
    ranges      bigint NOT NULL DEFAULT 0,
    advisories  bigint NOT NULL DEFAULT 0,
    -- Count of what was left out, by reason.
    skipped     jsonb NOT NULL DEFAULT '{}',
    namespaces  text[] NOT NULL DEFAULT '{}'
);

-- Which versions of which packages an advisory hits: lo <= key < hi over byte keys.
CREATE TABLE vuln_range (
    source        integer NOT NULL,
    advisory      integer NOT NULL,
    namespace     text COLLATE "C" NOT NULL,
    package       text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    scheme        text COLLATE "C" NOT NULL,
    lo            bytea NOT NULL,
    hi            bytea NOT NULL,
    introduced    text COLLATE "C" NOT NULL,
    fixed_in      text COLLATE "C" NOT NULL,
    last_affected text COLLATE "C" NOT NULL,
    fallback      boolean NOT NULL,
    not_affected  boolean NOT NULL,
    arch          text COLLATE "C" NOT NULL,
    module        text COLLATE "C" NOT NULL,
    cpe           text COLLATE "C" NOT NULL
) PARTITION BY LIST (source);
CREATE INDEX vuln_range_lookup ON vuln_range (namespace, package, hi) INCLUDE (lo);

-- The text of each advisory, read for the hits of a scan only.
CREATE TABLE vuln_text (
    source      integer NOT NULL,
    advisory    integer NOT NULL,
    updater     text NOT NULL,
    name        text NOT NULL,
    description text NOT NULL,
    issued      timestamptz,
    links       text NOT NULL,
    severity    text NOT NULL,
    normalized  smallint NOT NULL,
    aliases     text[] NOT NULL
) PARTITION BY LIST (source);
CREATE INDEX vuln_text_advisory ON vuln_text (source, advisory);
