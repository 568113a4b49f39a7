-- What other feeds know of a CVE or advisory: scores, probabilities, exploits, release dates.
CREATE TABLE vuln_enrichment (
    source integer NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    key    text COLLATE "C" NOT NULL,
    data   bytea NOT NULL
) PARTITION BY LIST (source);
CREATE INDEX vuln_enrichment_key ON vuln_enrichment (key, kind);
