-- Flows between deployments and what they talk to: one row a flow. An open one has no
-- last_seen. Rows are written in bulk and read by cluster and time.
CREATE TABLE network_flows (
    clusterid uuid NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
    source_type integer NOT NULL,
    source_id text NOT NULL,
    target_type integer NOT NULL,
    target_id text NOT NULL,
    port bigint NOT NULL,
    protocol integer NOT NULL,
    last_seen timestamptz,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (clusterid, source_type, source_id, target_type, target_id, port, protocol)
);
CREATE INDEX network_flows_last_seen_idx ON network_flows (clusterid, last_seen);
CREATE INDEX network_flows_updated_at_idx ON network_flows (clusterid, updated_at);

-- Address ranges that users named, and addresses that Sensors saw.
CREATE TABLE network_entities (
    id text PRIMARY KEY,
    clusterid uuid,
    cidr text,
    is_default boolean,
    discovered boolean,
    content_hash bytea,
    serialized bytea NOT NULL
);
CREATE INDEX network_entities_clusterid_idx ON network_entities (clusterid);

CREATE TABLE network_graph_configs (
    id text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);
