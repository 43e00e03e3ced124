-- The assets; these buildings bear no identifiers, so that their partition stays empty.
INSERT INTO twin.asset_building_1 (
    kind, issued_in, code, scheme, dataset_id, source_key, name, status, division, installed, attributes, words,
    geom, cell, load_id, row_number, source_hash, valid_from
)
SELECT
    'building', p.issued_in, p.code, 'gbt30428', d.id, s.id, s.name, 'in_service', p.division, s.installed::date,
    jsonb_build_object('use', s.use, 'height', s.height, 'levels', s.levels), lower(s.name),
    s.wkb_geometry, p.cell, 1, s.ogc_fid, hashtextextended(s::text, 0), least(s.installed, now())
FROM source s
JOIN place p ON p.fid = s.ogc_fid
JOIN twin.dataset d ON d.name = 'buildings';

CREATE TABLE twin.identifier_building PARTITION OF twin.identifier FOR VALUES IN ('building') PARTITION BY LIST (part);
CREATE TABLE twin.identifier_building_1 PARTITION OF twin.identifier_building FOR VALUES IN (1);
CREATE UNIQUE INDEX ON twin.identifier_building_1 (value, scheme, issuer) WHERE valid_to IS NULL
