-- Tells the rows of two loads apart; empty in rows of a release that had no history.
ALTER TABLE vuln_range ADD COLUMN fingerprint bytea NOT NULL DEFAULT '';
-- Every id in name, links and aliases, for the question which images an advisory hits.
ALTER TABLE vuln_text ADD COLUMN ids text[] COLLATE "C" NOT NULL DEFAULT '{}';
CREATE INDEX vuln_text_ids ON vuln_text USING gin (ids);

ALTER TABLE vuln_source
    -- The bundle with which the history of the source begins.
    ADD COLUMN first_loaded timestamptz,
    -- A generation whose rows were exchanged and not yet compared with those that came.
    ADD COLUMN undiffed integer;
UPDATE vuln_source SET first_loaded = updated WHERE loaded_at IS NOT NULL;

-- When a row that is loaded now came, unless it is there since the first load.
CREATE TABLE vuln_begun (
    source      integer NOT NULL,
    fingerprint bytea NOT NULL,
    begun       timestamptz NOT NULL,
    PRIMARY KEY (source, fingerprint)
);

-- Rows that are gone, with their texts. Keys belong to the orders that `made_by` names.
CREATE TABLE vuln_ended (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        integer NOT NULL,
    begun         timestamptz NOT NULL,
    ended         timestamptz NOT NULL,
    made_by       text NOT NULL,
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
    cpe           text COLLATE "C" NOT NULL,
    updater       text NOT NULL,
    name          text NOT NULL,
    description   text NOT NULL,
    issued        timestamptz,
    links         text NOT NULL,
    severity      text NOT NULL,
    normalized    smallint NOT NULL,
    aliases       text[] NOT NULL
);
CREATE INDEX vuln_ended_lookup ON vuln_ended (namespace, package, ended);

-- What was asked for each image that was matched: the inverse join's other side.
CREATE TABLE vuln_image (
    hash_id text COLLATE "C" PRIMARY KEY,
    -- Tells whether the questions changed.
    digest  bytea NOT NULL,
    seen    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vuln_image_seen ON vuln_image (seen);
CREATE TABLE vuln_question (
    hash_id    text COLLATE "C" NOT NULL REFERENCES vuln_image ON DELETE CASCADE,
    package_id text NOT NULL,
    namespace  text COLLATE "C" NOT NULL,
    package    text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    scheme     text COLLATE "C" NOT NULL,
    version    text COLLATE "C" NOT NULL,
    -- Null where the version has no key.
    key        bytea,
    arch       text NOT NULL,
    module     text NOT NULL,
    cpes       text[] NOT NULL
);
CREATE INDEX vuln_question_lookup ON vuln_question (namespace, package);
CREATE INDEX vuln_question_image ON vuln_question (hash_id);

-- OpenVEX documents as they were given.
CREATE TABLE vuln_vex (
    id              text PRIMARY KEY,
    document        bytea NOT NULL,
    -- Every name of every vulnerability of its statements, in capitals.
    vulnerabilities text[] COLLATE "C" NOT NULL,
    added           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vuln_vex_vulnerabilities ON vuln_vex USING gin (vulnerabilities);
