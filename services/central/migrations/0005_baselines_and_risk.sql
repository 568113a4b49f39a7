-- What a process baseline holds, so that a batch of processes is compared in one statement.
CREATE TABLE process_baselines_elements (
    parent_id text NOT NULL,
    idx integer NOT NULL,
    element_processname text,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES process_baselines ON DELETE CASCADE
);
CREATE INDEX process_baselines_elements_name_idx ON process_baselines_elements (parent_id, element_processname);

-- The state of the baselines of each deployment, as lists show it.
CREATE TABLE process_baseline_results (
    deploymentid uuid PRIMARY KEY,
    clusterid uuid,
    namespace text,
    content_hash bytea,
    serialized bytea NOT NULL
);
CREATE INDEX process_baseline_results_clusterid_namespace_idx ON process_baseline_results (clusterid, namespace);

-- Until when the processes of a deployment are only watched. A row stays when the time is over,
-- so that a deployment is learned once.
CREATE TABLE baseline_observations (
    deployment_id uuid PRIMARY KEY,
    ends timestamptz NOT NULL,
    ended boolean NOT NULL DEFAULT false
);
CREATE INDEX baseline_observations_ends_idx ON baseline_observations (ends) WHERE NOT ended;

-- Deployments whose baselines and risk are to be looked at again. Rows are only added and
-- removed, never changed, so that whoever marks a deployment waits for nobody.
CREATE TABLE risk_marks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deployment_id uuid NOT NULL,
    due timestamptz
);
CREATE INDEX risk_marks_deployment_id_idx ON risk_marks (deployment_id);
INSERT INTO risk_marks (deployment_id) SELECT id FROM deployments;
