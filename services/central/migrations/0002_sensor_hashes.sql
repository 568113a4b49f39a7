-- Hashes of what each Sensor has sent and Central has stored.
CREATE TABLE sensor_hashes (
    cluster_id uuid NOT NULL,
    key text NOT NULL,
    hash bigint NOT NULL,
    PRIMARY KEY (cluster_id, key)
);
