-- Which issuers' tokens machines may exchange for Central's.
CREATE TABLE auth_machine_to_machine_configs (
    id uuid PRIMARY KEY,
    issuer text UNIQUE,
    content_hash bytea,
    serialized bytea NOT NULL
);
