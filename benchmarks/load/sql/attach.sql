-- Keys and indexes, the load and its row in the feed; then everybody can see it.
ALTER TABLE twin.asset_{kind} ADD PRIMARY KEY (code, issued_in, kind);
ALTER TABLE twin.asset_{kind} ADD UNIQUE (dataset_id, source_key, kind);
CREATE INDEX ON twin.asset_{kind} USING gist (geom);
CREATE INDEX ON twin.asset_{kind} (cell);
ALTER TABLE twin.asset ATTACH PARTITION twin.asset_{kind} FOR VALUES IN ('{kind}');
ALTER TABLE twin.asset_{kind} DROP CONSTRAINT kind;
INSERT INTO twin.load (
    id, dataset_id, kind, source, format, options, read, new, changed, same, rejected, receipt, started_at, finished_at
)
SELECT 1, d.id, '{kind}', 'source', 'flatgeobuf', '{{}}', n, n, 0, 0, 0, '{{}}', now(), now()
FROM twin.dataset d, (SELECT count(*) AS n FROM twin.asset_{kind}) AS counted
WHERE d.name = '{dataset}';
INSERT INTO twin.change (load_id) VALUES (1);
DROP TABLE source, cell, place;
ANALYZE twin.asset_{kind}
