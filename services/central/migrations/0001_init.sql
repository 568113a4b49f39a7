-- The first schema of Central's database: one table per stored message with its
-- search columns, child tables for repeated fields, the indexes that list pages need.

CREATE TABLE clusters (
    id uuid PRIMARY KEY,
    name text UNIQUE,
    type integer,
    labels jsonb,
    status_providermetadata_cluster_type integer,
    status_orchestratormetadata_version text,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE cluster_health_statuses (
    id uuid PRIMARY KEY,
    sensorhealthstatus integer,
    collectorhealthstatus integer,
    overallhealthstatus integer,
    admissioncontrolhealthstatus integer,
    scannerhealthstatus integer,
    lastcontact timestamptz,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE namespaces (
    id uuid PRIMARY KEY,
    name text,
    clusterid uuid,
    clustername text,
    labels jsonb,
    annotations jsonb,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE deployments (
    id uuid PRIMARY KEY,
    name text,
    hash bigint,
    type text,
    namespace text,
    namespaceid uuid,
    orchestratorcomponent boolean,
    labels jsonb,
    podlabels jsonb,
    created timestamptz,
    clusterid uuid,
    clustername text,
    annotations jsonb,
    priority bigint,
    imagepullsecrets text[],
    serviceaccount text,
    serviceaccountpermissionlevel integer,
    riskscore double precision,
    platformcomponent boolean,
    content_hash bytea,
    serialized bytea NOT NULL,
    list_form bytea NOT NULL
);

CREATE TABLE deployments_containers (
    parent_id uuid NOT NULL,
    idx integer NOT NULL,
    image_id text,
    image_name_registry text,
    image_name_remote text,
    image_name_tag text,
    image_name_fullname text,
    image_idv2 text,
    securitycontext_privileged boolean,
    securitycontext_dropcapabilities text[],
    securitycontext_addcapabilities text[],
    securitycontext_readonlyrootfilesystem boolean,
    resources_cpucoresrequest double precision,
    resources_cpucoreslimit double precision,
    resources_memorymbrequest double precision,
    resources_memorymblimit double precision,
    type integer,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES deployments ON DELETE CASCADE
);

CREATE TABLE deployments_containers_envs (
    parent_id uuid NOT NULL,
    parent_idx integer NOT NULL,
    idx integer NOT NULL,
    key text,
    value text,
    envvarsource integer,
    PRIMARY KEY (parent_id, parent_idx, idx),
    FOREIGN KEY (parent_id, parent_idx) REFERENCES deployments_containers (parent_id, idx) ON DELETE CASCADE
);

CREATE TABLE deployments_containers_volumes (
    parent_id uuid NOT NULL,
    parent_idx integer NOT NULL,
    idx integer NOT NULL,
    name text,
    source text,
    destination text,
    readonly boolean,
    type text,
    PRIMARY KEY (parent_id, parent_idx, idx),
    FOREIGN KEY (parent_id, parent_idx) REFERENCES deployments_containers (parent_id, idx) ON DELETE CASCADE
);

CREATE TABLE deployments_containers_secrets (
    parent_id uuid NOT NULL,
    parent_idx integer NOT NULL,
    idx integer NOT NULL,
    name text,
    path text,
    PRIMARY KEY (parent_id, parent_idx, idx),
    FOREIGN KEY (parent_id, parent_idx) REFERENCES deployments_containers (parent_id, idx) ON DELETE CASCADE
);

CREATE TABLE deployments_ports (
    parent_id uuid NOT NULL,
    idx integer NOT NULL,
    containerport bigint,
    protocol text,
    exposure integer,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES deployments ON DELETE CASCADE
);

CREATE TABLE deployments_ports_exposure_infos (
    parent_id uuid NOT NULL,
    parent_idx integer NOT NULL,
    idx integer NOT NULL,
    level integer,
    servicename text,
    serviceport bigint,
    nodeport bigint,
    externalips text[],
    externalhostnames text[],
    PRIMARY KEY (parent_id, parent_idx, idx),
    FOREIGN KEY (parent_id, parent_idx) REFERENCES deployments_ports (parent_id, idx) ON DELETE CASCADE
);

CREATE TABLE pods (
    id uuid PRIMARY KEY,
    name text,
    deploymentid uuid,
    namespace text,
    clusterid uuid,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE pods_live_instances (
    parent_id uuid NOT NULL,
    idx integer NOT NULL,
    imagedigest text,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES pods ON DELETE CASCADE
);

CREATE TABLE process_indicators (
    id uuid PRIMARY KEY,
    deploymentid uuid,
    containername text,
    podid text,
    poduid uuid,
    signal_containerid text,
    signal_time timestamptz,
    signal_name text,
    signal_args text,
    signal_execfilepath text,
    signal_uid bigint,
    clusterid uuid,
    namespace text,
    containerstarttime timestamptz,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE process_baselines (
    id text PRIMARY KEY,
    key_deploymentid uuid,
    key_clusterid uuid,
    key_namespace text,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE risks (
    id text PRIMARY KEY,
    subject_namespace text,
    subject_clusterid uuid,
    subject_type integer,
    score double precision,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE images (
    id text PRIMARY KEY,
    name_registry text,
    name_remote text,
    name_tag text,
    name_fullname text,
    metadata_v1_created timestamptz,
    metadata_v1_user text,
    metadata_v1_command text[],
    metadata_v1_entrypoint text[],
    metadata_v1_volumes text[],
    metadata_v1_labels jsonb,
    scan_scantime timestamptz,
    scan_operatingsystem text,
    signature_fetched timestamptz,
    components bigint,
    cves bigint,
    fixablecves bigint,
    lastupdated timestamptz,
    priority bigint,
    riskscore double precision,
    topcvss double precision,
    content_hash bytea,
    serialized bytea NOT NULL,
    list_form bytea NOT NULL
);

CREATE TABLE images_layers (
    parent_id text NOT NULL,
    idx integer NOT NULL,
    instruction text,
    value text,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES images ON DELETE CASCADE
);

CREATE TABLE images_v2 (
    id text PRIMARY KEY,
    digest text,
    name_registry text,
    name_remote text,
    name_tag text,
    name_fullname text,
    metadata_v1_created timestamptz,
    metadata_v1_user text,
    metadata_v1_command text[],
    metadata_v1_entrypoint text[],
    metadata_v1_volumes text[],
    metadata_v1_labels jsonb,
    scan_scantime timestamptz,
    scan_operatingsystem text,
    signature_fetched timestamptz,
    scanstats_componentcount bigint,
    scanstats_cvecount bigint,
    scanstats_fixablecvecount bigint,
    scanstats_unknowncvecount bigint,
    scanstats_fixableunknowncvecount bigint,
    scanstats_criticalcvecount bigint,
    scanstats_fixablecriticalcvecount bigint,
    scanstats_importantcvecount bigint,
    scanstats_fixableimportantcvecount bigint,
    scanstats_moderatecvecount bigint,
    scanstats_fixablemoderatecvecount bigint,
    scanstats_lowcvecount bigint,
    scanstats_fixablelowcvecount bigint,
    lastupdated timestamptz,
    priority bigint,
    riskscore double precision,
    topcvss double precision,
    content_hash bytea,
    serialized bytea NOT NULL,
    list_form bytea NOT NULL
);

CREATE TABLE images_v2_layers (
    parent_id text NOT NULL,
    idx integer NOT NULL,
    instruction text,
    value text,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES images_v2 ON DELETE CASCADE
);

CREATE TABLE image_component_v2 (
    id text PRIMARY KEY,
    name text,
    version text,
    priority bigint,
    source integer,
    riskscore double precision,
    topcvss double precision,
    operatingsystem text,
    imageid text REFERENCES images(id) ON DELETE CASCADE,
    location text,
    imageidv2 text REFERENCES images_v2(id) ON DELETE CASCADE,
    layertype integer,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE image_cves_v2 (
    id text PRIMARY KEY,
    imageid text REFERENCES images(id) ON DELETE CASCADE,
    cvebaseinfo_cve text,
    cvebaseinfo_publishedon timestamptz,
    cvebaseinfo_createdat timestamptz,
    cvebaseinfo_epss_epssprobability double precision,
    cvebaseinfo_cisakev boolean,
    cvss double precision,
    severity integer,
    impactscore double precision,
    nvdcvss double precision,
    firstimageoccurrence timestamptz,
    state integer,
    isfixable boolean,
    fixedby text,
    componentid text REFERENCES image_component_v2(id) ON DELETE CASCADE,
    advisory_name text,
    advisory_link text,
    imageidv2 text REFERENCES images_v2(id) ON DELETE CASCADE,
    fixavailabletimestamp timestamptz,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE alerts (
    id uuid PRIMARY KEY,
    policy_id text,
    policy_name text,
    policy_description text,
    policy_disabled boolean,
    policy_categories text[],
    policy_severity integer,
    policy_enforcementactions integer[],
    policy_lastupdated timestamptz,
    policy_sortname text,
    policy_sortlifecyclestage text,
    policy_sortenforcement boolean,
    lifecyclestage integer,
    clusterid uuid,
    clustername text,
    namespace text,
    namespaceid uuid,
    deployment_id uuid,
    deployment_name text,
    deployment_type text,
    deployment_inactive boolean,
    image_id text,
    image_name_registry text,
    image_name_remote text,
    image_name_tag text,
    image_name_fullname text,
    image_idv2 text,
    resource_resourcetype integer,
    resource_name text,
    node_id text,
    node_name text,
    enforcement_action integer,
    time timestamptz,
    state integer,
    platformcomponent boolean,
    entitytype integer,
    enforcementcount bigint,
    content_hash bytea,
    serialized bytea NOT NULL,
    list_form bytea NOT NULL
);

CREATE TABLE policies (
    id text PRIMARY KEY,
    name text UNIQUE,
    description text,
    disabled boolean,
    categories text[],
    lifecyclestages integer[],
    severity integer,
    enforcementactions integer[],
    lastupdated timestamptz,
    sortname text,
    sortlifecyclestage text,
    sortenforcement boolean,
    content_hash bytea,
    serialized bytea NOT NULL,
    list_form bytea NOT NULL
);

CREATE TABLE policy_categories (
    id text PRIMARY KEY,
    name text UNIQUE,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE secrets (
    id uuid PRIMARY KEY,
    name text,
    clusterid uuid,
    clustername text,
    namespace text,
    createdat timestamptz,
    content_hash bytea,
    serialized bytea NOT NULL,
    list_form bytea NOT NULL
);

CREATE TABLE secrets_files (
    parent_id uuid NOT NULL,
    idx integer NOT NULL,
    type integer,
    cert_enddate timestamptz,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES secrets ON DELETE CASCADE
);

CREATE TABLE secrets_files_registries (
    parent_id uuid NOT NULL,
    parent_idx integer NOT NULL,
    idx integer NOT NULL,
    name text,
    PRIMARY KEY (parent_id, parent_idx, idx),
    FOREIGN KEY (parent_id, parent_idx) REFERENCES secrets_files (parent_id, idx) ON DELETE CASCADE
);

CREATE TABLE nodes (
    id uuid PRIMARY KEY,
    name text,
    clusterid uuid,
    clustername text,
    labels jsonb,
    annotations jsonb,
    joinedat timestamptz,
    containerruntime_version text,
    osimage text,
    lastupdated timestamptz,
    scan_scantime timestamptz,
    components bigint,
    cves bigint,
    fixablecves bigint,
    priority bigint,
    riskscore double precision,
    topcvss double precision,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE nodes_taints (
    parent_id uuid NOT NULL,
    idx integer NOT NULL,
    key text,
    value text,
    tainteffect integer,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES nodes ON DELETE CASCADE
);

CREATE TABLE service_accounts (
    id uuid PRIMARY KEY,
    name text,
    namespace text,
    clustername text,
    clusterid uuid,
    labels jsonb,
    annotations jsonb,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE k8s_roles (
    id uuid PRIMARY KEY,
    name text,
    namespace text,
    clusterid uuid,
    clustername text,
    clusterrole boolean,
    labels jsonb,
    annotations jsonb,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE role_bindings (
    id uuid PRIMARY KEY,
    name text,
    namespace text,
    clusterid uuid,
    clustername text,
    clusterrole boolean,
    labels jsonb,
    annotations jsonb,
    roleid uuid,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE role_bindings_subjects (
    parent_id uuid NOT NULL,
    idx integer NOT NULL,
    kind integer,
    name text,
    PRIMARY KEY (parent_id, idx),
    FOREIGN KEY (parent_id) REFERENCES role_bindings ON DELETE CASCADE
);

CREATE TABLE networkpolicies (
    id text PRIMARY KEY,
    clusterid uuid,
    namespace text,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE roles (
    name text PRIMARY KEY,
    permissionsetid uuid,
    accessscopeid uuid,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE permission_sets (
    id uuid PRIMARY KEY,
    name text UNIQUE,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE simple_access_scopes (
    id uuid PRIMARY KEY,
    name text UNIQUE,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE api_tokens (
    id text PRIMARY KEY,
    expiration timestamptz,
    revoked boolean,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE auth_providers (
    id text PRIMARY KEY,
    name text UNIQUE,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE groups (
    props_id text PRIMARY KEY,
    props_authproviderid text,
    props_key text,
    props_value text,
    rolename text,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE service_identities (
    serialstr text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE cluster_init_bundles (
    id text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE image_integrations (
    id uuid PRIMARY KEY,
    name text UNIQUE,
    clusterid uuid,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE integration_healths (
    id text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE hashes (
    clusterid text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE configs (
    id text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE system_infos (
    id text PRIMARY KEY,
    backupinfo_requestor_name text,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE installation_infos (
    id text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE blobs (
    name text PRIMARY KEY,
    length bigint,
    modifiedtime timestamptz,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE watched_images (
    name text PRIMARY KEY,
    content_hash bytea,
    serialized bytea NOT NULL
);

CREATE TABLE notifiers (
    id text PRIMARY KEY,
    name text UNIQUE,
    content_hash bytea,
    serialized bytea NOT NULL
);

-- Links, scopes and frequent filters.
CREATE INDEX namespaces_clusterid_idx ON namespaces (clusterid);
CREATE INDEX namespaces_clusterid_name_idx ON namespaces (clusterid, name);
CREATE INDEX deployments_namespaceid_idx ON deployments (namespaceid);
CREATE INDEX deployments_containers_image_id_idx ON deployments_containers USING hash (image_id);
CREATE INDEX deployments_containers_image_idv2_idx ON deployments_containers (image_idv2);
CREATE INDEX deployments_clusterid_namespace_idx ON deployments (clusterid, namespace);
CREATE INDEX pods_deploymentid_idx ON pods (deploymentid);
CREATE INDEX pods_clusterid_namespace_idx ON pods (clusterid, namespace);
CREATE INDEX process_indicators_deploymentid_idx ON process_indicators (deploymentid);
CREATE INDEX process_indicators_poduid_idx ON process_indicators (poduid);
CREATE INDEX process_indicators_signal_time_idx ON process_indicators (signal_time);
CREATE INDEX process_indicators_clusterid_namespace_idx ON process_indicators (clusterid, namespace);
CREATE INDEX process_baselines_key_deploymentid_idx ON process_baselines (key_deploymentid);
CREATE INDEX process_baselines_key_clusterid_key_namespace_idx ON process_baselines (key_clusterid, key_namespace);
CREATE INDEX risks_subject_clusterid_subject_namespace_idx ON risks (subject_clusterid, subject_namespace);
CREATE INDEX image_component_v2_imageid_idx ON image_component_v2 (imageid);
CREATE INDEX image_component_v2_imageidv2_idx ON image_component_v2 (imageidv2);
CREATE INDEX image_cves_v2_imageid_idx ON image_cves_v2 (imageid);
CREATE INDEX image_cves_v2_cvebaseinfo_cve_idx ON image_cves_v2 (cvebaseinfo_cve);
CREATE INDEX image_cves_v2_severity_idx ON image_cves_v2 (severity);
CREATE INDEX image_cves_v2_state_idx ON image_cves_v2 (state);
CREATE INDEX image_cves_v2_componentid_idx ON image_cves_v2 (componentid);
CREATE INDEX image_cves_v2_imageidv2_idx ON image_cves_v2 (imageidv2);
CREATE INDEX alerts_policy_id_idx ON alerts (policy_id);
CREATE INDEX alerts_lifecyclestage_idx ON alerts (lifecyclestage);
CREATE INDEX alerts_deployment_id_idx ON alerts (deployment_id);
CREATE INDEX alerts_state_idx ON alerts (state);
CREATE INDEX alerts_clusterid_namespace_idx ON alerts (clusterid, namespace);
CREATE INDEX secrets_clusterid_namespace_idx ON secrets (clusterid, namespace);
CREATE INDEX nodes_clusterid_idx ON nodes (clusterid);
CREATE INDEX service_accounts_clusterid_namespace_idx ON service_accounts (clusterid, namespace);
CREATE INDEX k8s_roles_clusterid_namespace_idx ON k8s_roles (clusterid, namespace);
CREATE INDEX role_bindings_clusterid_namespace_idx ON role_bindings (clusterid, namespace);
CREATE INDEX networkpolicies_clusterid_namespace_idx ON networkpolicies (clusterid, namespace);

-- List pages in their usual order; the key ends every sort.
CREATE INDEX alerts_recent_idx ON alerts (time DESC NULLS LAST, id);
CREATE INDEX alerts_policy_idx ON alerts (policy_id, state);
CREATE INDEX deployments_risk_idx ON deployments (riskscore DESC NULLS LAST, id);
CREATE INDEX images_risk_idx ON images (riskscore DESC NULLS LAST, id);
CREATE INDEX images_v2_risk_idx ON images_v2 (riskscore DESC NULLS LAST, id);
CREATE INDEX images_v2_digest_idx ON images_v2 (digest);
CREATE INDEX image_cves_v2_name_idx ON image_cves_v2 (cvebaseinfo_cve);

-- One rule per provider, key and value, as upstream's `groups_unique_indicator`.
CREATE UNIQUE INDEX groups_unique_indicator
    ON groups (props_authproviderid, props_key, props_value, rolename);

-- Which replica holds what (a Sensor's connection, a singleton job), and until when.
CREATE TABLE leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    expires timestamptz NOT NULL
);

-- Messages between replicas: NOTIFY carries the channel's ids, this table is the fallback.
CREATE TABLE notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    ids text[] NOT NULL,
    sent timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notices_sent_idx ON notices (sent);
