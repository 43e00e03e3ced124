-- Keys and indexes, the load and its row in the feed; then everybody can see it.
ALTER TABLE twin.asset_{kind}_1 ADD PRIMARY KEY (code, issued_in);
ALTER TABLE twin.asset_{kind}_1 ADD UNIQUE (dataset_id, source_key);
CREATE INDEX ON twin.asset_{kind}_1 USING gist (geom);
CREATE INDEX ON twin.asset_{kind}_1 (cell);
CREATE TABLE twin.asset_{kind} (LIKE twin.asset INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY LIST (part);
ALTER TABLE twin.asset ATTACH PARTITION twin.asset_{kind} FOR VALUES IN ('{kind}');
ALTER TABLE twin.asset_{kind} ATTACH PARTITION twin.asset_{kind}_1 FOR VALUES IN (1);
ALTER TABLE twin.asset_{kind}_1 DROP CONSTRAINT part;
INSERT INTO twin.load (
    id, dataset_id, kind, source, format, options, read, new, changed, same, rejected, receipt, started_at, finished_at
)
SELECT 1, d.id, '{kind}', 'source', 'flatgeobuf', '{{}}', n, n, 0, 0, 0, '{{}}', now(), now()
FROM twin.dataset d, (SELECT count(*) AS n FROM twin.asset_{kind}_1) AS counted
WHERE d.name = '{dataset}';
INSERT INTO twin.change (load_id) VALUES (1);
DROP TABLE source, cell, place;
ANALYZE twin.asset_{kind}_1
